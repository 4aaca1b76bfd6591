from odoo import api, fields, models


class LeadSetup(models.TransientModel):
    """Trying it with sample leads."""

    _inherit = "lead.setup"

    has_sample = fields.Boolean(compute="_compute_has_sample")

    @api.depends("company_id")
    def _compute_has_sample(self):
        for setup in self:
            setup.has_sample = bool(setup.company_id._get_lead_samples())

    def action_try_sample(self):
        """Make sample buyers, leads and drafts of their invoices, and open those.

        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: where there are leads already
        """
        self._check_manages()
        self.company_id._make_lead_samples()
        return self.action_view_sample()

    def action_view_sample(self):
        """Open the sample buyers' invoices."""
        self.ensure_one()
        buyers = self.company_id._get_lead_samples("res.partner")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices"
        )
        action["name"] = action["display_name"] = self.env._("Sample Invoices")
        action["domain"] = [
            ("lead_run_id", "!=", False),
            ("commercial_partner_id", "in", buyers.ids),
        ]
        return action

    def action_remove_sample(self):
        """Remove all that the sample made.

        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: for a sample that real records rest on
        """
        self._check_manages()
        self.company_id._remove_lead_samples()
        self.chosen_step = False
