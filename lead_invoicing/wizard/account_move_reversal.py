from odoo import fields, models
from odoo.exceptions import UserError

from ..tools.protected_fields import engine_at_work


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        """Move the leads of lead documents to the invoices that replace them.

        :raises UserError: for a reversal in the future, until which the leads would be
            billed on both
        """
        if is_modify and self.date > fields.Date.context_today(self):
            for move in self.move_ids.filtered("lead_run_id"):
                raise UserError(
                    self.env._(
                        "%s bills leads, so it cannot be reversed with a future date"
                        " and invoiced again. Use today's date, or create the new"
                        " invoice on the day of the reversal.",
                        move.display_name,
                    )
                )
        returns = {}
        if is_modify:
            # All is given back and all is billed again: what was returned is returned
            # of the new invoice.
            replaced = self.move_ids.filtered("lead_run_id")
            replaced._close_lead_disputes_of_replaced()
            returns = replaced._detach_lead_returns()
        with engine_at_work(self) as wizard:
            action = super(AccountMoveReversal, wizard).reverse_moves(is_modify)
        for new_move in self.new_move_ids.filtered("lead_replaces_id"):
            new_move.lead_replaces_id._move_lead_sales_to(
                new_move,
                self.reason or self.env._("Reversed and invoiced again"),
                returns[new_move.lead_replaces_id],
            )
        return action

    def _modify_default_reverse_values(self, origin_move):
        values = super()._modify_default_reverse_values(origin_move)
        if origin_move.lead_run_id:
            buyer = origin_move._find_lead_buyers()[origin_move.id]
            buyer = buyer or origin_move.commercial_partner_id
            values.update(
                partner_id=origin_move._get_lead_address(buyer).id,
                lead_replaces_id=origin_move.id,
                lead_run_id=origin_move.lead_run_id.id,
                lead_run_buyer_id=origin_move.lead_run_buyer_id.id,
                lead_window_start=origin_move.lead_window_start,
                lead_window_end=origin_move.lead_window_end,
            )
        return values
