from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.protected_fields import EngineGuard, changes

# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {
    "lead_billed_charge_id",
    "lead_charge_id",
    "lead_corrects",
    "lead_count",
    "lead_origin_move_id",
    "lead_statement_id",
    "lead_transaction_type",
    "lead_type_id",
}
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
        help="Number of leads behind this line; zero for price adjustments and price"
        " corrections.",
        groups="base.group_user",
    )
    lead_corrects = fields.Boolean(
        "Price Corrections",
        readonly=True,
        copy=False,
        help="Half of price corrections: the prices before are credited on one line,"
        " the new ones charged on another. Buyers read both as one.",
        groups="base.group_user",
    )
    lead_origin_move_id = fields.Many2one(
        "account.move",
        "Credits Leads Of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The document that billed the leads that this line credits.",
        groups="base.group_user",
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
            if changes(line, vals, PLACE_FIELDS):
                raise UserError(
                    self.env._(
                        "“%(line)s” bills leads and cannot be moved from %(document)s."
                        " Delete the line there, and its leads will go on the buyer's"
                        " next invoice.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )

    def unlink(self):
        """Keep the record of what was in the books, for lines deleted from them.

        :raises UserError: for leads that were given back by others, and for what others
            rely on
        """
        lead_lines = self.filtered("lead_type_id")
        moves = lead_lines.move_id
        # In a certain context Odoo deletes what is posted: that takes it back.
        posted = self.filtered(
            lambda line: (
                line.parent_state == "posted" and line.display_type == "product"
            )
        ).move_id.filtered(lambda move: move._is_about_leads())
        posted._check_lead_documents_free()
        left = posted._get_lead_amounts_left()
        # Whoever may delete the lines is told what keeps them.
        moves.sudo()._check_lead_returns_free()
        in_books = lead_lines.filtered("move_id.lead_posted_at")
        # Whoever may delete the lines leaves this record.
        self.env["lead.sale.past.billing"].sudo()._log(in_books)
        freed = posted._get_lead_documents_given_back()
        for origin in lead_lines._find_lead_origins().values():
            freed |= origin
        freed._lock_lead_documents()
        res = super().unlink()
        (freed - moves)._update_given_back()
        posted._check_lead_amounts_left(left)
        return res

    def _get_lead_amount(self):
        """Return what this lead line bills, before tax or including it as its price is:
        what is compared with the transactions behind it."""
        self.ensure_one()
        return self.quantity * self.price_unit * (1 - self.discount / 100)

    def _find_lead_origins(self):
        """Return which document billed the sales that are given back on each of these
        lines, where it is another document than the line's.

        :return: {line: document}; the first one, should there be several
        """
        lines = self.filtered(lambda line: line.lead_transaction_type == "return")
        if not lines:
            return {}
        self.env["lead.sale"].flush_model(["invoice_line_id", "origin_id"])
        # On which other document is the sale of each return on these lines?
        return {
            lines.browse(line_id): self.env["account.move"].browse(move_id)
            for line_id, move_id in self.env.execute_query(
                SQL(
                    """
                    SELECT line.id, min(origin_line.move_id)
                      FROM account_move_line line
                      JOIN lead_sale back ON back.invoice_line_id = line.id
                      JOIN lead_sale origin ON origin.id = back.origin_id
                      JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                          AND origin_line.move_id != line.move_id
                     WHERE line.id IN %s
                     GROUP BY line.id
                    """,
                    tuple(lines.ids),
                )
            )
        }

    def _find_unbilled_lead_origins(self, posting):
        """Return the sales that are given back on these lines and are on no document
        in the books.

        :param posting: documents that count as if they were posted
        :return: {document: references of sales, separated by commas}
        """
        lines = self.filtered(lambda line: line.lead_transaction_type == "return")
        if not lines:
            return {}
        self.env["lead.sale"].flush_model()
        # Which sales of returns on these lines are billed nowhere? What was billed
        # before there were these books is waived, and its returns are billed.
        return {
            self.env["account.move"].browse(move_id): ", ".join(names)
            for move_id, names in self.env.execute_query(
                SQL(
                    """
                    SELECT line.move_id,
                           (array_agg(DISTINCT origin.external_ref))[1:3]
                      FROM account_move_line line
                      JOIN lead_sale back ON back.invoice_line_id = line.id
                      JOIN lead_sale origin ON origin.id = back.origin_id
                      LEFT JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                     WHERE line.id IN %(lines)s
                       AND origin.waived IS NOT TRUE
                       AND (origin_line.id IS NULL
                            OR origin_line.parent_state != 'posted'
                               AND origin_line.move_id NOT IN %(posting)s)
                     GROUP BY line.move_id
                    """,
                    lines=tuple(lines.ids),
                    posting=tuple(posting.ids),
                )
            )
        }

    def _give_lead_billing_to(self, new):
        """Bill on its copy what this line of a reversed document billed.

        :param new: the line of the document that replaces it
        """
        self.ensure_one()
        if self.lead_type_id:
            # The copy of a document bills what the document did.
            new.sudo().write(
                {
                    "lead_type_id": self.lead_type_id.id,
                    "lead_transaction_type": self.lead_transaction_type,
                    "lead_count": self.lead_count,
                    "lead_corrects": self.lead_corrects,
                    "lead_origin_move_id": self.lead_origin_move_id.id,
                }
            )
            self._release_lead_sales(to_line=new)

    def _release_lead_sales(self, to_line=None, keep=()):
        """Make the transactions billed on these lines unbilled again, or bill them on
        another line. For lines that are deleted the database itself does it.

        :param to_line: the line that bills them instead
        :param keep: ids of transactions that stay
        """
        if not self.ids:
            return
        # Which transactions are billed on these lines?
        self.env.execute_query(
            SQL(
                """
                UPDATE lead_sale SET invoice_line_id = %s
                 WHERE invoice_line_id IN %s AND id != ALL(%s)
             RETURNING id
                """,
                to_line.id if to_line else None,
                tuple(self.ids),
                list(keep),
            )
        )
        self.env["lead.sale"].invalidate_model()
