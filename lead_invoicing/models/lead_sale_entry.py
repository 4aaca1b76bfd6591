from odoo import api, models
from odoo.fields import Datetime

from ..tools.windows import to_wall


class LeadSale(models.Model):
    """Sales that are entered manually."""

    _inherit = "lead.sale"

    @api.model
    def default_get(self, fields):
        """Propose a reference on a form of an action that asks for one: nobody else may
        leave it out."""
        defaults = super().default_get(fields)
        if "external_ref" in fields and self.env.context.get("lead_is_form"):
            defaults["external_ref"] = self._propose_reference()
        return defaults

    @api.model
    def _propose_reference(self):
        """Return a reference of a sale that has none: when it is entered, to the
        second, in the company's billing time zone."""
        zone = self.env.company._get_lead_zone()
        return f"M-{to_wall(Datetime.now(), zone):%Y%m%d-%H%M%S}"
