from odoo import models


class ResUsers(models.Model):
    """Who can be in a billing team."""

    _inherit = "res.users"

    def _is_of_lead_team(self, company):
        """Tell whether this user may do the work of a company's billing team."""
        self.ensure_one()
        return company in self.company_ids and self.has_group(
            "lead_invoicing.group_user"
        )
