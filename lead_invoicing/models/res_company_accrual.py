from odoo import fields, models


class ResCompany(models.Model):
    """Where unbilled leads are accrued at month's end."""

    _inherit = "res.company"

    lead_accrual_journal_id = fields.Many2one(
        "account.journal",
        "Accrual Journal",
        check_company=True,
        domain=[("type", "=", "general")],
        ondelete="restrict",
        help="For the entries that accrue unbilled leads at month's end, and reverse"
        " that on the next day.",
        groups="base.group_user",
    )
    lead_accrual_account_id = fields.Many2one(
        "account.account",
        "Accrued Revenue",
        check_company=True,
        domain=[("account_type", "=", "asset_current")],
        ondelete="restrict",
        help="What is earned and not invoiced yet is on this account from the last day"
        " of a month to the next day.",
        groups="base.group_user",
    )
