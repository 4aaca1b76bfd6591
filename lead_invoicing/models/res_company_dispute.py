from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """How long disputes may take."""

    _inherit = "res.company"

    lead_dispute_days = fields.Integer(
        "Days to Decide a Dispute",
        default=14,
        help="The deadline of a new dispute is this many days after it was opened.",
        groups="base.group_user",
    )

    @api.constrains("lead_dispute_days")
    def _check_lead_dispute_days(self):
        for company in self:
            if not 1 <= company.lead_dispute_days <= 365:
                raise ValidationError(
                    self.env._("A dispute can take from 1 to 365 days.")
                )
