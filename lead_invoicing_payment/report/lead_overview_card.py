from odoo import api, models
from odoo.fields import Domain

from odoo.addons.lead_invoicing.report.overview import Source


class LeadOverviewCard(models.Model):
    """Automatic recharges that a person has to look after."""

    _inherit = "lead.overview.card"

    @api.model
    def _get_sources(self, reader):
        refused = Domain("state", "=", "refused") & Domain("left_at", "=", False)
        unanswered = Domain("state", "=", "asked") & Domain("is_told_late", "=", True)
        return {
            **super()._get_sources(reader),
            "recharges": Source(
                "lead.recharge",
                "lead_invoicing_payment.action_lead_recharge",
                refused | unanswered,
                amount="amount",
            ),
        }
