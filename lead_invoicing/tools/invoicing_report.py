"""The Invoicing Report itself: one provider of rows and totals for every format."""

from functools import cached_property

from odoo.tools import SQL

from .report_columns import JOINS, format_value, get_columns

# Kinds of transactions, as the totals count them.
KINDS = ("purchased", "returned", "adjusted", "waived")


class InvoicingReport:
    """The lead transactions of one buyer, with their totals.

    ``lead.invoicing.report`` opens it, and has checked by then what the reader may see.
    It reads by SQL and needs no more rights; keep it away from what comes from outside.

    Rows are in the order of their dates. Waived rows are in no total. A price
    adjustment, a return of less than the rest of its sale's price, is money but not a
    lead returned.

    :param env: the reader's environment
    :param partner: the billed buyer, a commercial partner
    :param lead_type: one lead type; empty for an invoice with leads of several types
    :param lead_types: those that the reader can choose from
    :param lead_data: {name: definition} of the lead data that the reader may choose
    :param names: of the lead data that was chosen, in the order of the lead type
    :param date_from, date_to: the first and the last day, both inclusive; None for the
        report of an invoice
    :param start, end: the same as instants, ``[start, end)`` in naive UTC
    :param tz: name of the time zone in which days and times are told
    :param transaction_type: ``sale``, ``return`` (with price adjustments), None: both
    :param invoice: if given, the document whose rows these are
    """

    def __init__(self, env, **values):
        self.env = env
        self.partner = values["partner"]
        self.lead_type = values["lead_type"]
        self.lead_types = values["lead_types"]
        self.lead_data = values["lead_data"]
        self.names = values["names"]
        self.date_from = values["date_from"]
        self.date_to = values["date_to"]
        self.start = values["start"]
        self.end = values["end"]
        self.tz = values["tz"]
        self.transaction_type = values["transaction_type"]
        self.invoice = values["invoice"]

    # ------------------------------------------------------------------
    # Columns, totals, pages
    # ------------------------------------------------------------------

    @cached_property
    def columns(self):
        """The columns, a list of :class:`~.report_columns.Column`. Those of lead data
        are named ``lead_data.<name>``; sub-account, currency, returned sale and reason
        are there only when the rows have any."""
        lead_types = self.lead_types if not self.lead_type else None
        lead_data = [self.lead_data[name] for name in self.names]
        return get_columns(self.env, self.tz, lead_data, self._contents, lead_types)

    @cached_property
    def count(self):
        """The number of rows, waived ones included."""
        return sum(group["count"] for group in self._groups)

    def get_totals(self):
        """Return the totals, a list of dicts, one for each currency:

        - ``currency``: a ``res.currency``
        - ``purchased``, ``returned``, ``net``: numbers of leads, the net being the
          purchased less the returned
        - ``adjusted`` and ``waived``: numbers of transactions
        - the same names with ``_amount``: signed as transactions are, sales above
          zero; ``net_amount`` is all but what is waived
        """
        totals = {}
        for group in self._groups:
            currency = self.env["res.currency"].browse(group["currency_id"])
            total = totals.setdefault(currency, self._new_total(currency))
            total[group["kind"]] += group["count"]
            total[f"{group['kind']}_amount"] += group["amount"]
        for total in totals.values():
            total["net"] = total["purchased"] - total["returned"]
            total["net_amount"] = sum(
                total[f"{kind}_amount"] for kind in KINDS if kind != "waived"
            )
        return sorted(totals.values(), key=lambda total: total["currency"].name)

    def get_page(self, limit, offset=0):
        """Return some of the rows: a list of dicts of values by the names of columns.

        Whatever is not known is None. Where the lead data were erased, the key
        ``is_erased`` is true and there are no values; :meth:`format_cell` says so.

        :param int limit: at most so many rows
        :param int offset: after so many rows
        """
        names = [column.name for column in self.columns] + ["is_erased"]
        rows = self.env.execute_query(self._get_page_sql(limit, offset))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def get_difference(self):
        """Return the lead lines of the invoice less its rows, in its currency: zero,
        unless somebody changed a lead line. None where this is not all of an invoice.
        """
        if not self.invoice or self.transaction_type:
            return None
        if self.lead_type and self.lead_type != self.lead_types:
            return None
        currency = self.invoice.currency_id
        amount = sum(
            total["net_amount"]
            for total in self.get_totals()
            if total["currency"] == currency
        )
        # Whoever may see the document may see whether it adds up.
        lines = self.invoice.sudo()._get_lead_lines_amount()
        return currency.round(lines - float(amount))

    def get_params(self):
        """Return the parameters that open this report again, as texts by name; those
        without a value are left out."""
        params = {
            "lead_type_id": str(self.lead_type.id or ""),
            "date_from": str(self.date_from or ""),
            "date_to": str(self.date_to or ""),
            "transaction_type": self.transaction_type or "",
            "invoice_id": str(self.invoice.id or ""),
        }
        params = {name: value for name, value in params.items() if value}
        # Empty means none; without it there would be some by default.
        return {**params, "fields": ",".join(self.names)}

    def format_cell(self, column, row):
        """Return a cell as text for people, in the language of the reader."""
        if column.is_lead_data and row["is_erased"]:
            return self.env._("erased")
        return format_value(self.env, column, row[column.name])

    # ------------------------------------------------------------------
    # SQL
    # ------------------------------------------------------------------

    @cached_property
    def _groups(self):
        # How many rows of each kind and currency are there, and what are they worth?
        # The index of a buyer's rows answers that by itself.
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT currency_id, count(*), sum(amount) AS amount,
                       bool_or(partner_id != commercial_partner_id) AS has_sub_account,
                       CASE WHEN waived THEN 'waived'
                            WHEN transaction_type = 'sale' THEN 'purchased'
                            WHEN price_adjustment THEN 'adjusted'
                            ELSE 'returned' END AS kind
                  FROM %s
                 WHERE %s
                 GROUP BY currency_id, kind
                """,
                self._get_source_sql(),
                self._get_where_sql(),
            )
        )
        return rows

    @cached_property
    def _contents(self):
        kinds = {group["kind"] for group in self._groups}
        contents = {"waived"} & kinds
        if kinds & {"returned", "adjusted", "waived"}:
            contents.add("return")
        if len({group["currency_id"] for group in self._groups}) > 1:
            contents.add("currency")
        if any(group["has_sub_account"] for group in self._groups):
            contents.add("sub_account")
        return contents

    def _new_total(self, currency):
        total = {"currency": currency}
        for kind in KINDS:
            total.update({kind: 0, f"{kind}_amount": 0})
        return total

    def _get_source_sql(self):
        """Return where the rows come from, as ``sale``."""
        if not self.invoice:
            return SQL("lead_sale sale")
        # Which transactions are on this document, or were until they were released?
        return SQL(
            """
            (SELECT billed.*
               FROM account_move_line move_line
               JOIN lead_sale billed ON billed.invoice_line_id = move_line.id
              WHERE move_line.move_id = %(invoice)s
              UNION ALL
             SELECT released.*
               FROM lead_sale_release release
               JOIN lead_sale released ON released.id = release.sale_id
              WHERE release.invoice_id = %(invoice)s) sale
            """,
            invoice=self.invoice.id,
        )

    def _get_where_sql(self):
        conditions = [SQL("sale.commercial_partner_id = %s", self.partner.id)]
        if self.lead_type or not self.invoice:
            conditions.append(SQL("sale.lead_type_id = %s", self.lead_type.id or None))
        if self.start:
            conditions.append(SQL("sale.date >= %s", self.start))
        if self.end:
            conditions.append(SQL("sale.date < %s", self.end))
        if self.transaction_type:
            conditions.append(SQL("sale.transaction_type = %s", self.transaction_type))
        return SQL(" AND ").join(conditions)

    def _get_page_sql(self, limit, offset):
        """Return the query for some rows. It looks for them from the nearer end of the
        index, which knows all that is asked for; only then are they read."""
        direction = SQL("ASC")
        if offset > self.count / 2:
            stop = min(offset + limit, self.count)
            limit, offset = max(stop - offset, 0), self.count - stop
            direction = SQL("DESC")
        return SQL(
            """
            SELECT %(cells)s
              FROM (SELECT sale.id
                      FROM %(source)s
                     WHERE %(where)s
                     ORDER BY sale.date %(direction)s, sale.id %(direction)s
                     LIMIT %(limit)s OFFSET %(offset)s) page
              JOIN lead_sale sale ON sale.id = page.id
              %(joins)s
             ORDER BY sale.date, sale.id
            """,
            cells=SQL(", ").join(self._get_cells()),
            source=self._get_source_sql(),
            where=self._get_where_sql(),
            direction=direction,
            limit=limit,
            offset=offset,
            joins=JOINS,
        )

    def _get_cells(self):
        return [*(column.sql for column in self.columns), SQL("FALSE")]
