from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError


class ResPartner(models.Model):
    """The end of a buyer's account, and its new beginning."""

    _inherit = "res.partner"

    lead_closing_id = fields.Many2one(
        "lead.account.closing",
        "Account Closed",
        compute="_compute_lead_closing_id",
        search="_search_lead_closing_id",
        groups="lead_invoicing.group_user",
    )

    @api.depends_context("company")
    def _compute_lead_closing_id(self):
        closings = self.env["lead.account.closing"].search(
            [
                ("partner_id", "in", self.commercial_partner_id.ids),
                ("company_id", "=", self.env.company.id),
                ("reopened_at", "=", False),
            ]
        )
        by_buyer = {closing.partner_id: closing for closing in closings}
        for partner in self:
            partner.lead_closing_id = by_buyer.get(partner.commercial_partner_id)

    @api.model
    def _search_lead_closing_id(self, operator, value):
        if operator != "in" or set(value) - {False}:
            return NotImplemented
        closed = self.env["lead.account.closing"]._search(
            [("company_id", "=", self.env.company.id), ("reopened_at", "=", False)]
        )
        # "Not closed" asks for those that have none.
        return [("id", "not in", closed.subselect("partner_id"))]

    def _read_lead_owed(self):
        """Return what this buyer owes, and what it is owed, in the books of the current
        company.

        :return: {currency: (open items to be paid by the buyer, open items in its
            favor)}, both above zero
        """
        self.ensure_one()
        buyer = self.commercial_partner_id
        domain = buyer._get_open_receivables_domain(self.env.company)
        owed = defaultdict(lambda: [0.0, 0.0])
        for place, operator in enumerate((">", "<")):
            groups = self.env["account.move.line"]._read_group(
                [*domain, ("amount_residual_currency", operator, 0)],
                ["currency_id"],
                ["amount_residual_currency:sum"],
                order="currency_id",
            )
            for currency, amount in groups:
                owed[currency][place] = currency.round(abs(amount))
        return {currency: tuple(amounts) for currency, amounts in owed.items()}

    def _get_lead_owed_text(self):
        """Return what is owed, either way, a sentence for each currency."""
        lines = []
        for currency, (by_buyer, to_buyer) in self._read_lead_owed().items():
            lines.append(self._get_lead_owed_sentence(currency, by_buyer, to_buyer))
        return "\n".join(lines) or self.env._("Nothing is owed, either way.")

    def _get_lead_owed_sentence(self, currency, by_buyer, to_buyer):
        names = {
            "by_buyer": currency.format(by_buyer),
            "to_buyer": currency.format(to_buyer),
            "net": currency.format(abs(by_buyer - to_buyer)),
        }
        is_owing = currency.compare_amounts(by_buyer, to_buyer) >= 0
        if is_owing and not to_buyer:
            return self.env._("The buyer owes %(net)s.", **names)
        if is_owing:
            return self.env._(
                "The buyer owes %(net)s: open invoices of %(by_buyer)s, less"
                " %(to_buyer)s in its favor.",
                **names,
            )
        if not by_buyer:
            return self.env._("You owe the buyer %(net)s.", **names)
        return self.env._(
            "You owe the buyer %(net)s: %(to_buyer)s in its favor, less open invoices"
            " of %(by_buyer)s.",
            **names,
        )

    def _close_lead_account(self, run, journal):
        """Close the account of this buyer, once all is billed: it leaves the schedule,
        may buy nothing, and what it is owed waits as draft payments.

        A manual cycle and no billing hold: what comes in late, a return for one, can
        still be invoiced.

        :param run: the ``lead.invoice.run`` that billed the rest, if any
        :param journal: the bank or cash journal of the payments, if any is wanted
        :return: the ``lead.account.closing``
        """
        self.ensure_one()
        company = self.env.company
        if journal:
            self._check_lead_no_drafts()
        payments = self._create_lead_paybacks(journal) if journal else None
        reason = self.env._(
            "Account closed on %s.", fields.Date.to_string(company._get_lead_today())
        )
        # Who closes accounts has the role; contacts may be read-only for it.
        buyer = self.sudo()
        closing = buyer.env["lead.account.closing"].create(
            {
                "partner_id": self.id,
                "company_id": company.id,
                "run_id": run.id if run else False,
                "owed": self._get_lead_owed_text(),
                "payment_ids": payments.ids if payments else [],
                "cycle_id": self._get_lead_manual_cycle().id,
                "cycle_before_id": buyer.lead_billing_cycle_id.id,
                "hold_before": buyer.lead_buying_hold,
                "hold_reason": reason,
                "hold_reason_before": buyer.lead_buying_hold_reason,
            }
        )
        buyer.write(
            {
                "lead_billing_cycle_id": closing.cycle_id.id,
                "lead_buying_hold": True,
                "lead_buying_hold_reason": reason,
            }
        )
        self._log_lead_account(
            self.env._("Account closed. %s", " ".join(closing.owed.splitlines()))
        )
        return closing.sudo(self.env.su)

    def _check_lead_no_drafts(self):
        """Refuse to pay back while invoices are drafts: the money is theirs.

        :raises UserError: naming them
        """
        drafts = self.env["account.move"].search(
            [
                ("lead_run_id", "!=", False),
                ("commercial_partner_id.commercial_partner_id", "=", self.id),
                ("company_id", "=", self.env.company.id),
                ("state", "=", "draft"),
            ]
        )
        if drafts:
            raise UserError(
                self.env._(
                    "This buyer still has draft invoices: %s. Confirm or delete them,"
                    " or close the account without paying back.",
                    ", ".join(drafts.mapped("display_name")),
                )
            )

    def _create_lead_paybacks(self, journal):
        """Create a draft payment for each currency in which this buyer is owed
        something; whoever pays posts it, and it takes the buyer's balance."""
        payments = self.env["account.payment"]
        for currency, (by_buyer, to_buyer) in self._read_lead_owed().items():
            if currency.compare_amounts(to_buyer, by_buyer) > 0:
                payments += payments.create(
                    {
                        "payment_type": "outbound",
                        "partner_type": "customer",
                        "partner_id": self.id,
                        "amount": currency.round(to_buyer - by_buyer),
                        "currency_id": currency.id,
                        "journal_id": journal.id,
                        "memo": self.env._("Account closed: balance paid back"),
                    }
                )
        return payments

    def _get_lead_manual_cycle(self):
        """Return a manual cycle of the current company, by which a buyer is opted out;
        one is made where there is none."""
        # Cycles are configured by managers; this one bills nobody by itself.
        cycles = self.env["lead.billing.cycle"].sudo()
        company = self.env.company
        domain = [("company_id", "=", company.id), ("frequency", "=", "manual")]
        return cycles.search(domain, limit=1) or cycles.create(
            {
                "name": self.env._("Closed Accounts"),
                "company_id": company.id,
                "frequency": "manual",
                "tz": company._get_lead_zone().key,
            }
        )

    def action_reopen_account(self):
        """Open the account of this buyer again: it is billed as before.

        :raises AccessError: for users who do not bill
        :raises UserError: for an account that is not closed
        """
        self.ensure_one()
        self.env["lead.invoice.run"].check_access("read")
        self = self.commercial_partner_id
        closing = self.lead_closing_id
        if not closing:
            raise UserError(self.env._("This account is not closed."))
        # As it was closed: with the role, whatever it may do to contacts.
        record = closing.sudo()
        archived = record.cycle_before_id.filtered(lambda cycle: not cycle.active)
        is_cycle_lost = bool(archived and self.lead_billing_cycle_id == record.cycle_id)
        record._end()
        closing.payment_ids.filtered(lambda one: one.state == "draft").unlink()
        self.invalidate_recordset(["lead_closing_id"])
        sentence = self.env._("Account reopened.")
        if is_cycle_lost:
            sentence = self.env._(
                "Account reopened. Its billing cycle before, %s, is archived: the"
                " account now follows the company's default billing cycle.",
                archived.name,
            )
        self._log_lead_account(sentence)

    def _log_lead_account(self, sentence):
        # Who closes and opens accounts is told on the contact.
        self.sudo()._message_log(body=sentence, author_id=self.env.user.partner_id.id)
