from odoo import api, models
from odoo.fields import Domain

from odoo.addons.lead_invoicing.report.overview import Source


class LeadOverviewCard(models.Model):
    """Requests that wait for a decision."""

    _inherit = "lead.overview.card"

    @api.model
    def _get_sources(self, reader):
        return {
            **super()._get_sources(reader),
            "requests": Source(
                "lead.return.request",
                "lead_invoicing_return.action_lead_return_request",
                Domain("state", "=", "requested"),
                amount="amount",
                currency="sale_id.currency_id",
            ),
        }
