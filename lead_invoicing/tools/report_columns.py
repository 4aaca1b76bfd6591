"""The columns of the Invoicing Report, and the SQL for their cells.

The SQL reads one row of ``lead_sale sale``, joined as in ``JOINS``.
"""

import json
from dataclasses import dataclass

from odoo.tools import SQL, format_date, format_datetime, formatLang

from .lead_data import VALUE_TYPES

# How a column of lead data is called, before the name of its field.
LEAD_DATA = "lead_data."

# What else is known of a transaction: where it is billed, which sale it returns, and
# which contact of the buyer it belongs to.
JOINS = SQL(
    """
    LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
    LEFT JOIN account_move move ON move.id = line.move_id
    LEFT JOIN lead_sale origin ON origin.id = sale.origin_id
    LEFT JOIN res_partner account ON account.id = sale.partner_id
    LEFT JOIN res_currency currency ON currency.id = sale.currency_id
    """
)
# A return has the data of its sale, unless it came with its own.
_DATA = SQL("COALESCE(NULLIF(sale.lead_data, '{}'), origin.lead_data)")
_BILLING_STATE = SQL(
    """
    CASE WHEN sale.waived THEN 'waived'
         WHEN move.id IS NULL THEN 'unbilled'
         WHEN move.state != 'posted' THEN 'draft'
         WHEN move.lead_credited THEN 'credited'
         ELSE 'invoiced' END
    """
)
_TRANSACTION_TYPE = SQL(
    """
    CASE WHEN sale.transaction_type = 'return' AND sale.price_adjustment
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
    :param sql: the value of a cell
    :param options: of a selection: {value: label}
    """

    name: str
    label: str
    type: str
    sql: SQL
    options: dict | None = None

    @property
    def is_lead_data(self):
        return self.name.startswith(LEAD_DATA)

    @property
    def is_number(self):
        return self.type in ("integer", "float", "monetary")


def get_lead_data_fields(lead_type):
    """Return {name: definition} of the lead data of a lead type, in its order."""
    definition = lead_type.lead_properties_definition or []
    return {prop["name"]: prop for prop in definition if prop["type"] in VALUE_TYPES}


def get_columns(env, tz, lead_data, contents, lead_types):
    """Return the columns of a report, in their order.

    :param tz: name of the time zone in which dates are told
    :param lead_data: definitions of the lead-data fields that were chosen
    :param contents: what the rows need columns for, a set of ``sub_account``,
        ``currency``, ``return`` and ``waived``
    :param lead_types: the lead types, if their names are to be told
    """
    char = "char"
    sale = env["lead.sale"]
    columns = [
        Column("date", env._("Date"), "datetime", _localize(SQL("sale.date"), tz)),
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
    columns += [_get_lead_data_column(prop, tz) for prop in lead_data]
    columns.append(Column("amount", env._("Amount"), "monetary", SQL("sale.amount")))
    if "currency" in contents:
        columns.append(
            Column("currency", env._("Currency"), char, SQL("currency.name"))
        )
    sql = SQL("CASE WHEN move.state = 'posted' THEN move.name END")
    columns.append(Column("invoice", env._("Invoice"), char, sql))
    columns.append(
        Column(
            "billing_state",
            env._("Billing"),
            "selection",
            _BILLING_STATE,
            dict(sale._fields["billing_state"]._description_selection(env)),
        )
    )
    if "return" in contents:
        sql = SQL("origin.external_ref")
        columns.append(Column("origin_ref", env._("Returned Sale"), char, sql))
    if contents & {"return", "waived"}:
        columns.append(Column("reason", env._("Reason"), char, SQL("sale.reason")))
    return columns


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
        return format_datetime(env, value, tz="UTC")
    if column.type in ("float", "monetary"):
        return formatLang(env, value, digits=2)
    return str(value)


def _localize(sql, tz):
    """Return a moment in a time zone, to the second."""
    return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::timestamp(0)", sql, tz)


def _get_lead_data_column(prop, tz):
    name, kind = prop["name"], prop["type"]
    value = SQL("(%s -> %s)", _DATA, name)
    options = None
    if kind in ("selection", "tags"):
        options = {option[0]: option[1] for option in prop.get(kind) or ()}
    if kind in ("integer", "float", "monetary"):
        sql = SQL(
            "CASE WHEN jsonb_typeof(%(value)s) = 'number'"
            " THEN (%(value)s)::numeric END",
            value=value,
        )
        kind = "integer" if kind == "integer" else "float"
    elif kind == "boolean":
        sql = SQL(
            "CASE WHEN jsonb_typeof(%(value)s) = 'boolean'"
            " THEN (%(value)s)::boolean END",
            value=value,
        )
    elif kind in ("date", "datetime"):
        # Nothing that is stored wrongly may break the report.
        template = "YYYY-MM-DD" if kind == "date" else "YYYY-MM-DD HH24:MI:SS"
        path = f'$.datetime("{template}")'
        sql = SQL(
            "(jsonb_path_query_first(%s, %s, silent => TRUE) #>> '{}')::%s",
            value,
            path,
            SQL("date" if kind == "date" else "timestamp"),
        )
        if kind == "datetime":
            sql = _localize(sql, tz)
    elif kind == "tags":
        sql = _get_tags_sql(value, options)
        kind, options = "char", None
    else:
        # Odoo stores False for an emptied text.
        sql = SQL("NULLIF(%s, 'false') #>> '{}'", value)
        kind = "selection" if kind == "selection" else "char"
    label = prop.get("string") or name
    return Column(LEAD_DATA + name, label, kind, sql, options)


def _get_tags_sql(value, labels):
    return SQL(
        """
        (SELECT string_agg(COALESCE(%(labels)s ->> tag, tag), ', ' ORDER BY place)
           FROM jsonb_array_elements_text(
                    CASE jsonb_typeof(%(value)s) WHEN 'array' THEN %(value)s END
                ) WITH ORDINALITY tags(tag, place))
        """,
        labels=get_options_sql(labels),
        value=value,
    )


def get_options_sql(options):
    """Return the labels of a selection, as an object of PostgreSQL."""
    return SQL("%s::jsonb", json.dumps(options))
