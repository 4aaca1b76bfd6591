from odoo import fields, models


class ResPartner(models.Model):
    """What was agreed with a buyer beside the prices of leads."""

    _inherit = "res.partner"

    lead_charge_ids = fields.One2many(
        "lead.billing.charge",
        "partner_id",
        "Agreed Charges",
        groups="lead_invoicing.group_user",
    )
