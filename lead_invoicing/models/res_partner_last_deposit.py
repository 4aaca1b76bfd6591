from dataclasses import dataclass
from datetime import date

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


@dataclass
class Deposit:
    """What a buyer paid in, by one payment or bank transaction."""

    move: models.Model
    date: date
    currency: models.Model
    amount: float
    company_amount: float  # in the company's currency


class ResPartner(models.Model):
    """When a buyer last paid in, and how much."""

    _inherit = "res.partner"

    lead_last_deposit_date = fields.Date(
        "Last Deposit",
        compute="_compute_lead_last_deposit",
        groups="lead_invoicing.group_user",
        help="When this buyer last made a deposit.",
    )
    lead_last_deposit_amount = fields.Monetary(
        "Last Deposit Amount",
        compute="_compute_lead_last_deposit",
        currency_field="lead_currency_id",
        groups="lead_invoicing.group_user",
        help="What this buyer last deposited, in the company's currency.",
    )

    @api.depends_context("company")
    def _compute_lead_last_deposit(self):
        found = self._read_lead_deposits(self.env.company, 1)
        for partner in self:
            last = found.get(partner.commercial_partner_id.id)
            partner.lead_last_deposit_date = last and last[0].date
            partner.lead_last_deposit_amount = last[0].company_amount if last else 0.0

    def _read_lead_deposits(self, companies, limit):
        """Return what each of these buyers paid in last, the newest first.

        :param companies: those where it was paid in
        :param limit: so many of each buyer
        :return: {commercial partner's id: list of :class:`Deposit`}; who paid nothing
            is left out
        """
        # The caller decides whose deposits are told to whom.
        lines = self.env["account.move.line"].sudo()
        moves, currencies = lines.move_id, lines.currency_id
        lines.flush_model()
        query = lines._search(
            Domain(
                "partner_id.commercial_partner_id", "in", self.commercial_partner_id.ids
            )
            & Domain("company_id", "in", companies.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("move_id", "any", moves._get_lead_money_domain())
        )
        # How much came in by each payment, and which are each buyer's last ones?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT * FROM (
                    SELECT contact.commercial_partner_id, line.move_id, line.date,
                           line.currency_id, -SUM(line.amount_currency),
                           -SUM(line.balance),
                           row_number() OVER (
                               PARTITION BY contact.commercial_partner_id
                               ORDER BY line.date DESC, line.move_id DESC) AS number
                      FROM account_move_line line
                      JOIN res_partner contact ON contact.id = line.partner_id
                     WHERE line.id IN %s
                     GROUP BY contact.commercial_partner_id, line.move_id, line.date,
                              line.currency_id
                    HAVING SUM(line.balance) < 0) deposit
                 WHERE number <= %s
                 ORDER BY number
                """,
                query.subselect(),
                limit,
            )
        )
        result = {}
        for partner_id, move_id, day, currency_id, amount, company_amount, _n in rows:
            deposit = Deposit(
                moves.browse(move_id),
                day,
                currencies.browse(currency_id),
                float(amount),
                float(company_amount),
            )
            result.setdefault(partner_id, []).append(deposit)
        return result
