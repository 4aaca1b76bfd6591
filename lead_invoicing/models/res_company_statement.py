from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    lead_list_payments = fields.Boolean(
        "List Payments and Credits",
        help="List the payments and credits of its period on each document of a prepaid"
        " buyer, below the balance.",
        groups="base.group_user",
    )
