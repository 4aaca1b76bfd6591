from odoo import models
from odoo.exceptions import UserError


class ResPartner(models.Model):
    """The buttons of buyers that open a dialog."""

    _inherit = "res.partner"

    def action_open_lead_report(self):
        """Open the Invoicing Report of this buyer.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizards = self.env["lead.invoicing.report.wizard"]
        return wizards._get_open_action({"partner_id": self.commercial_partner_id.id})

    def action_close_account(self):
        """Show what closing this buyer's account would do.

        :raises AccessError: for users who do not bill
        :raises UserError: for an account that is closed
        """
        self.ensure_one()
        self.env["lead.invoice.run"].check_access("read")
        if self.lead_closing_id:
            raise UserError(self.env._("This account is already closed."))
        wizards = self.env["lead.account.closing.wizard"]
        return wizards._get_open_action(self.commercial_partner_id)

    def action_open_lead_statement(self):
        """Open the statement of account of this buyer.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizard = self.env["lead.statement.wizard"].create(
            {"partner_id": self.commercial_partner_id.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Statement of Account"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }
