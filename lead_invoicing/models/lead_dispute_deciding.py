from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..tools.protected_fields import engine_at_work
from .lead_dispute import DISPUTE_ACTIVITY_TYPE


class LeadDispute(models.Model):
    """How a dispute ends.

    - *Accepted*: each disputed lead is returned, as the platform would return it, and
      goes the way of all returns. A sum belongs to no lead but to the invoice: it is
      credited by Odoo's own reversal of the invoice, reduced to that sum in the
      proportion of the invoice's taxes, and posted.
    - *Rejected*: the invoice is to be paid; its reminders start again.
    - *Withdrawn*: as if it had not been.

    However it ends, the invoice settles as any other from then on.
    """

    _inherit = "lead.dispute"

    def action_accept(self):
        """Accept these disputes: the buyer gets its money back.

        :raises UserError: for one that is closed, or that cannot be credited
        """
        for dispute in self._check_open():
            dispute._close("accepted")
            if dispute.scope == "rows":
                dispute._return_leads()
            else:
                dispute._credit_invoice()
            dispute._follow_decision()

    def action_reject(self):
        """Reject these disputes, with an answer.

        :raises UserError: for one that is closed or has no answer
        """
        for dispute in self._check_open():
            if not (dispute.answer and dispute.answer.strip()):
                raise UserError(
                    self.env._(
                        "Enter an answer before you reject %s: the buyer reads it.",
                        dispute.name,
                    )
                )
            dispute._close("rejected")
            dispute._follow_decision()

    def action_withdraw(self):
        """Take these disputes back, as the buyer asked.

        :raises UserError: for one that is closed
        """
        for dispute in self._check_open():
            dispute._close("withdrawn")
            dispute._follow_decision()

    def action_reopen(self):
        """Open these rejected disputes again.

        :raises UserError: for one that was not rejected, or whose invoice has nothing
            left to dispute
        """
        self.check_access("write")
        for dispute in self:
            if dispute.state != "rejected":
                raise UserError(
                    self.env._("Only a rejected dispute can be opened again.")
                )
            # What is left of it, and no more, is told: as when it is opened.
            move = dispute.move_id.sudo()
            move._lock_lead_documents()
            move._check_lead_disputable()
            with engine_at_work(dispute) as reopened:
                reopened.write(
                    {"state": "open", "decided_at": False, "decided_by_id": False}
                )
                reopened.amount = reopened._check_disputed()
            dispute._set_clock()

    def _check_open(self):
        """Return these disputes, which the user may decide.

        :raises UserError: naming one that is closed
        """
        self.check_access("write")
        for dispute in self:
            if dispute.state != "open":
                raise UserError(
                    self.env._("%s has already been closed.", dispute.display_name)
                )
        return self

    def _close(self, state):
        """Write down how this dispute ends. Two people who decide at one moment write
        the same row: the second is repeated, and told that it is closed."""
        self.ensure_one()
        # One lock for all that decides on an invoice, whoever may do so.
        self.move_id.sudo()._lock_lead_documents()
        with engine_at_work(self) as dispute:
            dispute.write(
                {
                    "state": state,
                    "decided_at": fields.Datetime.now(),
                    "decided_by_id": self.env.user.id,
                }
            )
        # The engine's record of the leads.
        self.row_ids.sudo().withdrawn = state == "withdrawn"
        # Whoever closes a dispute, its buyer too, ends its clock.
        self.sudo().activity_unlink([DISPUTE_ACTIVITY_TYPE])

    def _close_with_invoice(self, state, sentence):
        """Close open disputes that something else has decided, and tell the buyer.

        :param sentence: what has, for the dispute's history
        """
        # Whoever may reverse, cancel or reset an invoice decides that.
        for dispute in self.sudo().filtered(lambda dispute: dispute.state == "open"):
            dispute._close(state)
            dispute._message_log(body=sentence)
            dispute._tell_buyer(with_invoice=True)

    # Accepting

    def _return_leads(self):
        """Return what is left of each disputed lead, through the ledger's front
        door: what was returned meanwhile is not returned again."""
        origins = self._read_origins()
        # Billing decides disputes: the engine's record of the leads is its own.
        rows = self.row_ids.sudo().filtered(
            lambda row: origins[row.sale_id.external_ref].left > 0
        )
        reason = f"{self.name}: {' '.join(self.reason.split())}"
        # Billing decides disputes, and may not record anything else; the same checks
        # are made, and what is returned is what was checked here.
        ledger = self.env["lead.sale"].sudo().with_company(self.company_id)
        returns = ledger.create(
            [
                row.sale_id._prepare_return_vals(
                    f"DIS-{self.id}-{row.sale_id.id}",
                    float(origins[row.sale_id.external_ref].left),
                    reason=reason,
                )
                for row in rows
            ]
        )
        for row, back in zip(rows, returns, strict=True):
            row.return_id = back

    def _credit_invoice(self):
        """Credit the disputed sum, or all that is left of the invoice where all of it
        is disputed.

        :raises UserError: where Odoo, or what was credited meanwhile, stands against it
        """
        move = self.move_id
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"reason": self.name, "journal_id": move.journal_id.id})
        )
        wizard.refund_moves()
        note = wizard.new_move_ids
        # What another dispute was about is not of this whole. What is left of the
        # invoice is no secret to who decides its disputes.
        left, _blur = move.sudo()._get_lead_amount_left()
        is_part = self.currency_id.compare_amounts(self.amount, left) < 0
        if self.scope == "amount" or is_part:
            self._reduce_credit_note(note)
        note.action_post()
        if note.state != "posted":
            raise UserError(
                # It only says what stands against it.
                note.sudo().lead_review_reason
                or self.env._("The credit note could not be confirmed.")
            )
        with engine_at_work(self) as dispute:
            dispute.credit_note_id = note

    def _reduce_credit_note(self, note):
        """Reduce a draft credit note to the disputed sum, tax included, keeping the
        proportion of its accounts and taxes: as Odoo does for a down payment."""
        taxes = self.env["account.tax"]
        base_lines = [
            note._prepare_product_base_line_for_taxes_computation(line)
            for line in note.invoice_line_ids
            if line.display_type == "product"
        ]
        taxes._add_tax_details_in_base_lines(base_lines, note.company_id)
        taxes._round_base_lines_tax_details(base_lines, note.company_id)
        reduced = taxes._prepare_down_payment_lines(
            base_lines=base_lines,
            company=note.company_id,
            amount_type="fixed",
            amount=self.amount,
            computation_key=f"lead_dispute,{self.id}",
            grouping_function=lambda line: {"account_id": line["account_id"]},
        )
        label = note.with_context(lang=note.partner_id.lang or self.env.lang).env._(
            "Disputed amount of %(document)s (%(dispute)s)",
            document=self.move_id.name,
            dispute=self.name,
        )
        note.invoice_line_ids = [
            Command.clear(),
            *(
                Command.create(
                    {
                        "name": label,
                        "quantity": line["quantity"],
                        "price_unit": line["price_unit"],
                        "account_id": line["account_id"].id,
                        "tax_ids": [Command.set(line["tax_ids"].ids)],
                        "extra_tax_data": taxes._export_base_line_extra_tax_data(line),
                    }
                )
                for line in reduced
            ),
        ]

    # What follows

    def _follow_decision(self):
        """Let the invoice settle again, and tell the buyer."""
        self.ensure_one()
        # As posting does: whoever decides, the books are settled alike.
        self.move_id.sudo()._settle_lead_items()
        self._tell_buyer()

    def _tell_buyer(self, with_invoice=False):
        """Tell the buyer how its dispute ended, on the invoice, where the portal shows
        it, and by email; Odoo's queue sends that after the commit.

        :param with_invoice: something else has decided it, with its invoice
        """
        # Whoever may decide the dispute tells the buyer of it.
        dispute = self.sudo()
        move = dispute.move_id
        recipients = move.with_company(move.company_id)._get_lead_recipients()
        if self.from_buyer:
            recipients |= dispute.create_uid.partner_id.filtered("email")
        lang = move.partner_id.lang or self.env.lang
        told = self.with_context(lang=lang)
        translated = move.with_context(lang=lang, mail_notify_force_send=False)
        translated.message_post(
            body=told._get_closed_sentence()
            if with_invoice
            else told._get_decision_sentence(),
            partner_ids=recipients.ids,
            author_id=self.env.user.partner_id.id,
            subtype_xmlid="mail.mt_comment",
            model_description=translated.type_name,
        )
        self.env["ir.cron"]._wake_lead_job("mail.ir_cron_mail_scheduler_action")

    def _get_decision_sentence(self):
        """Return how this dispute ended, for the buyer, in the language of the
        context."""
        self.ensure_one()
        # The numbers of documents are no secret to who decides, or reads, the dispute.
        documents = self.sudo()
        names = {
            "dispute": self.name,
            "document": documents.move_id.name,
            "amount": self.currency_id.format(self.amount),
            "note": documents.credit_note_id.name,
        }
        if self.state == "accepted" and self.credit_note_id:
            sentence = self.env._(
                "Your dispute %(dispute)s of %(amount)s on %(document)s was accepted."
                " Credit note %(note)s gives you that amount back.",
                **names,
            )
        elif self.state == "accepted":
            sentence = self.env._(
                "Your dispute %(dispute)s of %(amount)s on %(document)s was accepted."
                " The leads are returned and will be credited with your next invoice.",
                **names,
            )
        elif self.state == "rejected":
            sentence = self.env._(
                "Your dispute %(dispute)s of %(amount)s on %(document)s was not"
                " accepted. The invoice remains due.",
                **names,
            )
        else:
            sentence = self.env._(
                "Your dispute %(dispute)s of %(amount)s on %(document)s was withdrawn.",
                **names,
            )
        return " ".join(filter(None, [sentence, self.answer]))

    def _get_closed_sentence(self):
        """Return, as :meth:`_get_decision_sentence`, how this dispute ended with its
        invoice."""
        self.ensure_one()
        names = {
            "dispute": self.name,
            # The number of the invoice is no secret to its buyer.
            "document": self.sudo().move_id.name,
            "amount": self.currency_id.format(self.amount),
        }
        if self.state == "accepted":
            return self.env._(
                "Your dispute %(dispute)s of %(amount)s on %(document)s was accepted:"
                " the invoice was credited in full.",
                **names,
            )
        return self.env._(
            "Your dispute %(dispute)s of %(amount)s on %(document)s is closed, because"
            " the invoice was taken back. If you do not agree with the invoice that"
            " replaces it, you can dispute that one.",
            **names,
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        # Its returns and credit notes refer to it.
        raise UserError(
            self.env._("Disputes are kept. Withdraw one that was opened by mistake.")
        )
