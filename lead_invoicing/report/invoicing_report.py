"""The Invoicing Report itself: one provider of rows and totals for every format."""

import re
from functools import cached_property

from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, formatLang

from .columns import DATA, INVOICE_ID, IS_ERASED, JOINS, format_value
from .conditions import (
    get_buyer_sql,
    get_pair_sql,
    get_source_sql,
    get_unbilled_sql,
)

# Kinds of transactions, as the totals count them.
KINDS = ("purchased", "returned", "adjusted", "corrected", "waived")
# More rows than this take too long to print, or do not fit.
LIMITS = {"pdf": 5000, "xlsx": 300_000}
# So many rows are in memory at a time.
BATCH = 2000
# Longer texts (characters) go on on another line, longer words are broken for it.
LONG_TEXT = 30
LONG_WORD = 40
# Hebrew, Arabic and their neighbors.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
    "\U0001e800-\U0001efff]"
)


def format_count(env, number):
    """Return a number of rows as text for people, in the language of the reader."""
    return formatLang(env, float(number), digits=0)


class InvoicingReport:
    """The lead transactions of one buyer, with their totals.

    ``lead.invoicing.report`` opens it, and has checked by then what the reader may see.
    It reads by SQL and needs no more rights: never build it from the parameters of a
    request, but go through ``lead.invoicing.report``.

    Rows are in the order of their dates. Waived rows are in no total. A price
    adjustment, a return of less than the rest of its sale's price, is money but not a
    lead returned. A price correction is one row, although it is two transactions: the
    sale at the new price, with what it differs from the price before.

    :param env: the reader's environment
    :param partner: the billed buyer, a commercial partner
    :param buyers: those under whom its rows were recorded, mostly itself; None for all
        rows of a document
    :param invoice: the document whose rows these are; empty for a report by dates
    :param lead_type: one lead type; empty for all of several
    :param lead_data: {name: definition} of the lead data that the reader may choose
    :param names: of the lead data that was chosen, in the order of the lead type
    :param date_from, date_to: the first and the last day, both inclusive; None for the
        report of an invoice
    :param start, end: the same as instants, ``[start, end)`` in naive UTC
    :param tz: name of the time zone in which days and times are told
    :param transaction_type: ``sale``, ``return`` (with price adjustments), None: both
    :param billing: ``unbilled``: only what is on no document yet; None: all
    """

    def __init__(self, env, **values):
        self.env = env
        self.partner = values["partner"]
        self.buyers = values["buyers"]
        self.invoice = values["invoice"]
        self.lead_type = values["lead_type"]
        self.lead_data = values["lead_data"]
        self.names = values["names"]
        self.date_from = values["date_from"]
        self.date_to = values["date_to"]
        self.start = values["start"]
        self.end = values["end"]
        self.tz = values["tz"]
        self.transaction_type = values["transaction_type"]
        self.billing = values.get("billing")

    # Columns, totals, pages

    @cached_property
    def lead_types(self):
        """The lead types that the reader can choose from, a ``lead.type``."""
        model = self.env["lead.invoicing.report"]
        return model._get_lead_types(self.buyers, self.invoice)

    def get_title(self):
        """Return what this report is called, for people."""
        if self.invoice:
            # Whoever has the report of a document open may see its number.
            return self.env._(
                "Leads of %s", self.invoice.sudo().name or self.env._("a draft")
            )
        days = [format_date(self.env, day) for day in (self.date_from, self.date_to)]
        return self.env._(
            "Invoicing Report: %(lead_type)s, %(first)s to %(last)s",
            lead_type=self.get_lead_type_name(),
            first=days[0],
            last=days[1],
        )

    def get_lead_type_name(self):
        """Return which lead types this report is on, for people."""
        if self.lead_type:
            return self.lead_type.name
        if self.lead_types:
            return self.env._("all lead types")
        return self.env._("no leads")

    def get_days(self):
        """Return the days of this report, for people."""
        days = [format_date(self.env, day) for day in (self.date_from, self.date_to)]
        return self.env._("%(first)s to %(last)s", first=days[0], last=days[1])

    def get_filename(self, extension, *suffixes):
        """Return a name for a file of this report, in plain characters.

        :param suffixes: what else the name says, at its end
        """
        if self.invoice:
            # Whoever has its report open may see its number.
            parts = ["leads", self.invoice.sudo().name or "draft"]
        else:
            # Which type is not told where it is all of them.
            code = self.lead_type.code or (self.lead_types and "all")
            parts = ["leads", code, self.billing, self.date_from, self.date_to]
        name = "-".join(str(part) for part in (*parts, *suffixes) if part)
        return f"{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')}.{extension}"

    @cached_property
    def columns(self):
        """The columns, a list of :class:`~.columns.Column`. Those of lead data
        are named ``lead_data.<name>``; sub-account, currency, returned sale and reason
        are there only when the rows have any."""
        currencies = [total["currency"] for total in self.get_totals()]
        digits = max((currency.decimal_places for currency in currencies), default=2)
        return self.env["lead.invoicing.report"]._get_columns(self, digits)

    @cached_property
    def count(self):
        """The number of rows, waived ones included."""
        return sum(group["count"] for group in self._groups)

    def get_totals(self):
        """Return the totals, a list of dicts, one for each currency:

        - ``currency``: a ``res.currency``
        - ``purchased``, ``returned``, ``net``: numbers of leads, the net being the
          purchased less the returned
        - ``adjusted``, ``corrected`` and ``waived``: numbers of rows
        - the same names with ``_amount``: signed as transactions are, sales above
          zero; ``net_amount`` is all but what is waived
        """
        totals = {}
        for group in self._groups:
            currency = self.env["res.currency"].browse(group["currency_id"])
            total = totals.setdefault(currency, self._new_total(currency))
            total[group["kind"]] += group["count"]
            total[f"{group['kind']}_amount"] += group["amount"]
        for currency, total in totals.items():
            total["net"] = total["purchased"] - total["returned"]
            total["net_amount"] = sum(
                total[f"{kind}_amount"] for kind in KINDS if kind != "waived"
            )
            for kind in (*KINDS, "net"):
                total[f"{kind}_amount"] = currency.round(total[f"{kind}_amount"])
        return sorted(totals.values(), key=lambda total: total["currency"].name)

    def get_total_labels(self):
        """Return the names of the numbers in a total with their labels, for people, in
        their order; without what these rows have none of."""
        labels = {
            "purchased": self.env._("Purchased"),
            "returned": self.env._("Returned"),
            "adjusted": self.env._("Price adjustments"),
            "corrected": self.env._("Price corrections"),
            "net": self.env._("Net"),
            "waived": self.env._("Waived (not charged)"),
        }
        found = {group["kind"] for group in self._groups}
        always = {"purchased", "returned", "net"}
        return [item for item in labels.items() if item[0] in always | found]

    def get_page(self, limit, offset=0):
        """Return some of the rows: a list of dicts of values by the names of columns.

        Whatever is not known is None. Where the lead data were erased, the key
        ``is_erased`` is true; :meth:`format_cell` says so. ``invoice_id`` is the id of
        the document that is named.

        :param int limit: at most so many rows
        :param int offset: after so many rows
        """
        columns = (*self.columns, INVOICE_ID)
        names = [column.name for column in columns] + ["is_erased"]
        rows = self.env.execute_query(self._get_page_sql(limit, offset))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def get_difference(self):
        """Return the lead lines of the invoice less its rows, in its currency: zero,
        unless somebody changed a lead line. None where this is not all of an invoice,
        and for a cancelled one, whose rows were released.
        """
        if not self.invoice or self.transaction_type or self.billing:
            return None
        if self.lead_type and self.lead_type != self.lead_types:
            return None
        # sudo() is safe: whoever may see the document may see whether it adds up.
        invoice = self.invoice.sudo()
        if invoice.state == "cancel":
            return None
        amount = sum(
            group["amount"]
            for group in self._groups
            if group["currency_id"] == invoice.currency_id.id
        )
        return invoice.currency_id.round(
            invoice._get_lead_lines_amount() - float(amount)
        )

    def get_params(self):
        """Return the parameters that open this report again, as texts by name; those
        without a value are left out."""
        params = {
            "lead_type_id": str(self.lead_type.id or ""),
            "date_from": str(self.date_from or ""),
            "date_to": str(self.date_to or ""),
            "transaction_type": self.transaction_type or "",
            "invoice_id": str(self.invoice.id or ""),
            "billing": self.billing or "",
        }
        params = {name: value for name, value in params.items() if value}
        # Empty means none; without it there would be some by default.
        return {**params, "fields": ",".join(self.names)}

    def format_cell(self, column, row):
        """Return a cell as text for people, in the language of the reader."""
        value = row[column.name]
        if value is None and column.is_lead_data and row["is_erased"]:
            return self.env._("erased")
        return format_value(self.env, column, value)

    @property
    def page_columns(self):
        """The columns of a page: as those of files, but that the reason says which sale
        is returned, see :meth:`get_reason`."""
        return [column for column in self.columns if column.name != "origin_ref"]

    def get_reason(self, row):
        """Return why a row is what it is, with the sale that it returns or corrects, as
        text for people."""
        reason, sale = row.get("reason") or "", row.get("origin_ref")
        if not sale:
            return reason
        if not reason:
            return self.env._("Sale %s", sale)
        return self.env._("%(reason)s (sale %(sale)s)", reason=reason, sale=sale)

    def get_currency_name(self, row):
        """Return the code of the currency of a row's amount."""
        if name := row.get("currency"):
            return name
        return "".join(total["currency"].name for total in self.get_totals())

    def get_cell_direction(self, cell):
        """Return the HTML attribute ``dir`` of a cell: only a text that has letters
        from right to left needs one, and wkhtmltopdf takes ten times as long with it.
        """
        return "auto" if _RIGHT_TO_LEFT.search(cell) else None

    def get_cell_class(self, cell):
        """Return the class of a cell with a text that one line is too short for."""
        if max(map(len, cell.split()), default=0) > LONG_WORD:
            return "o_lead_unbroken"
        return "o_lead_long" if len(cell) > LONG_TEXT else None

    # Files: memory does not grow with rows

    def check_limit(self, file_type):
        """Refuse a file that would keep its reader, and the server, waiting.

        :param file_type: ``csv``, ``xlsx`` or ``pdf``
        :raises UserError: a sentence that offers another
        """
        limit = LIMITS.get(file_type)
        if limit and self.count > limit:
            raise UserError(
                self.env._(
                    "There are %(count)s rows, and a file of the type %(type)s can"
                    " hold at most %(limit)s. Choose fewer rows, or download them as"
                    " CSV.",
                    count=format_count(self.env, self.count),
                    type=file_type.upper(),
                    limit=format_count(self.env, limit),
                )
            )

    def iter_rows(self):
        """Yield all rows as tuples: a value for each column, and whether the lead data
        were erased."""
        cr = self.env.cr
        cr.execute(
            SQL(
                "DECLARE lead_invoicing_report NO SCROLL CURSOR FOR %s",
                self.get_rows_sql(),
            )
        )
        while True:
            cr.execute(SQL("FETCH %s FROM lead_invoicing_report", BATCH))
            rows = cr.fetchall()
            yield from rows
            if len(rows) < BATCH:
                break
        cr.execute("CLOSE lead_invoicing_report")

    # SQL

    @cached_property
    def _groups(self):
        # How many rows of each kind and currency are there, and what are they worth?
        # The index of a buyer's rows answers that by itself.
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT currency_id, count(*) FILTER (WHERE %(shown)s),
                       sum(amount) AS amount,
                       bool_or(partner_id != %(partner)s) AS has_sub_account,
                       CASE WHEN waived THEN 'waived'
                            WHEN corrected_sale_id IS NOT NULL THEN 'corrected'
                            WHEN transaction_type = 'sale' THEN 'purchased'
                            WHEN price_adjustment THEN 'adjusted'
                            ELSE 'returned' END AS kind
                  FROM %(source)s
                 WHERE %(where)s
                 GROUP BY currency_id, kind
                """,
                partner=self.partner.id,
                source=get_source_sql(self.invoice),
                where=self._where_sql,
                shown=self._shown_sql,
            )
        )
        return rows

    @cached_property
    def contents(self):
        """What there is among the rows that some columns are for: a set of ``return``
        (of any kind), ``waived``, ``currency`` (several) and ``sub_account`` (recorded
        under a contact of the buyer)."""
        kinds = {group["kind"] for group in self._groups}
        contents = {"waived"} & kinds
        if kinds & {"returned", "adjusted", "corrected", "waived"}:
            contents.add("return")
        if len({group["currency_id"] for group in self._groups}) > 1:
            contents.add("currency")
        if any(group["has_sub_account"] for group in self._groups):
            contents.add("sub_account")
        return contents

    def _new_total(self, currency):
        total = {"currency": currency}
        for kind in KINDS:
            total.update({kind: 0, f"{kind}_amount": 0.0})
        return total

    @cached_property
    def _where_sql(self):
        conditions = [get_buyer_sql(self.buyers)]
        if self.lead_type:
            conditions.append(SQL("sale.lead_type_id = %s", self.lead_type.id))
        elif not self.invoice:
            # Of all, only what the reader may see.
            conditions.append(SQL("sale.lead_type_id = ANY(%s)", self.lead_types.ids))
        if self.start:
            conditions.append(SQL("sale.date >= %s", self.start))
        if self.end:
            conditions.append(SQL("sale.date < %s", self.end))
        if self.billing:
            types = self.lead_type or self.lead_types
            # Only which companies sold these types is read.
            conditions.append(get_unbilled_sql(types.sudo().company_id))
        if self.transaction_type == "sale":
            conditions.append(
                SQL("sale.transaction_type = 'sale' AND sale.corrected_sale_id IS NULL")
            )
        elif self.transaction_type:
            conditions.append(
                SQL(
                    """(sale.transaction_type = %s
                        OR sale.corrected_sale_id IS NOT NULL)""",
                    self.transaction_type,
                )
            )
        return SQL(" AND ").join(conditions)

    @cached_property
    def _shown_sql(self):
        """The condition that ``sale`` has a row of its own: half of a price correction
        has none beside the other half."""
        hidden = SQL(
            "sale.corrected_sale_id IS NOT NULL AND sale.transaction_type = 'return'"
        )
        if self.invoice:
            # A line of a document can have been deleted without the other one.
            hidden = SQL(
                "%s AND EXISTS (SELECT FROM lead_sale pair WHERE %s)",
                hidden,
                get_pair_sql(self.invoice, "pair"),
            )
        return SQL("NOT (%s)", hidden)

    @cached_property
    def _joins_sql(self):
        """What rows are joined with, see ``JOINS``; of a price correction, ``pair`` is
        the half that has no row."""
        return SQL(
            """
            %s LEFT JOIN lead_sale pair
                      ON pair.transaction_type = 'return' AND %s
            """,
            JOINS,
            get_pair_sql(self.invoice, "pair"),
        )

    def _get_page_sql(self, limit, offset):
        """Return the query for some rows. It looks for them from the nearer end of the
        index, which knows all that is asked for; only then are they read."""
        direction = SQL("ASC")
        if offset > self.count / 2:
            stop = min(offset + limit, self.count)
            limit, offset = max(stop - offset, 0), self.count - stop
            direction = SQL("DESC")
        return self._get_values_sql(
            (*self.columns, INVOICE_ID),
            SQL(
                """
                (SELECT sale.id
                   FROM %(source)s
                  WHERE %(where)s AND %(shown)s
                  ORDER BY sale.date %(direction)s, sale.id %(direction)s
                  LIMIT %(limit)s OFFSET %(offset)s) page
                   JOIN lead_sale sale ON sale.id = page.id
                %(joins)s
                """,
                source=get_source_sql(self.invoice),
                where=self._where_sql,
                shown=self._shown_sql,
                direction=direction,
                limit=limit,
                offset=offset,
                joins=self._joins_sql,
            ),
        )

    def get_rows_sql(self):
        """Return the query for all rows: a value for each column, and whether the lead
        data were erased."""
        return self._get_values_sql(
            self.columns,
            SQL(
                "%s %s WHERE %s AND %s",
                get_source_sql(self.invoice),
                self._joins_sql,
                self._where_sql,
                self._shown_sql,
            ),
        )

    def _get_values_sql(self, columns, sales):
        """Return the query for the values of transactions, in the order of rows.

        :param columns: those whose values are wanted
        :param sales: what follows FROM
        """
        names = [SQL.identifier(f"cell_{i}") for i, _column in enumerate(columns)]
        # The fence (OFFSET 0) has each cell looked up once, however often it is read.
        return SQL(
            """
            SELECT %(values)s, is_erased
              FROM (SELECT %(cells)s, %(is_erased)s, %(data)s
                      FROM %(sales)s
                     ORDER BY sale.date, sale.id
                    OFFSET 0) AS row(%(names)s, is_erased, lead_data)
            """,
            values=SQL(", ").join(
                column.read(name) for column, name in zip(columns, names, strict=True)
            ),
            cells=SQL(", ").join(column.sql for column in columns),
            is_erased=IS_ERASED,
            data=DATA,
            sales=sales,
            names=SQL(", ").join(names),
        )
