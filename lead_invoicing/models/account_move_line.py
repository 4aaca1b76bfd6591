from odoo import fields, models
from odoo.tools import SQL

from ..tools.engine_fields import check_engine_fields

# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {"lead_count", "lead_transaction_type", "lead_type_id"}


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    lead_type_id = fields.Many2one(
        "lead.type",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
    )
    lead_transaction_type = fields.Selection(
        [("sale", "Leads purchased"), ("return", "Leads returned")],
        readonly=True,
        copy=False,
        groups="base.group_user",
    )
    lead_count = fields.Integer(
        "Leads",
        readonly=True,
        copy=False,
        help="Number of leads behind this line; none for price adjustments.",
        groups="base.group_user",
    )

    def write(self, vals):
        """Keep what the lead lines say of their leads.

        :raises UserError: for a change of it
        """
        check_engine_fields(self, ENGINE_FIELDS, vals)
        return super().write(vals)

    def unlink(self):
        """Keep the record of what was in the books, for lines deleted from them."""
        in_books = self.filtered(
            lambda line: line.lead_type_id and line.move_id.lead_posted_at
        )
        # Whoever may delete the lines leaves this record.
        self.env["lead.sale.past.billing"].sudo()._log(in_books)
        return super().unlink()

    def _release_lead_sales(self, to_line=None):
        """Make the transactions billed on these lines unbilled again, or bill them on
        another line. For lines that are deleted the database itself does it.

        :param to_line: the line that bills them instead
        """
        if not self.ids:
            return
        # Which transactions are billed on these lines?
        self.env.execute_query(
            SQL(
                """
                UPDATE lead_sale SET invoice_line_id = %s
                 WHERE invoice_line_id IN %s
             RETURNING id
                """,
                to_line.id if to_line else None,
                tuple(self.ids),
            )
        )
        self.env["lead.sale"].invalidate_model()
