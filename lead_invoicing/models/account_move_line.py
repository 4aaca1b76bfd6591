from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.engine_fields import EngineGuard

# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {"lead_count", "lead_transaction_type", "lead_type_id"}
# What says on which document a lead line is, and whether that is live.
PLACE_FIELDS = {"company_id", "move_id", "parent_state"}


class AccountMoveLine(EngineGuard, models.Model):
    _inherit = "account.move.line"
    _lead_engine_fields = ENGINE_FIELDS

    lead_type_id = fields.Many2one(
        "lead.type",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    lead_transaction_type = fields.Selection(
        [("sale", "Leads purchased"), ("return", "Leads returned")],
        readonly=True,
        copy=False,
    )
    lead_count = fields.Integer(
        "Leads",
        readonly=True,
        copy=False,
        help="Number of leads behind this line; none for price adjustments.",
    )

    def write(self, vals):
        """Keep the lead lines where they are: their leads are billed there.

        :raises UserError: naming the line
        """
        if PLACE_FIELDS & vals.keys():
            self._check_lead_lines_stay(vals)
        return super().write(vals)

    def _check_lead_lines_stay(self, vals):
        for line in self.filtered("lead_type_id"):
            if any(
                line._fields[name].convert_to_write(line[name], line) != vals[name]
                for name in PLACE_FIELDS & vals.keys()
            ):
                raise UserError(
                    self.env._(
                        "“%(line)s” bills leads, and stays on %(document)s. Delete the"
                        " line there: its leads go onto the buyer's next invoice.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )

    def unlink(self):
        """Keep the record of what was in the books, for lines deleted from them."""
        in_books = self.filtered(
            lambda line: line.lead_type_id and line.move_id.lead_posted_at
        )
        # Whoever may delete the lines leaves this record.
        self.env["lead.sale.past.billing"].sudo()._log(in_books)
        return super().unlink()

    def _get_lead_amount(self):
        """Return what this lead line bills, before tax or including it as its price is:
        what is compared with the transactions behind it."""
        self.ensure_one()
        return self.quantity * self.price_unit * (1 - self.discount / 100)

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
