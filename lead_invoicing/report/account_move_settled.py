from collections import defaultdict

from odoo import api, models
from odoo.tools import format_date, formatLang


class AccountMove(models.Model):
    """What a document says of its money: what paid it, what it does to other documents,
    and how to pay what is open."""

    _inherit = "account.move"

    @api.depends("lead_is_receipt")
    def _compute_type_name(self):
        # The button in the buyer's email: "View Receipt".
        res = super()._compute_type_name()
        # Whoever may see a document may see that it is a receipt.
        for move in self.filtered(lambda move: move.sudo().lead_is_receipt):
            move.type_name = self.env._("Receipt")
        return res

    def _get_lead_payment_label(self, payment):
        """Return what settled this document, where Odoo would say "Paid on" and
        "Reversed on" a day; empty where that is right.

        :param payment: as ``invoice_payments_widget`` has it
        """
        self.ensure_one()
        # A buyer who may see the document may see what settles it.
        move = self.sudo()
        other = move.browse(payment["move_id"])
        day = format_date(self.env, payment["date"])
        if not move._is_about_leads():
            return ""
        if move.move_type == "out_refund":
            if other.move_type == "out_invoice":
                return self.env._("Applied to %s", other.name)
            return self.env._("Paid back on %s", day)
        if payment["is_refund"]:
            return self.env._("Credit note %s", other.name)
        return move._get_lead_deposit_label(other, day)

    def _get_lead_deposit_label(self, other, day):
        """Return how an invoice names money that was not paid for it by name: it came
        before the invoice, perhaps long before."""
        buyer = self.commercial_partner_id.with_company(self.company_id)
        is_prepaid = buyer.lead_billing_mode == "prepaid"
        is_named = self in other.origin_payment_id.invoice_ids
        is_earlier = bool(self.invoice_date) and other.date < self.invoice_date
        if is_named or not (is_prepaid or is_earlier):
            return ""
        if not other._is_lead_payback():
            return self.env._("From credit of %s", day)
        if is_prepaid:
            return self.env._("From deposit of %s", day)
        return self.env._("From payment of %s", day)

    def _get_lead_effect(self):
        """Return what a credit note about leads does, as sentences; empty for anything
        else, and for drafts."""
        self.ensure_one()
        # A buyer who may see the document may see what it settles.
        move = self.sudo()
        if (
            move.move_type != "out_refund"
            or move.state != "posted"
            or not move._is_about_leads()
        ):
            return ""
        sentences = [
            self.env._(
                "%(amount)s was deducted from invoice %(invoice)s.",
                amount=move._format_lead_money(amount),
                invoice=invoice.name,
            )
            for invoice, amount in move._get_lead_deductions().items()
        ]
        rest = move.amount_residual
        if not move.currency_id.is_zero(rest):
            sentences.append(
                move._get_lead_effect_of_rest(move._format_lead_money(rest))
            )
        return " ".join(sentences)

    def _get_lead_deductions(self):
        """Return which invoices this credit note was deducted from.

        :return: {invoice: amount in the document's currency}
        """
        deductions = defaultdict(float)
        for payment in (self.invoice_payments_widget or {}).get("content", ()):
            other = self.browse(payment["move_id"])
            if other.move_type == "out_invoice" and not payment["is_exchange"]:
                deductions[other] += payment["amount"]
        return deductions

    def _get_lead_effect_of_rest(self, rest):
        """Return what becomes of what is left of a credit note.

        :param rest: as printed
        """
        buyer = self.commercial_partner_id.with_company(self.company_id)
        if buyer.lead_billing_mode == "prepaid":
            return self.env._("%s was added to your balance.", rest)
        if self.lead_run_id and buyer.lead_auto_settle:
            return self.env._("%s will be deducted from your next invoice.", rest)
        return self.env._("%s is in your favor.", rest)

    def _get_lead_how_to_pay(self):
        """Return how to pay what is open of an invoice about leads, for the buyer;
        empty where nothing is to be paid.

        :return: list of (name, label, text)
        """
        self.ensure_one()
        # A buyer who may see the document may see what it asks for.
        move = self.sudo()
        if (
            move.move_type != "out_invoice"
            or move.state != "posted"
            or not move._is_about_leads()
            or not move._get_lead_amount_to_pay()
        ):
            return []
        due = move.invoice_date_due or move.invoice_date
        amount = move._get_lead_amount_to_pay()
        # What is open is said above it.
        is_less = move.currency_id.compare_amounts(amount, move.amount_residual) < 0
        rows = [
            (
                "amount",
                self.env._("Amount to pay"),
                is_less and self._format_lead_money(amount),
            ),
            ("due", self.env._("Due date"), format_date(self.env, due)),
            ("bank", self.env._("Bank account"), move._get_lead_bank_account()),
            ("reference", self.env._("Payment reference"), move.payment_reference),
        ]
        return [row for row in rows if row[2]]

    def _get_lead_bank_account(self):
        """Return the account to pay into, with its bank; empty where none is known."""
        account = self.partner_bank_id
        parts = [account.acc_number, account.bank_id.name, account.bank_bic]
        return ", ".join(filter(None, parts))

    def _get_lead_totals(self):
        """Return the totals of a document, for its email: with what was applied to it,
        and what is due, where there is any.

        :return: list of (name, label, amount in the document's currency)
        """
        self.ensure_one()
        rows = [("total", self.env._("Total"), self.amount_total)]
        if not self.currency_id.is_zero(self.amount_tax):
            rows[:0] = [
                ("untaxed", self.env._("Before tax"), self.amount_untaxed),
                ("tax", self.env._("Tax"), self.amount_tax),
            ]
        settled = self.amount_total - self.amount_residual
        is_open = self.move_type == "out_invoice" and self.state == "posted"
        if not is_open or self.currency_id.is_zero(settled):
            return rows
        # A buyer who may see the document may see that it is a receipt.
        if self.sudo().lead_is_receipt:
            label = self.env._("Paid from your balance")
        else:
            label = self.env._("Already applied")
        rows.append(("settled", label, -settled))
        if not self.currency_id.is_zero(self.amount_residual):
            rows.append(("due", self.env._("Amount due"), self.amount_residual))
        return rows

    def _format_lead_money(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)
