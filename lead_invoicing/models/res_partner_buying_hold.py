from odoo import fields, models


class ResPartner(models.Model):
    """The hold that keeps a buyer from buying; it is invoiced as before."""

    _inherit = "res.partner"

    lead_buying_hold = fields.Boolean(
        "On Buying Hold",
        company_dependent=True,
        help="The buyer may buy nothing; what it bought is invoiced as before.",
        groups="base.group_user",
    )
    lead_buying_hold_reason = fields.Char(
        "Reason for the Buying Hold",
        company_dependent=True,
        groups="base.group_user",
    )

    def _commercial_fields(self):
        return super()._commercial_fields() + [
            "lead_buying_hold",
            "lead_buying_hold_reason",
        ]
