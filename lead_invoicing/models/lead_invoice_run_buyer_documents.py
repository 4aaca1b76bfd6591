from odoo import Command, api, models
from odoo.tools import SQL, format_date

from .lead_invoice_run_buyer import ClaimError
from .lead_invoice_run_buyer_plan import to_decimal
from .lead_sale import unbilled_sql


class LeadInvoiceRunBuyer(models.Model):
    """Make the documents that were planned, and claim their transactions."""

    _inherit = "lead.invoice.run.buyer"

    def _generate(self):
        """Make the documents of these buyers of one run: plan, hold back, create, drop
        zeros, claim, review, post.

        Everything happens in the current database transaction, and posting comes
        last, as it locks the journal's numbering until the commit.
        """
        # Odoo's today is the run's, too: on it is due what has no payment terms.
        run = self.run_id
        self = self.with_company(run.company_id).with_context(tz=run.tz)
        self._waive_given_back()
        documents = self._plan_documents()
        self._add_charges(documents)
        self._hold_back(documents)
        self._create_moves(documents)
        self._drop_zero_totals(documents)
        made = [document for document in documents if document.move]
        self._claim(made)
        self._store_charges(documents)
        self._set_results(documents)
        if self.run_id.posting != "draft":
            self._keep_for_review(made)
            self._post_documents(made)

    def _create_moves(self, documents):
        """Create the drafts of those of these documents that are to be made and are
        not yet, all at once."""
        documents = [
            document
            for document in documents
            if document.is_to_make and not document.move
        ]
        # The chatter says who made the document; its first values are no changes.
        moves = (
            self.env["account.move"]
            .with_context(tracking_disable=True, mail_create_nosubscribe=True)
            .create([self._prepare_move_vals(document) for document in documents])
            .with_context(tracking_disable=False, mail_create_nosubscribe=False)
        )
        for document, move in zip(documents, moves, strict=True):
            document.move = move
            if move.currency_id.compare_amounts(move.amount_total, 0.0) < 0:
                # With several tax rates the total can be below zero where the sum of
                # the leads is not, and the other way round.
                move.action_switch_move_type()

    def _prepare_move_vals(self, document):
        """Hook: return the values of a document.

        :param document: a :class:`PlannedDocument`
        """
        run = self.run_id
        partner = document.item.partner_id
        last_day = run._get_window_last_day()
        credited = self.env["account.move"].browse(document.credited_move_id or [])
        is_refund = document.is_refund
        address = self._get_document_address(document)
        translated = self.with_context(lang=address.lang or partner.lang)
        return {
            "move_type": "out_refund" if is_refund else "out_invoice",
            "company_id": run.company_id.id,
            "partner_id": address.id,
            "currency_id": document.currency_id,
            "reversed_entry_id": credited.id,
            "ref": partner.lead_po_number,
            "invoice_user_id": partner.user_id.id,
            "invoice_date": (
                last_day
                if run.invoice_date_policy == "window_end"
                else run._get_today()
            ),
            "delivery_date": last_day,
            "lead_run_id": run.id,
            "lead_run_buyer_id": document.item.id,
            "lead_window_start": document.period_start,
            "lead_window_end": run.window_end,
            "invoice_line_ids": [
                Command.create({**vals, "sequence": sequence})
                for sequence, vals in enumerate(
                    [
                        translated._prepare_move_line_vals(line, is_refund)
                        for line in document.lines
                    ]
                    + translated._prepare_extra_line_vals(document),
                    start=1,
                )
            ],
        }

    def _prepare_move_line_vals(self, line, is_refund):
        """Hook: return the values of one lead line.

        Quantities are those of an invoice: leads purchased above zero, returned below;
        a credit note has them the other way round.
        """
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        sign = -1 if is_refund else 1
        if line.price is not None:
            is_return = line.transaction_type == "return"
            quantity, price = (-line.count if is_return else line.count), line.price
        else:
            quantity = -1 if line.transaction_type == "return" else 1
            price = abs(line.amount)
        vals = {
            "product_id": lead_type.product_id.id,
            "name": self._get_line_name(line, lead_type),
            "quantity": sign * quantity,
            "price_unit": float(price),
            "lead_type_id": lead_type.id,
            "lead_transaction_type": line.transaction_type,
            "lead_count": 0 if line.adjustment or line.corrects else line.count,
            "lead_corrects": line.corrects,
        }
        if line.tax_ids is not None:
            vals["tax_ids"] = [Command.set(line.tax_ids)]
        if line.origin_line_id and line.transaction_type == "return":
            vals["lead_origin_move_id"] = line.origin_move_id
        if account := self._get_origin_account(line):
            vals["account_id"] = account.id
        return vals

    def _get_line_name(self, line, lead_type):
        """Return the label of a lead line, in the language of the context."""
        parts = [lead_type.name]
        if line.corrects and line.transaction_type == "return":
            parts.append(self.env._("Price corrections, price before"))
        elif line.corrects:
            parts.append(self.env._("Price corrections, new price"))
        elif line.adjustment:
            parts.append(self.env._("Price adjustments"))
        elif line.transaction_type == "return":
            parts.append(self.env._("Leads returned"))
        else:
            parts.append(self.env._("Leads purchased"))
        name = " – ".join(parts)
        if line.price is None:
            name = self.env._("%(name)s: %(count)s", name=name, count=line.count)
        if line.earlier:
            first, last = (
                format_date(self.env, self.run_id._get_local_date(moment))
                for moment in (line.first_date, line.last_date)
            )
            dates = first if first == last else f"{first} – {last}"
            name = self.env._("%(name)s, earlier (%(dates)s)", name=name, dates=dates)
        if line.origin_move_id:
            invoice = self.env["account.move"].browse(line.origin_move_id)
            name = self.env._(
                "%(name)s, from invoice %(invoice)s", name=name, invoice=invoice.name
            )
        return name

    def _prepare_extra_line_vals(self, document):
        """Hook: values of further invoice lines (fees, minimums, discounts) that go
        onto a document. They are other charges, and not compared with transactions;
        the preview does not know them. On a credit note, what has a quantity above zero
        is given back.

        :param document: a :class:`PlannedDocument`; its buyer, lines and amount are
            known
        :return: list of ``account.move.line`` values
        """
        return []

    def _hold_zero_totals(self, documents):
        """Let those of these documents wait that come to nothing, where the company
        does not issue them.

        With several taxes, their total is not the sum of the leads: only what Odoo
        makes of a document tells. A preview, which makes none, goes by the leads.
        """
        if self.run_id.company_id.lead_issue_zero:
            return
        if self.run_id._origin:
            self._create_moves(documents)
            self._drop_zero_totals(documents)
            return
        for document in documents:
            if document.is_to_make and not document.amount:
                document.waits = self._get_zero_message()

    def _drop_zero_totals(self, documents):
        """Delete the drafts that come to nothing, where the company does not issue
        them; their transactions wait for the next document."""
        if self.run_id.company_id.lead_issue_zero:
            return
        to_delete = self.env["account.move"]
        for document in documents:
            move = document.move
            if move and move.currency_id.is_zero(move.amount_total):
                to_delete += move
                document.move = None
                document.waits = self._get_zero_message()
        to_delete.unlink()

    @api.model
    def _get_zero_message(self):
        return self.env._("Zero total; carried forward.")

    def _post_documents(self, documents):
        """Post those of these documents that are not kept for review, and send them if
        the run does."""
        moves = self.env["account.move"].concat(*(d.move for d in documents))
        moves = moves.filtered(lambda move: not move.lead_review_reason)
        if not moves:
            return
        posted = moves._post(soft=False)
        self._notify_insufficient_balance(posted)
        if self.run_id.posting == "send" and posted:
            posted._queue_lead_sending()

    # Claiming

    def _claim(self, documents):
        """Put the counted transactions on the lines made for them, in one statement,
        and compare number and sum line by line.

        :param documents: those that were made, list of :class:`PlannedDocument`
        :raises ClaimError: when they are not what was counted; nothing may stay then
        """
        expected = {}
        rows = []
        for document in documents:
            lead_lines = document.move.invoice_line_ids.filtered("lead_type_id")
            for line, move_line in zip(
                document.lines, lead_lines.sorted("sequence"), strict=True
            ):
                expected[move_line.id] = (line.count, line.amount)
                rows.append(
                    SQL(
                        "(%s, %s, %s::numeric, %s)",
                        document.item.partner_id.id,
                        line.key,
                        line.price,
                        move_line.id,
                    )
                )
        if not rows:
            return
        # One that bears charges alone may begin with the period of a charge.
        starts = {d.item.partner_id.id: d.period_start for d in documents if d.lines}
        self.env.flush_all()
        # Which transactions belong to which line? Claim them, and count them again.
        claimed = self.env.execute_query(
            SQL(
                """
                WITH claimed AS (
                    UPDATE lead_sale SET invoice_line_id = line.id
                      FROM (%(candidates)s) candidate
                      JOIN (VALUES %(lines)s) AS line(partner_id, key, price, id)
                        ON line.partner_id = candidate.partner_id
                       AND line.key = candidate.line_key
                       AND (line.price IS NULL OR line.price = candidate.price)
                     WHERE lead_sale.id = candidate.id AND %(unbilled)s
                 RETURNING lead_sale.invoice_line_id, lead_sale.amount
                )
                SELECT invoice_line_id, count(*), sum(amount)
                  FROM claimed GROUP BY invoice_line_id
                """,
                candidates=self._candidates_sql(starts),
                unbilled=unbilled_sql(),
                lines=SQL(", ").join(rows),
            )
        )
        self.env["lead.sale"].invalidate_model()
        found = {
            line_id: (count, to_decimal(amount)) for line_id, count, amount in claimed
        }
        if found != expected:
            raise ClaimError(f"expected {expected}, claimed {found}")
