"""Which transactions a report is about, as conditions of SQL on ``sale``."""

from odoo.tools import SQL

from ..models.lead_sale import behind_sql, unbilled_sql


def get_source_sql(invoice):
    """Return the SQL for where rows come from, as ``sale``.

    :param invoice: the document whose rows are wanted, an empty ``account.move`` for
        those of all
    """
    if not invoice:
        return SQL("lead_sale sale")
    # Which transactions are on this document, or were until they were released?
    return SQL(
        """
        (SELECT * FROM (%s) behind WHERE move_id = %s) sale
        """,
        behind_sql(),
        invoice.id,
    )


def get_pair_sql(invoice, alias):
    """Return the condition that ``alias`` is the other half of the price correction
    that ``sale`` is half of, and among the same rows.

    :param invoice: the document whose rows are wanted, as for :func:`get_source_sql`
    """
    pair = SQL.identifier(alias)
    condition = SQL(
        """
        %(pair)s.corrected_sale_id IS NOT NULL
        AND %(pair)s.corrected_sale_id = sale.corrected_sale_id
        AND %(pair)s.transaction_type != sale.transaction_type
        """,
        pair=pair,
    )
    if not invoice:
        # Both have the same buyer and date.
        return condition
    behind = SQL(
        "(SELECT id FROM (%s) behind WHERE move_id = %s)", behind_sql(), invoice.id
    )
    return SQL("%s AND %s.id IN %s", condition, pair, behind)


def get_buyer_sql(buyers):
    """Return the condition that ``sale`` is of a report.

    :param buyers: those under whom the rows were recorded; None for whomever
    """
    if buyers is None:
        return SQL("TRUE")
    ids = buyers.ids
    if len(ids) == 1:
        return SQL("sale.commercial_partner_id = %s", ids[0])
    return SQL("sale.commercial_partner_id = ANY(%s)", ids)


def get_unbilled_sql(companies):
    """Return the condition that ``sale`` is unbilled, in words that its index has.

    :param companies: those that sold what is reported on
    """
    return SQL("%s AND sale.company_id = ANY(%s)", unbilled_sql("sale"), companies.ids)
