from odoo import fields, models


class ResPartner(models.Model):
    """Who changed how a buyer is billed, in the buyer's chatter."""

    _inherit = "res.partner"

    lead_auto_settle = fields.Boolean(tracking=True)
    lead_billing_cycle_id = fields.Many2one(tracking=True)
    lead_billing_hold = fields.Boolean(tracking=True)
    lead_billing_mode = fields.Selection(tracking=True)
    lead_invoice_split = fields.Selection(tracking=True)
    lead_minimum_amount = fields.Float(tracking=True)
