from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .lead_sale import behind_sql, origin_sql
from .lead_sale_correction import is_left_alone_sql

# What was not reversed and invoiced again: of these two documents, the one that
# replaces the other counts. The credit note between them is in no run.
NOT_REPLACED = Domain("lead_credited", "=", False) | Domain(
    "lead_replacement_ids", "not any", [("state", "!=", "cancel")]
)


class AccountMove(models.Model):
    """What becomes of the leads of a document that was given back: they stay credited,
    are released to be billed again, or go onto its copy."""

    _inherit = "account.move"

    lead_replaces_id = fields.Many2one(
        "account.move",
        "Replaces",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The reversed document whose lead transactions this one bills instead.",
        groups="base.group_user",
    )
    lead_replacement_ids = fields.One2many(
        "account.move",
        "lead_replaces_id",
        "Replaced By",
        readonly=True,
        help="The documents that bill its lead transactions instead, since it was"
        " reversed.",
        groups="base.group_user",
    )

    def _update_returns_of_credited(self):
        """Waive the returns that still wait for sales on these documents where a
        reversal gave their money back already; and take that back where the sale is
        on live ground again."""
        if not self:
            return
        self.env.flush_all()
        # Which waiting returns and price corrections have a sale that is, or is no
        # longer, credited, and what rests on these? Waive them or take it back, and
        # keep that in the record.
        self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE origin AS (
                    SELECT sale.id, COALESCE(move.lead_credited, FALSE) AS credited
                      FROM lead_sale sale
                      LEFT JOIN account_move_line line
                           ON line.id = sale.invoice_line_id
                      LEFT JOIN account_move move ON move.id = line.move_id
                     WHERE sale.id IN (
                           SELECT behind.id FROM (%(behind)s) behind
                            WHERE behind.move_id IN %(moves)s)
                     UNION
                    SELECT sale.id, origin.credited
                      FROM origin
                      JOIN lead_sale sale ON sale.corrected_sale_id = origin.id
                     WHERE sale.invoice_line_id IS NULL AND NOT %(left_alone)s
                ), waiting AS (
                    SELECT back.id, origin.credited
                      FROM origin JOIN lead_sale back ON back.origin_id = origin.id
                     UNION
                    SELECT sale.id, origin.credited
                      FROM origin
                      JOIN lead_sale sale ON sale.corrected_sale_id = origin.id
                     WHERE NOT %(left_alone)s
                ), changed AS (
                    UPDATE lead_sale AS back
                       SET waived = origin.credited,
                           waived_by_credit = origin.credited,
                           reason = CASE WHEN origin.credited
                                         THEN COALESCE(back.reason, %(reason)s)
                                         ELSE NULLIF(back.reason, %(reason)s) END
                      FROM waiting origin
                     WHERE back.id = origin.id
                       AND back.invoice_line_id IS NULL
                       AND (back.waived_by_credit OR back.waived IS NOT TRUE)
                       AND COALESCE(back.waived_by_credit, FALSE) != origin.credited
                 RETURNING back.id, back.company_id, back.waived
                )
                INSERT INTO lead_sale_waiver
                    (sale_id, company_id, waived, reason, create_uid, create_date)
                SELECT id, company_id, waived,
                       CASE WHEN waived THEN %(reason)s ELSE %(undone)s END, %(uid)s,
                       %(now)s
                  FROM changed
             RETURNING id
                """,
                behind=behind_sql(),
                left_alone=is_left_alone_sql(),
                moves=tuple(self.ids),
                reason=self.env._("already credited"),
                undone=self.env._("no longer credited"),
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        self.env["lead.sale"].invalidate_model()

    def _check_lead_sales_claimed(self):
        """Refuse to post lead lines whose transactions were released.

        :raises UserError: naming the document, as posting it would bill leads that
            are on, or go onto, another document
        """
        lines = self.invoice_line_ids.filtered("lead_type_id")
        if not lines:
            return
        # Which of these lead lines still have transactions behind them, and which give
        # back what a reversal gave back?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id,
                       EXISTS (
                           SELECT FROM lead_sale sale
                             JOIN lead_sale origin ON origin.id = %(origin)s
                             JOIN account_move_line origin_line
                                  ON origin_line.id = origin.invoice_line_id
                             JOIN account_move move ON move.id = origin_line.move_id
                            WHERE sale.invoice_line_id = line.id
                              AND move.lead_credited
                              AND NOT EXISTS (
                                  SELECT FROM lead_sale half
                                    JOIN account_move_line half_line
                                         ON half_line.id = half.invoice_line_id
                                   WHERE half.corrected_sale_id = sale.corrected_sale_id
                                     AND half.id != sale.id
                                     AND half.transaction_type = 'return'
                                     AND half_line.move_id != line.move_id))
                  FROM account_move_line line
                 WHERE id IN %(lines)s AND EXISTS (
                       SELECT FROM lead_sale WHERE invoice_line_id = line.id)
                """,
                origin=origin_sql("sale"),
                lines=tuple(lines.ids),
            )
        )
        claimed = {line_id for line_id, _given_back in rows}
        given_back = {line_id for line_id, is_given_back in rows if is_given_back}
        for line in lines:
            if line.id in given_back:
                raise UserError(
                    self.env._(
                        "The leads of “%(line)s” on %(document)s have already been"
                        " credited by a credit note for their invoice. Delete this"
                        " line.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )
            if line.id not in claimed:
                raise UserError(
                    self.env._(
                        "The leads of “%(line)s” on %(document)s were released when it"
                        " was canceled, and will be billed elsewhere. Delete this line"
                        " or this document: its leads are on the buyer's next invoice.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )

    def _release_credited_lead_sales(self, reason):
        """Make the transactions of reversed documents unbilled again; an append-only
        record keeps where they were.

        :param reason: why they are to be billed again
        :raises UserError: for a document that no credit note gives back in full, or
            without a reason
        """
        self.env["lead.sale"]._check_waiver_reason(reason)
        documents = self._get_lead_documents_to_follow()
        documents._lock_lead_documents()
        for move in self:
            if not move.lead_credited:
                raise UserError(
                    self.env._(
                        "%s is not fully reversed: its leads are still billed on it."
                        " Create a credit note for it first.",
                        move.display_name,
                    )
                )
        returned = self._find_lead_sales_returned()
        self.env["lead.sale.release"]._log(self, reason, keep=returned)
        self.line_ids._release_lead_sales(keep=returned)
        documents._update_given_back()

    def _find_lead_sales_returned(self):
        """Return the ids of the sales on these documents of which returns gave back
        all: no reversal did, and nobody is to pay for them again."""
        # Of lines on whatever documents, only the ids of sales on these are told.
        lines = self.env["account.move.line"].sudo()
        for move in self.sudo():
            lines |= move._get_lead_return_lines()
        if not lines:
            return []
        self.env["lead.sale"].flush_model()
        # Of which sales on these documents did these lines give back all?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sale.id
                  FROM lead_sale back
                  JOIN lead_sale sale ON sale.id = back.origin_id
                  JOIN account_move_line line ON line.id = sale.invoice_line_id
                 WHERE back.invoice_line_id IN %s AND line.move_id IN %s
                 GROUP BY sale.id
                HAVING sum(back.price) >= sale.price
                """,
                tuple(lines.ids),
                tuple(self.ids),
            )
        )
        return [sale_id for (sale_id,) in rows]

    def _detach_lead_returns(self):
        """Let what was returned of these documents no longer count as given back of
        them.

        :return: {document: lines that give back its leads}
        """
        self._lock_lead_documents()
        returns = {move: move.lead_return_line_ids for move in self}
        # Whoever may reverse a document has its returns follow its leads.
        self.lead_return_line_ids.sudo().with_context(skip_invoice_sync=True).write(
            {"lead_origin_move_id": False}
        )
        return returns

    def _move_lead_sales_to(self, new_move, reason, returns):
        """Bill this reversed document's transactions on its copy, line by line.

        :param returns: lines of other documents that give back its leads
        :raises UserError: if this document was not reversed in full after all
        """
        self.ensure_one()
        if not self.lead_credited:
            raise UserError(
                self.env._(
                    "%s could not be fully reversed, so it cannot be invoiced again.",
                    self.display_name,
                )
            )
        self.env["lead.sale.release"]._log(self, reason)
        kinds = ("product", "line_section", "line_subsection", "line_note")
        old_lines = self.line_ids.filtered(lambda line: line.display_type in kinds)
        new_lines = new_move.line_ids.filtered(lambda line: line.display_type in kinds)
        for old, new in zip(old_lines, new_lines.sorted("id"), strict=True):
            old._give_lead_billing_to(new)
        # Whoever may reverse a document has its returns follow its leads.
        returns.sudo().with_context(skip_invoice_sync=True).write(
            {"lead_origin_move_id": new_move.id}
        )
        self._update_returns_of_credited()
