"""The columns of the Invoicing Report, and the SQL for their cells.

A cell is made in two steps, so that what is costly is done once: ``sql`` looks it up in
one row of ``lead_sale sale``, joined as in ``JOINS``, with ``pair``, the other half of
a price correction; ``read`` makes the value of it,
with the lead data at hand as ``lead_data``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from odoo.tools import SQL, format_date, formatLang

from ..models.lead_sale import billing_state_sql, origin_sql
from ..recording.lead_data import VALUE_TYPES
from ..tools.local_time import format_time_of_day, localize

# How a column of lead data is called, before the name of its field.
LEAD_DATA = "lead_data."

# What else is known of a transaction: where it is billed, which sale it returns or
# corrects, and which contact of the buyer it belongs to.
JOINS = SQL(
    """
    LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
    LEFT JOIN account_move move ON move.id = line.move_id
    LEFT JOIN lead_sale origin ON origin.id = %s
    LEFT JOIN res_partner account ON account.id = sale.partner_id
    LEFT JOIN res_currency currency ON currency.id = sale.currency_id
    """,
    origin_sql("sale"),
)
# A return has the data of its sale, unless it came with its own.
DATA = SQL("COALESCE(sale.lead_data, origin.lead_data)")
IS_ERASED = SQL(
    "COALESCE(sale.lead_data_erased_at, origin.lead_data_erased_at) IS NOT NULL"
)
_TRANSACTION_TYPE = SQL(
    """
    CASE WHEN sale.corrected_sale_id IS NOT NULL THEN 'correction'
         WHEN sale.transaction_type = 'return' AND sale.price_adjustment
         THEN 'adjustment' ELSE sale.transaction_type END
    """
)


@dataclass(frozen=True)
class Column:
    """A column of the report.

    :param name: the key of its value in a row
    :param label: for people, in the language of the reader
    :param type: ``char``, ``boolean``, ``date``, ``datetime`` (naive, in the time zone
        of the report), ``integer``, ``float``, ``monetary`` or ``selection``
    :param sql: what is looked up
    :param options: of a selection: {value: label}
    :param digits: decimal places of a ``monetary`` one
    :param read: from the SQL of what was looked up to that of the value of the cell
    """

    name: str
    label: str
    type: str
    sql: SQL
    options: dict | None = None
    digits: int | None = None
    read: Callable[[SQL], SQL] = lambda cell: cell

    @property
    def is_lead_data(self):
        return self.name.startswith(LEAD_DATA)

    @property
    def is_number(self):
        return self.type in ("integer", "float", "monetary")


# The document that the column ``invoice`` names: no column for people.
INVOICE_ID = Column(
    "invoice_id",
    "",
    "integer",
    SQL("CASE WHEN move.state = 'posted' THEN move.id END"),
)


def get_lead_data_fields(lead_type):
    """Return {name: definition} of the lead data of a lead type, in its order."""
    definition = lead_type.lead_properties_definition or []
    return {prop["name"]: prop for prop in definition if prop["type"] in VALUE_TYPES}


def get_columns(env, tz, lead_data, contents, lead_types, digits):
    """Return the columns of a report, in their order.

    :param tz: name of the time zone in which dates are told
    :param lead_data: definitions of the lead-data fields that were chosen
    :param contents: what the rows need columns for, a set of ``sub_account``,
        ``currency``, ``return`` and ``waived``
    :param lead_types: the lead types, if their names are to be told
    :param int digits: decimal places of amounts
    """
    char = "char"
    sale = env["lead.sale"]
    is_buyer = env.user._is_portal()
    columns = [
        Column("date", env._("Date"), "datetime", localize(SQL("sale.date"), tz)),
        Column("external_ref", env._("Transaction"), char, SQL("sale.external_ref")),
        Column(
            "transaction_type",
            env._("Type"),
            "selection",
            _TRANSACTION_TYPE,
            {
                "sale": env._("Sale"),
                "return": env._("Return"),
                "adjustment": env._("Price adjustment"),
                "correction": env._("Price correction"),
            },
        ),
    ]
    if lead_types:
        names = {str(lead_type.id): lead_type.name for lead_type in lead_types}
        sql = SQL("sale.lead_type_id::varchar")
        columns.append(Column("lead_type", env._("Lead Type"), "selection", sql, names))
    columns.append(Column("lead_ref", env._("Lead"), char, SQL("sale.lead_ref")))
    if "sub_account" in contents:
        sql = SQL("COALESCE(account.name, account.complete_name)")
        columns.append(Column("sub_account", env._("Sub-account"), char, sql))
    columns.append(Column("campaign", env._("Campaign"), char, SQL("sale.campaign")))
    sql = SQL("round(sale.amount + COALESCE(pair.amount, 0), %s)", digits)
    columns.append(Column("amount", env._("Amount"), "monetary", sql, digits=digits))
    if "currency" in contents:
        columns.append(
            Column("currency", env._("Currency"), char, SQL("currency.name"))
        )
    sql = SQL("CASE WHEN move.state = 'posted' THEN move.name END")
    columns.append(Column("invoice", env._("Invoice"), char, sql))
    states = dict(sale._fields["billing_state"]._description_selection(env))
    if is_buyer:
        # In the words of the buyer, who sees no drafts.
        states.update(
            unbilled=env._("Not invoiced yet"),
            draft=env._("Invoice being prepared"),
            waived=env._("Not charged"),
        )
    columns.append(
        Column(
            "billing_state",
            env._("Billing"),
            "selection",
            billing_state_sql(),
            states,
        )
    )
    if "return" in contents:
        sql = SQL("origin.external_ref")
        columns.append(Column("origin_ref", env._("Returned Sale"), char, sql))
    if contents & {"return", "waived"}:
        sql = SQL("sale.reason")
        if is_buyer:
            # Why something is waived, a manager wrote for the records.
            sql = SQL("CASE WHEN sale.waived IS NOT TRUE THEN sale.reason END")
        sql = SQL(
            "NULLIF(concat_ws(': ', %s, %s), '')", _get_correction(env, digits), sql
        )
        columns.append(Column("reason", env._("Reason"), char, sql))
    # Last, however many there are: the money stays in sight.
    return columns + [_get_lead_data_column(prop, tz) for prop in lead_data]


def _get_correction(env, digits):
    """Return the SQL of the sentence that a price correction is; NULL for others."""
    # A word for each price: languages have them in their own order.
    return SQL(
        "replace(replace(%s, '{old}', round(pair.corrected_price, %s)::text),"
        " '{new}', round(sale.corrected_price, %s)::text)",
        env._("Price corrected from {old} to {new}"),
        digits,
        digits,
    )


def format_value(env, column, value):
    """Return a value of a column as text for people."""
    if value is None:
        return ""
    if column.type == "selection":
        return column.options.get(value, value)
    if column.type == "boolean":
        return env._("Yes") if value else env._("No")
    if column.type == "date":
        return format_date(env, value)
    if column.type == "datetime":
        # It is in the time zone of the report already.
        time = format_time_of_day(env, value.time())
        return f"{format_date(env, value.date())} {time}"
    if column.type == "integer":
        return str(int(value))
    if column.type == "monetary":
        return formatLang(env, value, digits=column.digits)
    if column.type == "float":
        # All its decimal places: a coordinate is no amount.
        exponent = Decimal(repr(value)).normalize().as_tuple().exponent
        return formatLang(env, value, digits=max(-exponent, 0))
    return str(value)


def _get_lead_data_column(prop, tz):
    """Return the column of a field of lead data. Whatever is stored that is not of the
    type of the field is left out: it may not break the report."""
    name, kind = prop["name"], prop["type"]
    label = prop.get("string") or name
    value = SQL("%s -> %s", DATA, name)
    options = None
    if kind in ("selection", "tags"):
        options = {option[0]: option[1] for option in prop.get(kind) or ()}
    if kind in ("integer", "float", "monetary"):
        kind = "integer" if kind == "integer" else "float"
        read = _get_reader("number", "numeric")
    elif kind == "boolean":
        read = _get_reader("boolean", "bool")
    elif kind == "date":
        read = _get_date_reader("YYYY-MM-DD", "date")
    elif kind == "datetime":
        read_utc = _get_date_reader("YYYY-MM-DD HH24:MI:SS", "timestamp")

        def read(cell):
            # Python knows no other year, in whatever zone.
            return SQL(
                "CASE WHEN (%(cell)s #>> '{}') COLLATE \"C\" > '0001-01-02'"
                " AND (%(cell)s #>> '{}') COLLATE \"C\" < '9999-12-31' THEN %(moment)s"
                " END",
                cell=cell,
                moment=localize(read_utc(cell), tz),
            )

    elif kind == "tags":
        read = _get_tags_reader(options)
        kind, options = "char", None
    else:
        value = SQL("%s ->> %s", DATA, name)
        read = _get_text_reader(name)
        kind = "selection" if kind == "selection" else "char"
    return Column(LEAD_DATA + name, label, kind, value, options, read=read)


def _get_reader(json_type, sql_type):
    return lambda cell: SQL(
        "CASE WHEN jsonb_typeof(%s) = %s THEN (%s)::%s END",
        cell,
        json_type,
        cell,
        SQL.identifier(sql_type),
    )


def _get_date_reader(template, sql_type):
    return lambda cell: SQL(
        "(jsonb_path_query_first(%s, %s, silent => TRUE) #>> '{}')::%s",
        cell,
        f'$.datetime("{template}")',
        SQL.identifier(sql_type),
    )


def _get_text_reader(name):
    # Odoo stores False for a text that somebody emptied.
    return lambda cell: SQL(
        "CASE WHEN %(cell)s = 'false' AND lead_data -> %(name)s = 'false'"
        " THEN NULL ELSE %(cell)s END",
        cell=cell,
        name=name,
    )


def _get_tags_reader(labels):
    return lambda cell: SQL(
        """
        (SELECT string_agg(COALESCE(%(labels)s::jsonb ->> tag, tag), ', '
                           ORDER BY place)
           FROM jsonb_array_elements_text(
                    CASE jsonb_typeof(%(cell)s) WHEN 'array' THEN %(cell)s END
                ) WITH ORDINALITY tags(tag, place))
        """,
        labels=json.dumps(labels),
        cell=cell,
    )
