from odoo import api, fields, models
from odoo.tools import SQL


class ResPartner(models.Model):
    """When a buyer last paid in, and how much."""

    _inherit = "res.partner"

    lead_last_deposit_date = fields.Date(
        "Last Deposit",
        compute="_compute_lead_last_deposit",
        groups="lead_invoicing.group_user",
        help="When this buyer last paid in.",
    )
    lead_last_deposit_amount = fields.Monetary(
        "Last Deposit Amount",
        compute="_compute_lead_last_deposit",
        currency_field="lead_currency_id",
        groups="lead_invoicing.group_user",
        help="What this buyer last paid in, in the company's currency.",
    )

    @api.depends_context("company")
    def _compute_lead_last_deposit(self):
        found = self._read_lead_last_deposits()
        for partner in self:
            day, amount = found.get(partner.commercial_partner_id.id, (False, 0.0))
            partner.lead_last_deposit_date = day
            partner.lead_last_deposit_amount = amount

    def _read_lead_last_deposits(self):
        """Return the last payment or bank transaction of each of these buyers in the
        current company.

        :return: {commercial partner's id: (day, amount in the company's currency)}
        """
        ids = self.commercial_partner_id.ids
        if not ids:
            return {}
        self.env["account.move.line"].flush_model()
        self.env["account.move"].flush_model(["origin_payment_id", "statement_line_id"])
        # What did each of these buyers pay in last?
        return {
            partner_id: (day, float(amount))
            for partner_id, day, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (contact.commercial_partner_id)
                           contact.commercial_partner_id, line.date, -line.balance
                      FROM res_partner contact
                      JOIN account_move_line line ON line.partner_id = contact.id
                      JOIN account_account account ON account.id = line.account_id
                      JOIN account_move move ON move.id = line.move_id
                     WHERE contact.commercial_partner_id IN %s
                       AND line.company_id = %s
                       AND line.parent_state = 'posted'
                       AND line.balance < 0
                       AND account.account_type = 'asset_receivable'
                       AND (move.origin_payment_id IS NOT NULL
                            OR move.statement_line_id IS NOT NULL)
                     ORDER BY contact.commercial_partner_id, line.date DESC,
                           line.id DESC
                    """,
                    tuple(ids),
                    self.env.company.id,
                )
            )
        }
