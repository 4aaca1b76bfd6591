from collections import defaultdict
from dataclasses import dataclass

from odoo import Command, api, fields, models
from odoo.tools import SQL

from .lead_invoice_run_buyer_plan import MAX_PRICE_LINES
from .lead_sale import unbilled_sql


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
        return self.currency.round(self.receivable + self.to_bill)

    @property
    def to_bill(self):
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
            balance.taxed = self._sum_lead_lines(balance.currency, lines)
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
                               CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
                                   * move.amount_residual,
                               move.amount_residual_signed
                          FROM account_move move
                         WHERE move.commercial_partner_id IN %(contacts)s
                           AND move.company_id = %(company)s
                           AND move.lead_run_id IS NOT NULL
                           AND move.state = 'draft') money
                  JOIN res_partner contact ON contact.id = money.partner_id
                 GROUP BY contact.commercial_partner_id, money.currency_id
                """,
                contacts=contacts,
                company=self.env.company.id,
            )
        )

    def _lock_lead_money(self):
        """Let only one transaction at a time decide on the money of these buyers: what
        a statement carries, for example.

        PostgreSQL shows each transaction the books as they were when it began. As all
        of them write the buyer's row, as it is, the second is repeated.
        """
        if self:
            # In one order, so that two do not wait for each other.
            self.env.execute_query(
                SQL(
                    """
                    WITH locked AS (
                        SELECT id FROM res_partner WHERE id IN %s
                         ORDER BY id FOR NO KEY UPDATE)
                    UPDATE res_partner SET active = active
                      FROM locked WHERE locked.id = res_partner.id
                 RETURNING res_partner.id
                    """,
                    tuple(self.ids),
                )
            )

    # The unbilled, with its tax

    def _read_lead_unbilled_lines(self):
        """Return what is unbilled of these buyers in the current company, as the lines
        of one document for each currency.

        :return: {(buyer's id, currency's id): list of dicts with ``lead_type_id``,
            ``is_return``, ``adjustment``, ``taxes`` (ids of those that the sale of a
            return was billed with; None where that is not posted), ``price`` (None:
            many prices), ``count`` and ``amount`` (signed)}
        """
        lines = defaultdict(list)
        ids = self.commercial_partner_id.ids
        if not ids:
            return lines
        company = self.env.company
        self.env.flush_all()
        # What leads are taxed with is no secret to who sees a balance.
        by_price = self.env["account.tax"].sudo()._has_taxes_on_quantity(company)
        # How many transactions, of what amount, are there for each line and price?
        # Returns with nothing to give back are waived as a document is made.
        rows = self.env.execute_query_dict(
            SQL(
                """
                WITH priced AS (
                    SELECT contact.commercial_partner_id AS partner_id,
                           sale.currency_id, sale.lead_type_id,
                           sale.transaction_type = 'return' AS is_return,
                           COALESCE(sale.price_adjustment, FALSE) AS adjustment,
                           CASE WHEN origin_line.id IS NOT NULL THEN ARRAY(
                                SELECT account_tax_id
                                  FROM account_move_line_account_tax_rel
                                 WHERE account_move_line_id = origin_line.id
                                 ORDER BY account_tax_id) END AS taxes,
                           sale.price, count(*) AS count, sum(sale.amount) AS amount
                      FROM res_partner contact
                      JOIN lead_sale sale ON sale.commercial_partner_id = contact.id
                      LEFT JOIN lead_sale origin
                           ON origin.id = COALESCE(sale.corrected_sale_id,
                                                   sale.origin_id)
                      LEFT JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                          AND origin_line.parent_state = 'posted'
                      LEFT JOIN account_move origin_move
                           ON origin_move.id = origin_line.move_id
                     WHERE contact.commercial_partner_id = ANY(%(buyers)s)
                       AND sale.company_id = %(company)s
                       AND %(unbilled)s
                       AND NOT %(given_back)s
                     GROUP BY 1, 2, 3, 4, 5, 6, 7
                ), counted AS (
                    SELECT *, count(*) OVER (
                               PARTITION BY partner_id, currency_id, lead_type_id,
                                            is_return, adjustment, taxes) AS prices
                      FROM priced
                )
                SELECT partner_id, currency_id, lead_type_id, is_return, adjustment,
                       taxes, CASE WHEN %(by_price)s OR prices <= %(most)s
                                   THEN price END AS price,
                       sum(count)::int AS count, sum(amount) AS amount
                  FROM counted
                 GROUP BY 1, 2, 3, 4, 5, 6, 7
                 ORDER BY 1, 2, 3, 4, 5, 6, 7
                """,
                buyers=ids,
                company=company.id,
                unbilled=unbilled_sql("sale"),
                # When billing began is no secret to who sees a balance.
                given_back=self.env["lead.invoice.run.buyer"]._get_given_back_sql(
                    company.sudo()
                ),
                by_price=by_price,
                most=MAX_PRICE_LINES,
            )
        )
        for row in rows:
            lines[row.pop("partner_id"), row.pop("currency_id")].append(row)
        return lines

    def _tax_lead_lines(self, lines):
        """Write down, as ``tax_ids``, with which taxes lines would be billed now; and
        make one line of many prices where no tax depends on the number of leads.

        :param lines: as of :meth:`_read_lead_unbilled_lines`
        """
        buyers = self.browse(dict.fromkeys(partner_id for partner_id, _c in lines))
        positions = buyers._get_lead_fiscal_positions()
        taxes = {}
        for (partner_id, _currency_id), rows in lines.items():
            for row in rows:
                if row["taxes"] is not None:
                    # What leads are taxed with is no secret to who sees a balance.
                    row["tax_ids"] = self.env["account.tax"].sudo().browse(row["taxes"])
                    continue
                key = (row["lead_type_id"], positions[partner_id])
                if key not in taxes:
                    taxes[key] = self._get_lead_taxes(*key)
                row["tax_ids"] = taxes[key]
            rows[:] = self._merge_lead_prices(rows)

    @api.model
    def _merge_lead_prices(self, rows):
        """Return lines as a document has them: beyond so many prices one for all,
        unless a tax depends on the number of leads."""
        groups = defaultdict(list)
        for row in rows:
            # No taxes, an empty list, are not the same as none known.
            taxes = None if row["taxes"] is None else tuple(row["taxes"])
            kind = (row["lead_type_id"], row["is_return"], row["adjustment"])
            groups[kind, taxes].append(row)
        merged = []
        for group in groups.values():
            first = group[0]
            by_price = (
                len(group) <= MAX_PRICE_LINES
                # These are one line already.
                or first["price"] is None
                or (
                    not first["adjustment"]
                    and first["tax_ids"]._depends_on_quantity(
                        self._get_lead_product(first["lead_type_id"])
                    )
                )
            )
            if by_price:
                merged += group
                continue
            totals = {
                name: sum(row[name] for row in group) for name in ("count", "amount")
            }
            merged.append({**first, "price": None, **totals})
        return merged

    @api.model
    def _get_lead_product(self, lead_type_id):
        # Only what is taxed is asked of the product.
        return self.env["lead.type"].sudo().browse(lead_type_id).product_id

    @api.model
    def _sum_lead_lines(self, currency, rows):
        """Return the total of a document with these lines, tax included, as Odoo's
        engine has it.

        :param rows: dicts as of :meth:`_read_lead_unbilled_lines`, with ``tax_ids``
        """
        amount = sum(float(row["amount"]) for row in rows)
        if not any(row["tax_ids"] for row in rows):
            return currency.round(amount)
        company = self.env.company
        # What leads are taxed with is no secret to who sees a balance.
        engine = self.env["account.tax"].sudo()
        base_lines = [self._prepare_lead_base_line(currency, row) for row in rows]
        engine._add_tax_details_in_base_lines(base_lines, company)
        engine._round_base_lines_tax_details(base_lines, company)
        totals = engine._get_tax_totals_summary(base_lines, currency, company)
        return totals["total_amount_currency"]

    @api.model
    def _prepare_lead_base_line(self, currency, row):
        """Return a line as Odoo's tax engine takes it: as the document will have it."""
        product = self._get_lead_product(row["lead_type_id"])
        taxes = row["tax_ids"]
        if row["adjustment"]:
            taxes = taxes._filter_independent_of_quantity(product)
        sign = -1 if row["is_return"] else 1
        if row["price"] is None:
            quantity, price = sign, abs(row["amount"])
        else:
            quantity, price = sign * row["count"], row["price"]
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            None,
            product_id=product,
            tax_ids=taxes,
            quantity=quantity,
            price_unit=float(price),
            currency_id=currency,
        )

    @api.model
    def _get_lead_taxes(self, lead_type_id, position):
        """Return the taxes that Odoo puts on a line for leads of this type.

        :param position: the ``account.fiscal.position`` of the document
        """
        company = self.env.company
        # Never stored, and read only.
        move = (
            self.env["account.move"]
            .sudo()
            .with_company(company)
            .new(
                {
                    "move_type": "out_invoice",
                    "company_id": company.id,
                    "fiscal_position_id": position.id,
                    "invoice_line_ids": [
                        Command.create(
                            {"product_id": self._get_lead_product(lead_type_id).id}
                        )
                    ],
                }
            )
        )
        return move.invoice_line_ids.tax_ids._origin

    def _get_lead_fiscal_positions(self):
        """Return the fiscal position that Odoo gives a document of each of these buyers
        now. It is asked for once for each kind of place, not for each buyer.

        :return: {partner's id: ``account.fiscal.position``}
        """
        company = self.env.company
        # What decides on a buyer's taxes is no secret to who sees its balance.
        every = self.env["account.fiscal.position"].sudo().with_company(company)
        has_zips = every.search_count(
            [*every._check_company_domain(company), ("zip_from", "!=", False)], limit=1
        )
        known, positions = {}, {}
        # Nor are their addresses.
        buyers = self.sudo().with_company(company)
        # Together, so that all are read at once.
        addresses = buyers._get_lead_addresses("invoice")
        deliveries = addresses._get_lead_addresses("delivery")
        for partner, address, delivery in zip(
            buyers, addresses, deliveries, strict=True
        ):
            kind = tuple(
                (
                    contact.property_account_position_id,
                    contact.country_id,
                    contact.state_id,
                    has_zips and contact.zip,
                    contact.vat and contact.vat[:2],
                    bool(contact._get_vat_required_valid(company=company)),
                )
                for contact in (address, delivery)
            )
            if kind not in known:
                known[kind] = every._get_fiscal_position(address, delivery=delivery)
            positions[partner.id] = known[kind]
        return positions

    def _get_lead_addresses(self, kind):
        """Return the contact of each of these that is its address of a kind, in
        order."""
        return self.browse([partner.address_get([kind])[kind] for partner in self])

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
