from odoo import fields, models


class ResUsersSettings(models.Model):
    _inherit = "res.users.settings"

    lead_report_choices = fields.Json(
        help="What the user chose in the Invoicing Report when last looking at it."
    )
