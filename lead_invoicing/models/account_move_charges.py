from odoo import models
from odoo.exceptions import UserError

from .account_move_reversal import LeftOut


class AccountMove(models.Model):
    """Agreed charges follow their document, as its leads do."""

    _inherit = "account.move"

    def _check_lead_sales_claimed(self):
        """Refuse to post lines of charges that were freed, too: their charges go onto
        another document.

        :raises UserError: naming the document
        """
        res = super()._check_lead_sales_claimed()
        for line in self._find_lead_charges_freed():
            raise UserError(
                self.env._(
                    "The charge “%(line)s” on %(document)s was freed when the document"
                    " was canceled, and will be billed elsewhere. Delete this line or"
                    " this document.",
                    line=line.name,
                    document=line.move_id.display_name,
                )
            )
        return res

    def _find_lead_released(self):
        return super()._find_lead_released() | self._find_lead_charges_freed().move_id

    def _find_lead_charges_freed(self):
        """Return the lines of charges that are not billed on them any more."""
        lines = self.invoice_line_ids.filtered(
            lambda line: line.lead_charge_id and not line.lead_billed_charge_id
        )
        # Only whether they are billed there is told, to whoever holds the document.
        billed = self.env["lead.billed.charge"].sudo()
        claimed = billed.search([("invoice_line_id", "in", lines.ids)]).invoice_line_id
        return lines - claimed

    def _get_lead_amount_netted(self):
        """Leave out, too, what volume prices and discounts took off, of leads on other
        documents perhaps: each lead on this one can be returned as well. On a credit
        note that gives such money, leave out what it bills: all of that money can be
        kept again."""
        amount = super()._get_lead_amount_netted()
        charged = self.line_ids.filtered("lead_charge_id")
        if self.move_type == "out_refund" and charged:
            charged = self.invoice_line_ids
        taken = charged.filtered(lambda line: line.price_total < 0)
        return amount - sum(taken.mapped("price_total"))

    def _get_lead_left_out(self):
        """Leave out of a reversal what was not credited for returns, too, as it was
        taken off their price on this document."""
        return super()._get_lead_left_out() + [
            LeftOut(
                line=line,
                document=line.move_id,
                amount=-abs(line.price_subtotal),
                whole=line.move_id.move_type == "out_refund",
                name="",
            )
            for line in self._get_lead_return_lines()
            if line.lead_billed_charge_id
        ]
