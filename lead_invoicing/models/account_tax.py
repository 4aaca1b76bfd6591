from odoo import api, models

# Types that are on money alone, by Odoo's own definition.
ON_MONEY = ("percent", "division")
# Up to so many distinct prices, a lead type has a line for each; beyond, one line with
# the exact total, unless a tax depends on the number of leads. Each line costs about 7
# ms to create.
MAX_PRICE_LINES = 10


class AccountTax(models.Model):
    _inherit = "account.tax"

    def _depends_on_quantity(self, product):
        """Tell whether some of these taxes are not the same on many leads at a price
        as on one at all of their money: an amount per lead, or a formula with the
        quantity in it.

        :param product: the ``product.product`` that is sold
        """

        def get_amount(tax, price, quantity):
            result = tax.compute_all(
                price, quantity=quantity, product=product, handle_price_include=False
            )
            return result["total_included"] - result["total_excluded"]

        return any(
            bool(
                self.env.company.currency_id.compare_amounts(
                    get_amount(tax, 100.0, 1000), get_amount(tax, 100000.0, 1)
                )
            )
            for tax in self
            if tax.amount_type not in ON_MONEY
        )

    @api.model
    def _has_taxes_on_quantity(self, company):
        """Tell, in one query, whether a company may have taxes that depend on the
        number of leads: hardly any has."""
        domain = self._check_company_domain(company)
        return bool(
            self.search_count([*domain, ("amount_type", "not in", ON_MONEY)], limit=1)
        )

    @api.model
    def _sum_lead_base_lines(self, base_lines, currency, company):
        """Return what the lines of one document come to, tax included.

        :param base_lines: as Odoo's tax engine takes them
        """
        self._add_tax_details_in_base_lines(base_lines, company)
        self._round_base_lines_tax_details(base_lines, company)
        totals = self._get_tax_totals_summary(base_lines, currency, company)
        return totals["total_amount_currency"]

    def _filter_independent_of_quantity(self, product):
        """Return those of these taxes that are on money alone; of groups, those in
        them.

        :param product: the ``product.product`` that is sold
        """
        result = self.browse()
        for tax in self:
            if not tax._depends_on_quantity(product):
                result += tax
            elif tax.amount_type == "group":
                result += tax.children_tax_ids._filter_independent_of_quantity(product)
        return result

    def _part_lead_lines(self, rows, adjustment, product):
        """Return which transactions of one kind, of a document that has these taxes,
        become a line each, and the taxes of these lines: one for each price, or one for
        all where there are too many prices and no tax depends on the number of leads.

        :param rows: of the transactions, one for each price
        :param adjustment: whether they credit only a part of prices
        :param product: the ``product.product`` that is sold
        :return: (list of lists of rows, ``account.tax``)
        """
        taxes = self
        if adjustment:
            # No lead comes back, and no tax on the number of leads.
            taxes = self._filter_independent_of_quantity(product)
        if len(rows) <= MAX_PRICE_LINES or taxes._depends_on_quantity(product):
            return [[row] for row in rows], taxes
        return [rows], taxes
