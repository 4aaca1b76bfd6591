from collections import defaultdict
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.concurrency import hold_sql
from .account_move import sign_sql


@dataclass
class LeadBalance:
    """What one buyer owes a company in one currency; above zero: the buyer owes it."""

    currency: models.Model
    receivable: float = 0.0  # open and posted
    company_receivable: float = 0.0  # the same, in the company's currency
    drafts: float = 0.0  # lead documents that are not posted, tax included
    company_drafts: float = 0.0
    unbilled: float = 0.0  # before tax, or including it as the prices are
    taxed: float = 0.0  # the unbilled, tax included

    @property
    def exposure(self):
        """All that the buyer owes, tax included: posted, drafts and the unbilled."""
        return self.currency.round(self.receivable + self.to_bill)

    @property
    def to_bill(self):
        """What of that is not posted yet."""
        return self.currency.round(self.drafts + self.taxed)


class ResPartner(models.Model):
    """What a buyer owes, and what is left of its deposits: the open items on the
    receivable, drafts, and what is not billed yet, with its tax.

    To the cent as the books have it where nothing is unbilled; else the unbilled is
    taxed by Odoo as one document for each currency would be now. Agreed charges that
    are not billed yet are left out.
    """

    _inherit = "res.partner"

    lead_prepaid_balance = fields.Monetary(
        "Balance",
        compute="_compute_lead_balance",
        currency_field="lead_currency_id",
        groups="lead_invoicing.group_user",
        help="What is left of the buyer's deposits: its credits less its open invoices,"
        " drafts, and unbilled leads with their tax. Less than zero means the buyer"
        " owes money. In the company's currency at today's rate. Agreed charges that"
        " are not billed yet are not included.",
    )
    lead_exposure = fields.Monetary(
        "Exposure",
        compute="_compute_lead_balance",
        currency_field="lead_currency_id",
        groups="lead_invoicing.group_user",
        help="What the buyer owes: its open invoices, drafts, and unbilled leads with"
        " their tax, less its deposits and other credits. In the company's currency at"
        " today's rate.",
    )
    # For programs: a list with one object for each currency, of code ("currency") and
    # amounts of it ("unbilled" before tax, "unbilled_taxed", "drafts", "receivable",
    # "exposure", "balance"); empty for who has no leads and no money.
    lead_balances = fields.Json(
        "Balance by Currency",
        compute="_compute_lead_balances",
        groups="lead_invoicing.group_user",
        help="For each currency: its code, what is unbilled before tax and with it,"
        " the drafts, the open receivable, the exposure and the balance.",
    )
    lead_balance_table = fields.Html(
        "By Currency",
        compute="_compute_lead_balance_table",
        sanitize=False,
        groups="lead_invoicing.group_user",
    )

    @api.depends_context("company")
    def _compute_lead_balance(self):
        exposures = self._get_lead_exposures()
        for partner in self:
            exposure = exposures.get(partner.commercial_partner_id.id, 0.0)
            partner.lead_exposure = exposure
            # Never minus zero.
            partner.lead_prepaid_balance = 0.0 - exposure

    @api.depends_context("company")
    def _compute_lead_balances(self):
        balances = self._get_lead_balances()
        for partner in self:
            partner.lead_balances = [
                {
                    "currency": balance.currency.name,
                    "unbilled": balance.unbilled,
                    "unbilled_taxed": balance.taxed,
                    "drafts": balance.drafts,
                    "receivable": balance.receivable,
                    "exposure": balance.exposure,
                    "balance": 0.0 - balance.exposure,
                }
                for balance in balances.get(partner.commercial_partner_id.id, ())
            ]

    @api.depends_context("company", "lang")
    def _compute_lead_balance_table(self):
        balances = self._get_lead_balances()
        for partner in self:
            rows = balances.get(partner.commercial_partner_id.id)
            partner.lead_balance_table = rows and self.env["ir.qweb"]._render(
                "lead_invoicing.lead_balance_table", {"balances": rows}
            )

    # What a buyer owes

    def _get_lead_exposures(self):
        """Return what each of these buyers owes the current company: open receivable,
        drafts and the unbilled, tax included. The balance is its sign turned.

        In a constant number of queries, however many buyers these are.

        :return: {commercial partner's id: amount in the company's currency}; buyers
            without any money are left out
        """
        company = self.env.company
        return {
            partner_id: company.currency_id.round(
                sum(balance.company_receivable for balance in balances)
                + self._sum_lead_to_bill(balances)
            )
            for partner_id, balances in self._get_lead_balances().items()
        }

    @api.model
    def _sum_lead_to_bill(self, balances):
        """Return the drafts and the unbilled of these balances of one buyer, tax
        included, in the company's currency at today's rate."""
        company = self.env.company
        today = company._get_lead_today()
        return company.currency_id.round(
            sum(
                balance.company_drafts
                + balance.currency._convert(
                    balance.taxed, company.currency_id, company, today
                )
                for balance in balances
            )
        )

    def _get_lead_balances(self):
        """Return what each of these buyers owes the current company, by currency.

        :return: {commercial partner's id: list of :class:`LeadBalance`, by currency}
        """
        found = defaultdict(dict)
        currencies = self.env["res.currency"]

        def get_balance(partner_id, currency_id):
            balances = found[partner_id]
            if currency_id not in balances:
                balances[currency_id] = LeadBalance(currencies.browse(currency_id))
            return balances[currency_id]

        for partner_id, currency_id, *amounts in self._read_lead_receivables():
            balance = get_balance(partner_id, currency_id)
            (
                balance.receivable,
                balance.company_receivable,
                balance.drafts,
                balance.company_drafts,
            ) = (float(amount) for amount in amounts)
        unbilled = self._read_lead_unbilled_lines()
        self._tax_lead_lines(unbilled)
        for key, lines in unbilled.items():
            balance = get_balance(*key)
            balance.unbilled = balance.currency.round(
                sum(float(line["amount"]) for line in lines)
            )
            balance.taxed = self._sum_lead_lines(
                balance.currency, self._part_lead_rows(lines)
            )
        return {
            partner_id: sorted(
                balances.values(), key=lambda balance: balance.currency.id
            )
            for partner_id, balances in found.items()
        }

    def _read_lead_receivables(self):
        """Return the open posted receivable and the lead documents in draft of these
        buyers in the current company.

        :return: list of (buyer's id, currency's id, open receivable, the same in the
            company's currency, drafts, the same in the company's currency)
        """
        ids = self.commercial_partner_id.ids
        if not ids:
            return []
        self.env["account.move"].flush_model()
        self.env["account.move.line"].flush_model()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        contacts = SQL(
            "(SELECT id FROM res_partner WHERE commercial_partner_id = ANY(%s))", ids
        )
        # What is open on the receivable, and what is on drafts, of each buyer?
        return self.env.execute_query(
            SQL(
                """
                SELECT contact.commercial_partner_id, money.currency_id,
                       sum(money.receivable), sum(money.company_receivable),
                       sum(money.drafts), sum(money.company_drafts)
                  FROM (SELECT line.partner_id, line.currency_id,
                               line.amount_residual_currency AS receivable,
                               line.amount_residual AS company_receivable,
                               0 AS drafts, 0 AS company_drafts
                          FROM account_move_line line
                          JOIN account_account account ON account.id = line.account_id
                         WHERE line.partner_id IN %(contacts)s
                           AND line.company_id = %(company)s
                           AND account.account_type = 'asset_receivable'
                           AND line.parent_state = 'posted'
                           AND line.reconciled IS NOT TRUE
                         UNION ALL
                        -- Set back to draft, one keeps the money that it was
                        -- settled with: that is not in the receivable above.
                        SELECT move.commercial_partner_id, move.currency_id, 0, 0,
                               %(sign)s * move.amount_residual,
                               move.amount_residual_signed
                          FROM account_move move
                         WHERE move.commercial_partner_id IN %(contacts)s
                           AND move.company_id = %(company)s
                           AND move.lead_run_id IS NOT NULL
                           AND move.state = 'draft') money
                  JOIN res_partner contact ON contact.id = money.partner_id
                 GROUP BY contact.commercial_partner_id, money.currency_id
                """,
                sign=sign_sql("move"),
                contacts=contacts,
                company=self.env.company.id,
            )
        )

    def _lock_lead_money(self):
        """Let only one transaction at a time decide on the money of these buyers: what
        a statement carries, for example. All of them write the buyer's row.
        """
        if self:
            self.env.execute_query(hold_sql("res_partner", "active", tuple(self.ids)))

    # Odoo's credit limit

    @api.depends_context("company")
    def _compute_credit_to_invoice(self):
        """Count drafts and unbilled leads, which Odoo's credit limit looks at."""
        result = super()._compute_credit_to_invoice()
        balances = self._get_lead_balances()
        for partner in self:
            # Odoo asks the commercial entity.
            if partner.id in balances:
                partner.credit_to_invoice += self._sum_lead_to_bill(
                    balances[partner.id]
                )
        return result
