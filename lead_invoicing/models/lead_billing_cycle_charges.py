from odoo import fields, models


class LeadBillingCycle(models.Model):
    """What was agreed with the buyers of a cycle beside the prices of leads."""

    _inherit = "lead.billing.cycle"

    charge_ids = fields.One2many("lead.billing.charge", "cycle_id", "Agreed Charges")
