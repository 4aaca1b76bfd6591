from odoo import models
from odoo.exceptions import UserError


class LeadSale(models.Model):
    """The buttons of transactions that open a dialog."""

    _inherit = "lead.sale"

    def action_erase_lead_data(self):
        """Ask why the lead data of these transactions are erased, and erase them."""
        self.check_access("write")
        if len(self.company_id) > 1:
            raise UserError(self.env._("Erase the lead data of one company at a time."))
        return self.env["lead.erasure.wizard"]._get_open_action(self)

    def action_waive(self):
        """Ask why these transactions are never billed, and waive them.

        :raises UserError: for a transaction that is on an invoice
        """
        self.check_access("write")
        self._check_not_on_invoice(*self._find_to_waive())
        return self._get_waive_action(self.env._("Waive"), False)

    def action_unwaive(self):
        """Ask why these waived transactions are billed after all, and free them."""
        return self._get_waive_action(self.env._("Undo Waiver"), True)

    def _get_waive_action(self, name, take_back):
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "lead.sale.waive.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_sale_ids": self.ids,
                "default_take_back": take_back,
            },
        }
