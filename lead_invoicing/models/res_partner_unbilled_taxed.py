from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from .account_tax import MAX_PRICE_LINES
from .lead_sale import origin_sql, unbilled_sql


class ResPartner(models.Model):
    """What a buyer has not been billed for yet, with the tax that it will come to: that
    of the lines of one document for each currency, by Odoo's own engine."""

    _inherit = "res.partner"

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
                      LEFT JOIN lead_sale origin ON origin.id = %(origin)s
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
                origin=origin_sql("sale"),
                unbilled=unbilled_sql("sale"),
                given_back=self.env["lead.invoice.run.buyer"]._get_given_back_sql(),
                by_price=by_price,
                most=MAX_PRICE_LINES,
            )
        )
        for row in rows:
            lines[row.pop("partner_id"), row.pop("currency_id")].append(row)
        return lines

    def _tax_lead_lines(self, lines):
        """Write down, as ``tax_ids``, with which taxes leads would be billed now.

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

    @api.model
    def _part_lead_rows(self, rows):
        """Return rows of one document, with ``tax_ids``, as its lines have them."""
        groups = defaultdict(list)
        for row in rows:
            # No taxes, an empty list, are not the same as none known.
            taxes = None if row["taxes"] is None else tuple(row["taxes"])
            kind = (row["lead_type_id"], row["is_return"], row["adjustment"])
            groups[kind, taxes].append(row)
        lines = []
        for group in groups.values():
            first = group[0]
            parts, taxes = first["tax_ids"]._part_lead_lines(
                group,
                first["adjustment"],
                self._get_lead_product(first["lead_type_id"]),
            )
            lines += [
                {
                    **first,
                    "tax_ids": taxes,
                    "price": part[0]["price"] if len(part) == 1 else None,
                    "count": sum(row["count"] for row in part),
                    "amount": sum(row["amount"] for row in part),
                }
                for part in parts
            ]
        return lines

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
        base_lines = [self._prepare_lead_base_line(currency, row) for row in rows]
        # What leads are taxed with is no secret to who sees a balance.
        engine = self.env["account.tax"].sudo()
        return engine._sum_lead_base_lines(base_lines, currency, self.env.company)

    @api.model
    def _prepare_lead_base_line(self, currency, row):
        """Return a line as Odoo's tax engine takes it: as the document will have it."""
        sign = -1 if row["is_return"] else 1
        if row["price"] is None:
            quantity, price = sign, abs(row["amount"])
        else:
            quantity, price = sign * row["count"], row["price"]
        return self.env["account.tax"]._prepare_base_line_for_taxes_computation(
            None,
            product_id=self._get_lead_product(row["lead_type_id"]),
            tax_ids=row["tax_ids"],
            quantity=quantity,
            price_unit=float(price),
            currency_id=currency,
        )

    @api.model
    def _get_lead_taxes(self, lead_type_id, position):
        """Return the taxes that Odoo puts on a line for leads of this type.

        :param position: the ``account.fiscal.position`` of the document
        """
        # Never stored, and read only.
        moves = self.env["account.move"].sudo()
        line = moves._new_lead_product_line(
            self.env.company,
            self._get_lead_product(lead_type_id),
            fiscal_position_id=position.id,
        )
        return line.tax_ids._origin

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
