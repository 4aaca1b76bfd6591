from odoo import fields, models
from odoo.tools import SQL


class AccountInvoiceReport(models.Model):
    """What was billed and returned, by lead type, in Odoo's analysis of invoices."""

    _inherit = "account.invoice.report"
    _depends = {
        "account.move.line": [
            "lead_count",
            "lead_origin_move_id",
            "lead_transaction_type",
            "lead_type_id",
        ]
    }

    lead_type_id = fields.Many2one(
        "lead.type", readonly=True, groups="lead_invoicing.group_user"
    )
    lead_origin_move_id = fields.Many2one(
        "account.move",
        "Credits Leads Of",
        readonly=True,
        groups="lead_invoicing.group_user",
        help="The document that billed the leads that this line credits.",
    )
    lead_purchased_count = fields.Integer(
        "Leads Purchased", readonly=True, groups="lead_invoicing.group_user"
    )
    lead_returned_count = fields.Integer(
        "Leads Returned", readonly=True, groups="lead_invoicing.group_user"
    )
    lead_return_rate = fields.Float(
        "Return Rate (%)",
        readonly=True,
        aggregator="avg",
        groups="lead_invoicing.group_user",
        help="Leads returned for each hundred leads purchased, on the same invoices and"
        " credit notes.",
    )

    def _select(self):
        return SQL(
            """
            %s,
            line.lead_type_id,
            line.lead_origin_move_id,
            CASE WHEN line.lead_transaction_type = 'sale' THEN line.lead_count END
                AS lead_purchased_count,
            CASE WHEN line.lead_transaction_type = 'return' THEN line.lead_count END
                AS lead_returned_count,
            0 AS lead_return_rate
            """,
            super()._select(),
        )

    def _read_group_select(self, aggregate_spec, query):
        """Relate the sums: an average of the lines' rates would be no rate."""
        if aggregate_spec != "lead_return_rate:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "100.0 * COALESCE(SUM(%s), 0) / NULLIF(SUM(%s), 0)",
            self._field_to_sql(self._table, "lead_returned_count", query),
            self._field_to_sql(self._table, "lead_purchased_count", query),
        )
