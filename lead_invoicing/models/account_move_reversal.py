from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column


class AccountMove(models.Model):
    """What of a document was given back, and what that means for its leads."""

    _inherit = "account.move"

    lead_replaces_id = fields.Many2one(
        "account.move",
        "Replaces",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The reversed document whose lead transactions this one bills instead.",
    )
    lead_credited = fields.Boolean(
        compute="_compute_lead_credited",
        store=True,
        help="Credit notes give the whole document back: its transactions count as"
        " credited and are not billed again.",
    )

    @api.depends(
        "lead_run_id",
        "amount_total",
        "reversal_move_ids.state",
        "reversal_move_ids.amount_total",
        "reversal_move_ids.lead_run_id",
        "reversal_move_ids.reversal_move_ids.state",
        "reversal_move_ids.reversal_move_ids.amount_total",
    )
    def _compute_lead_credited(self):
        # Not by payment state: an invoice that was paid and then reversed stays
        # paid. Credit notes that runs make for returns bill those returns; they do
        # not take the document itself back. A credit note can be reversed, too.
        for move in self:
            reversals = move.reversal_move_ids.filtered(
                lambda r: r.state == "posted" and not r.lead_run_id
            )
            undone = reversals.reversal_move_ids.filtered(lambda r: r.state == "posted")
            given_back = sum(reversals.mapped("amount_total")) - sum(
                undone.mapped("amount_total")
            )
            move.lead_credited = (
                bool(move.lead_run_id and reversals)
                and move.currency_id.compare_amounts(given_back, move.amount_total) >= 0
            )

    def _auto_init(self):
        # No document is credited when the addon comes: nothing to compute for years
        # of invoices.
        if not column_exists(self.env.cr, "account_move", "lead_credited"):
            create_column(self.env.cr, "account_move", "lead_credited", "boolean")
        return super()._auto_init()

    def _get_reversed_lead_documents(self):
        """Return the lead documents that these credit notes, or the reversals of
        credit notes, give back or restore."""
        reversed_moves = self.reversed_entry_id
        reversed_moves |= reversed_moves.reversed_entry_id
        return reversed_moves.filtered("lead_run_id")

    def _check_lead_sales_not_billed_again(self):
        """Refuse to undo credit notes of documents whose leads were released since.

        :raises UserError: naming the document
        """
        documents = self.reversed_entry_id.filtered("lead_run_id")
        if not documents:
            return
        # Only whether there is a record is told, to whoever holds the document.
        releases = self.env["lead.sale.release"].sudo()
        release = releases.search([("invoice_id", "in", documents.ids)], limit=1)
        if release:
            raise UserError(
                self.env._(
                    "The leads of %s were released to be billed again: its credit note"
                    " has to stay as it is.",
                    release.invoice_id.display_name,
                )
            )

    def _update_returns_of_credited(self):
        """Waive the returns that still wait for sales on these documents where a
        reversal gave their money back already; and take that back where the sale is
        on live ground again."""
        if not self:
            return
        self.env.flush_all()
        # Which waiting returns have a sale that is, or is no longer, credited? Waive
        # them or take it back, and keep that in the record.
        self.env.execute_query(
            SQL(
                """
                WITH changed AS (
                    UPDATE lead_sale AS back
                       SET waived = origin.credited,
                           waived_by_credit = origin.credited,
                           reason = CASE WHEN origin.credited
                                         THEN COALESCE(back.reason, %(reason)s)
                                         ELSE NULLIF(back.reason, %(reason)s) END
                      FROM (SELECT sale.id,
                                   COALESCE(move.lead_credited, FALSE) AS credited
                              FROM lead_sale sale
                              LEFT JOIN account_move_line line
                                   ON line.id = sale.invoice_line_id
                              LEFT JOIN account_move move ON move.id = line.move_id
                             WHERE line.move_id IN %(moves)s
                                OR sale.id IN (SELECT sale_id FROM lead_sale_release
                                                WHERE invoice_id IN %(moves)s)) origin
                     WHERE back.origin_id = origin.id
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
                       line.lead_transaction_type = 'return' AND EXISTS (
                           SELECT FROM lead_sale sale
                             JOIN lead_sale origin ON origin.id = sale.origin_id
                             JOIN account_move_line origin_line
                                  ON origin_line.id = origin.invoice_line_id
                             JOIN account_move move ON move.id = origin_line.move_id
                            WHERE sale.invoice_line_id = line.id
                              AND move.lead_credited)
                  FROM account_move_line line
                 WHERE id IN %s AND EXISTS (
                       SELECT FROM lead_sale WHERE invoice_line_id = line.id)
                """,
                tuple(lines.ids),
            )
        )
        claimed = {line_id for line_id, _given_back in rows}
        given_back = {line_id for line_id, is_given_back in rows if is_given_back}
        for line in lines:
            if line.id in given_back:
                raise UserError(
                    self.env._(
                        "Leads of “%(line)s” on %(document)s were given back already,"
                        " by a credit note of their invoice. Delete this line.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )
            if line.id not in claimed:
                raise UserError(
                    self.env._(
                        "The leads of “%(line)s” on %(document)s were released when it"
                        " was cancelled, and are billed elsewhere. Delete this line or"
                        " this document: its leads are on the buyer's next invoice.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )

    def _release_credited_lead_sales(self, reason):
        """Make the transactions of reversed documents unbilled again; an append-only
        record keeps where they were.

        :param reason: why they are to be billed again
        :raises UserError: for a document that no credit note gives back in full
        """
        for move in self:
            if not move.lead_credited:
                raise UserError(
                    self.env._(
                        "%s is not reversed in full: its leads are still billed on it."
                        " Make a credit note for it first.",
                        move.display_name,
                    )
                )
        self.env["lead.sale.release"]._log(self, reason)
        self.line_ids._release_lead_sales()
        self._update_returns_of_credited()

    def _move_lead_sales_to(self, new_move, reason):
        """Bill this reversed document's transactions on its copy, line by line."""
        self.ensure_one()
        self.env["lead.sale.release"]._log(self, reason)
        kinds = ("product", "line_section", "line_subsection", "line_note")
        old_lines = self.line_ids.filtered(lambda line: line.display_type in kinds)
        new_lines = new_move.line_ids.filtered(lambda line: line.display_type in kinds)
        for old, new in zip(old_lines, new_lines.sorted("id"), strict=True):
            if old.lead_type_id:
                # The copy of a document bills what the document did.
                new.sudo().write(
                    {
                        "lead_type_id": old.lead_type_id.id,
                        "lead_transaction_type": old.lead_transaction_type,
                        "lead_count": old.lead_count,
                    }
                )
                old._release_lead_sales(to_line=new)
        self._update_returns_of_credited()
