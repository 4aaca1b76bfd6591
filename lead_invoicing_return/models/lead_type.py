from odoo import api, fields, models
from odoo.exceptions import ValidationError


class LeadType(models.Model):
    """How long, and for how many of its leads, a buyer can ask for returns."""

    _inherit = "lead.type"

    return_request_days = fields.Integer(
        "Return Requests Within (Days)",
        help="Buyers can ask for a return within this many days of the sale. Enter 0"
        " for no limit.",
    )
    return_request_share = fields.Float(
        "Return Requests Up To (%)",
        help="Requests of the last 30 days that are open or were accepted, as a share"
        " of the leads of this type that the buyer purchased in the last 30 days."
        " Enter 0 for no limit.",
    )

    @api.constrains("return_request_days", "return_request_share")
    def _check_return_request_limits(self):
        for lead_type in self:
            days, share = lead_type.return_request_days, lead_type.return_request_share
            # What is not a number is in no range.
            if days < 0 or not 0 <= share <= 100:
                raise ValidationError(
                    self.env._(
                        "Limits of return requests: enter a number of days that is"
                        " not negative, and a share from 0 to 100 percent."
                    )
                )
