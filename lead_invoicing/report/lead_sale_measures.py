from odoo import api, fields, models
from odoo.tools import SQL

# What nobody groups by: it is there for the ledger itself.
TECHNICAL_FIELDS = {
    "corrected_price",
    "corrected_sale_id",
    "create_date",
    "create_uid",
    "invoice_line_id",
    "lead_data_erased_at",
    "origin_id",
    "return_number",
    "row_hash",
    "waived_by_credit",
    "write_date",
    "write_uid",
}


class LeadSale(models.Model):
    """What is measured of transactions: purchased and returned, which add up to the net
    amount, and how many leads of a hundred were returned.

    A corrected price is what was purchased, not a return and another sale.
    """

    _inherit = "lead.sale"

    # Of one transaction, these say nothing: its net amount does.
    price = fields.Monetary(aggregator=None)
    return_number = fields.Integer(aggregator=None)
    corrected_price = fields.Monetary(aggregator=None)
    purchased_amount = fields.Monetary(
        "Purchased",
        compute="_compute_measures",
        help="Amount of leads sold, at their corrected prices.",
    )
    returned_amount = fields.Monetary(
        "Returned",
        compute="_compute_measures",
        help="Amount of leads returned and of price adjustments, below zero.",
    )
    return_rate = fields.Float(
        "Return Rate (%)",
        compute="_compute_measures",
        aggregator="avg",
        help="Leads returned for each hundred leads sold. Price adjustments are not"
        " counted.",
    )

    @api.depends("transaction_type", "corrected_sale_id", "amount", "price_adjustment")
    def _compute_measures(self):
        for sale in self:
            is_return = sale.transaction_type == "return" and not sale.corrected_sale_id
            sale.returned_amount = sale.amount if is_return else 0.0
            sale.purchased_amount = 0.0 if is_return else sale.amount
            sale.return_rate = 100.0 * (is_return and not sale.price_adjustment)

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """Leave out of *Custom Group* what nobody groups by."""
        result = super().fields_get(allfields, attributes)
        for name in TECHNICAL_FIELDS & result.keys():
            if "groupable" in result[name]:
                result[name]["groupable"] = False
        return result

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let the database add up what is not stored."""
        if field_expr not in ("purchased_amount", "returned_amount"):
            return super()._field_to_sql(alias, field_expr, query)
        is_wanted = self._get_return_sql(alias, query)
        if field_expr == "purchased_amount":
            is_wanted = SQL("NOT (%s)", is_wanted)
        return SQL(
            "CASE WHEN %s THEN %s ELSE 0 END",
            is_wanted,
            self._field_to_sql(alias, "amount", query),
        )

    def _get_return_sql(self, alias, query):
        """Return the condition that a transaction is a return, and no half of a price
        correction."""
        return SQL(
            "%s = 'return' AND %s IS NULL",
            self._field_to_sql(alias, "transaction_type", query),
            self._field_to_sql(alias, "corrected_sale_id", query),
        )

    def _read_group_select(self, aggregate_spec, query):
        """Relate the numbers of leads: an average of transactions would be no rate."""
        if aggregate_spec != "return_rate:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            """
            100.0 * count(*) FILTER (WHERE %(is_return)s AND %(adjusts)s IS NOT TRUE)
            / NULLIF(count(*) FILTER (WHERE %(type)s = 'sale' AND %(corrects)s IS NULL),
                     0)
            """,
            is_return=self._get_return_sql(self._table, query),
            adjusts=self._field_to_sql(self._table, "price_adjustment", query),
            type=self._field_to_sql(self._table, "transaction_type", query),
            corrects=self._field_to_sql(self._table, "corrected_sale_id", query),
        )
