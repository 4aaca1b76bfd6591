from odoo import fields, models


class AccountMove(models.Model):
    """What has become of a document of leads, in a line for whoever opens it."""

    _inherit = "account.move"

    lead_outcome = fields.Char(
        "What Became of It",
        compute="_compute_lead_outcome",
        groups="base.group_user",
        help="What happened to this document since it was created, and what that means"
        " for its leads.",
    )

    def _compute_lead_outcome(self):
        for move in self:
            # Whoever may see a document may see what became of it, by the other
            # documents' numbers and no more of them.
            document = move.sudo()
            move.lead_outcome = (
                document._get_lead_outcome() if document.lead_run_id else False
            )

    def _get_lead_outcome(self):
        """Return the sentence on what has become of this document; empty where nothing
        has. The first one that is true counts: what leaves the books before what is
        reversed, and that before what becomes of the money."""
        self.ensure_one()
        return (
            self._get_lead_outcome_out_of_books()
            or self._get_lead_outcome_of_reversal()
            or self._get_lead_outcome_of_money()
        )

    def _get_lead_outcome_out_of_books(self):
        if self.state == "cancel":
            return self.env._(
                "Canceled: its leads were released and go on the buyer's next invoice."
            )
        if self.state != "draft":
            return ""
        if self.posted_before:
            return self.env._(
                "Reset to draft: its leads stay on it and are not billed elsewhere."
            )
        if replaced := self.lead_replaces_id:
            return self.env._(
                "Replaces %s, which was reversed: it bills the leads of that document.",
                replaced.name,
            )
        return ""

    def _get_lead_outcome_of_reversal(self):
        reversals = self._get_lead_reversals().filtered(
            lambda reversal: reversal._is_lead_reversal_standing()
        )
        names = ", ".join(reversals.mapped("name"))
        if not self.lead_credited:
            return names and self.env._(
                "Credited in part by %s: its leads stay invoiced.", names
            )
        numbers = {"names": names, "count": self._get_lead_purchased_count()}
        replacing = self.search([("lead_replaces_id", "=", self.id)], limit=1)
        if replacing:
            return self.env._(
                "Reversed by %(names)s and invoiced again: its leads (%(count)s) are on"
                " %(replacing)s.",
                replacing=replacing.display_name,
                **numbers,
            )
        if self.env["lead.sale.release"].search_count(
            [("invoice_id", "=", self.id)], limit=1
        ):
            return self.env._(
                "Reversed by %(names)s: its leads (%(count)s) were released to be"
                " billed again.",
                **numbers,
            )
        return self.env._(
            "Reversed by %(names)s: its leads (%(count)s) are credited and are not"
            " billed again.",
            **numbers,
        )

    def _get_lead_outcome_of_money(self):
        if self.move_type != "out_invoice":
            return ""
        if self.lead_is_receipt:
            return self.env._("Receipt: paid in full from the buyer's balance.")
        if self._is_lead_written_off():
            return self.env._("Written off: settled, not paid.")
        return ""

    def _get_lead_purchased_count(self):
        """Return how many leads this document bills, or credits."""
        lines = self.invoice_line_ids.filtered(
            lambda line: line.lead_transaction_type == "sale"
        )
        return sum(lines.mapped("lead_count"))

    def _is_lead_written_off(self):
        """Tell whether this is settled, and at least part of it by an expense instead
        of money: by the difference of a payment, or by an entry."""
        if not self.currency_id.is_zero(self.amount_residual):
            return False
        receivable = self.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable"
        )
        for entry in receivable.matched_credit_ids.credit_move_id.move_id:
            if entry.move_type == "entry" and any(
                line.account_id.internal_group == "expense" for line in entry.line_ids
            ):
                return True
        return False
