import math
from collections import defaultdict
from dataclasses import dataclass

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from odoo.addons.account.models.account_move import TYPE_REVERSE_MAP

# So many transactions are named on a document; all of them are in the ledger.
MAX_NAMES = 20


@dataclass
class LeftOut:
    """What was given back of a document before it is reversed."""

    line: models.Model  # of the document: the lead; of a credit note: all of the line
    document: models.Model  # that gave it back
    amount: float
    whole: bool  # a lead returned, not a price adjustment; a line credited, not undone
    name: str  # the reference of the sale


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
        groups="base.group_user",
    )
    lead_credited = fields.Boolean(
        compute="_compute_lead_credited",
        store=True,
        recursive=True,
        help="Reversed, and nothing of it is left to give back: its transactions count"
        " as credited and are not billed again.",
        groups="base.group_user",
    )

    lead_return_line_ids = fields.One2many(
        "account.move.line",
        "lead_origin_move_id",
        help="Lines of other documents that give back leads which this one billed.",
        groups="base.group_user",
    )

    @api.depends(
        "lead_run_id",
        "amount_total",
        "currency_id",
        "commercial_partner_id",
        "reversal_move_ids.state",
        "reversal_move_ids.amount_total",
        "reversal_move_ids.currency_id",
        "reversal_move_ids.commercial_partner_id",
        "reversal_move_ids.lead_run_id",
        "reversal_move_ids.reversal_move_ids.state",
        "reversal_move_ids.reversal_move_ids.amount_total",
        "lead_return_line_ids.parent_state",
        "lead_return_line_ids.price_total",
        "lead_return_line_ids.move_id.lead_credited",
    )
    def _compute_lead_credited(self):
        for move in self:
            move.lead_credited = move._is_lead_credited_after()

    def _auto_init(self):
        # No document is credited when the addon comes: nothing to compute for years
        # of invoices.
        if not column_exists(self.env.cr, "account_move", "lead_credited"):
            create_column(self.env.cr, "account_move", "lead_credited", "boolean")
        return super()._auto_init()

    # What was given back of a document

    def _is_lead_credited_after(self, posting=()):
        """Tell whether this is reversed, and nothing of it is left to give back.

        :param posting: documents that count as if they were posted
        """
        # Not by payment state: an invoice that was paid and then reversed stays
        # paid. What returns alone gave back was returned, not credited.
        self.ensure_one()
        return bool(
            self.lead_run_id
            and any(
                reversal._is_lead_reversal_standing(posting)
                for reversal in self._get_lead_reversals(posting)
            )
            and not self._has_lead_amount_left(posting)
        )

    def _get_lead_reversals(self, posting=()):
        """Return the credit notes that people made of this document, or what they
        made to undo this credit note: in the books, in its currency, for its buyer.

        Credit notes that runs make for returns bill those returns.

        :param posting: documents that count as if they were posted
        """
        self.ensure_one()
        return self.reversal_move_ids.filtered(
            lambda reversal: (
                reversal._is_in_lead_books(posting)
                and not reversal.lead_run_id
                and reversal.move_type == TYPE_REVERSE_MAP[self.move_type]
                and reversal.currency_id == self.currency_id
                and reversal.commercial_partner_id == self.commercial_partner_id
            )
        )

    def _is_in_lead_books(self, posting=()):
        """Tell whether this is posted.

        :param posting: documents that count as if they were posted
        """
        self.ensure_one()
        return self.state == "posted" or self in posting

    def _get_lead_standing_amount(self, posting=()):
        """Return what reversals leave of this document, tax included: below zero, for
        one that is not in the books itself."""
        self.ensure_one()
        amount = self.amount_total if self._is_in_lead_books(posting) else 0.0
        return amount - sum(
            reversal._get_lead_standing_amount(posting)
            for reversal in self._get_lead_reversals(posting)
        )

    def _is_lead_reversal_standing(self, posting=()):
        """Tell whether something of this credit note was not undone.

        :param posting: documents that count as if they were posted
        """
        return not self._get_lead_reversals(posting) or not self.currency_id.is_zero(
            self._get_lead_standing_amount(posting)
        )

    def _get_lead_return_lines(self, posting=()):
        """Return the lines of other documents that give back leads of this one, and
        were not taken back themselves.

        :param posting: documents that count as if they were posted
        """
        self.ensure_one()
        return self.lead_return_line_ids.filtered(
            lambda line: (
                line.move_id._is_in_lead_books(posting)
                and line.move_id != self
                and not (
                    line.move_id._is_lead_credited_after(posting)
                    if posting
                    else line.move_id.lead_credited
                )
            )
        )

    def _get_lead_amount_left(self, posting=()):
        """Return what is left to give back of this document, tax included: its total
        less what reversals and returns gave back. Below zero, that was too much.

        :param posting: documents that count as if they were posted
        :return: (the amount, by how much taxes and cash that are rounded on each
            document may blur it)
        """
        self.ensure_one()
        lines = self._get_lead_return_lines(posting)
        sign = -1 if self.move_type == "out_refund" else 1
        left = self._get_lead_standing_amount(posting) - sign * sum(
            line.price_total * (1 if line.move_id.move_type == "out_refund" else -1)
            for line in lines
        )
        blur = self.currency_id.rounding * len(lines) + sum(
            (self | lines.move_id).invoice_cash_rounding_id.mapped("rounding")
        )
        return left, blur

    def _has_lead_amount_left(self, posting=()):
        """Tell whether something of this document can still be given back."""
        left, blur = self._get_lead_amount_left(posting)
        return self.currency_id.compare_amounts(left, blur) > 0

    def _get_lead_documents_given_back(self):
        """Return the lead documents that these give back, or restore: which they
        reverse, directly or not, or whose leads they return."""
        given_back = moves = self
        while moves := moves.reversed_entry_id - given_back:
            given_back |= moves
        origins = given_back.line_ids.lead_origin_move_id
        # What gives back a return restores the sale of that return.
        while more := origins.line_ids.lead_origin_move_id - origins:
            origins |= more
        return ((given_back - self) | origins).filtered("lead_run_id")

    def _get_lead_documents_to_follow(self):
        """Return the lead documents that something changes for when these leave the
        books, or are deleted: themselves, what they give back, and those whose
        returns are on them."""
        moves = self._get_lead_documents_given_back()
        for origin in self.line_ids._find_lead_origins().values():
            moves |= origin
        return moves | self.filtered("lead_run_id")

    def _get_lead_run(self):
        """Return the run that made this document, or the one that it gives back."""
        self.ensure_one()
        moves = self._get_lead_documents_given_back()
        return self.lead_run_id or moves.lead_run_id[:1]

    def _link_lead_returns(self):
        """Note on the lines of these drafts which document's leads they give back, as
        the ledger has it now."""
        for line, origin in self.line_ids._find_lead_origins().items():
            if origin != line.lead_origin_move_id:
                # Whoever may post the document has this noted.
                line.sudo().with_context(
                    skip_invoice_sync=True
                ).lead_origin_move_id = origin

    # Decisions that must meet

    def _lock_lead_documents(self):
        """Let only one transaction at a time decide what becomes of these documents:
        what is given back of them, and who bills their leads.

        PostgreSQL shows each transaction the books as they were when it began. Two
        that decide on one document would not see each other; as both write this row,
        the second is repeated, and sees what the first did. It is a row that sending
        and paying do not write.
        """
        if not self:
            return
        # Write the first lead line of each of these documents, as it is.
        self.env.execute_query(
            SQL(
                """
                UPDATE account_move_line SET lead_count = lead_count
                 WHERE id IN (SELECT min(id) FROM account_move_line
                               WHERE move_id IN %s AND lead_type_id IS NOT NULL
                               GROUP BY move_id)
             RETURNING id
                """,
                tuple(self.ids),
            )
        )

    def _update_given_back(self):
        """Follow what has changed in what was given back of these documents."""
        self.env.add_to_compute(self._fields["lead_credited"], self)
        self._update_returns_of_credited()

    def _check_lead_documents_free(self):
        """Refuse to take back what others rely on: a document of which something was
        given back, and what gave back leads that were released and billed again.

        :raises UserError: naming the other document
        """
        for move in self.sudo().filtered(
            lambda move: move.lead_run_id or move._get_lead_documents_given_back()
        ):
            reversals = move._get_lead_reversals() - self
            if reversals := reversals.filtered(
                lambda reversal: reversal._is_lead_reversal_standing()
            ):
                raise UserError(
                    self.env._(
                        "%(document)s is reversed by %(reversal)s: its leads would be"
                        " given away. Reverse the credit note, or set it to draft"
                        " first.",
                        document=move.display_name,
                        reversal=", ".join(reversals.mapped("display_name")),
                    )
                )
            move._check_lead_returns_free(self)
        documents = self.reversed_entry_id | self.line_ids.lead_origin_move_id
        documents._check_lead_sales_not_released()

    def _check_lead_undoing(self):
        """Refuse to post what undoes a credit note, or a return, of leads that were
        released and billed again.

        :raises UserError: naming the document
        """
        undone = self.reversed_entry_id
        documents = undone.reversed_entry_id
        for move in undone.filtered("lead_run_id"):
            origins = move.line_ids.lead_origin_move_id
            if origins and not move.sudo()._has_lead_amount_left(self):
                documents |= origins
        documents._check_lead_sales_not_released()

    def _check_lead_returns_free(self, together=()):
        """Refuse to take back a document whose leads were given back on others.

        :param together: the documents that are taken back together
        :raises UserError: naming the other document
        """
        for move in self:
            returned_on = move._get_lead_return_lines().move_id
            if returned_on := returned_on.filtered(lambda other: other not in together):
                raise UserError(
                    self.env._(
                        "Leads of %(document)s were given back on %(others)s: without"
                        " it, they would be given away. Set %(others)s to draft first,"
                        " or correct %(document)s by a credit note.",
                        document=move.display_name,
                        others=", ".join(returned_on.mapped("display_name")),
                    )
                )

    def _check_lead_sales_not_released(self):
        """Refuse to undo what gave back leads of these that were released since.

        :raises UserError: naming the document
        """
        documents = self.filtered("lead_run_id")
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

    def _get_lead_amounts_left(self):
        """Return what is left to give back of each document that these give back, or
        restore.

        :return: {document: (amount, by how much it may be blurred)}
        """
        documents = self.sudo()._get_lead_documents_given_back() - self
        return {move: move._get_lead_amount_left() for move in documents}

    def _check_lead_amounts_left(self, before):
        """Refuse to take back what undoes a credit note, where the document was given
        back by others since.

        :param before: what was left to give back of each document
        :raises UserError: naming the document
        """
        for document, (left_before, _blur) in before.items():
            left, blur = document._get_lead_amount_left()
            compare = document.currency_id.compare_amounts
            if compare(left, -blur) >= 0 or compare(left, left_before) >= 0:
                continue
            names = {
                "names": ", ".join(self.mapped("display_name")),
                "excess": document.currency_id.format(-left),
                "document": document.display_name,
            }
            if document._is_in_lead_books():
                raise UserError(
                    self.env._(
                        "Without %(names)s, %(excess)s more than the total of"
                        " %(document)s would be given back. Take back first what gave"
                        " it back since.",
                        **names,
                    )
                )
            raise UserError(
                self.env._(
                    "Without %(names)s, %(excess)s of %(document)s would be given"
                    " back, which is not in the books. Leave it as it is.",
                    **names,
                )
            )

    def _keep_lead_excess(self):
        """Keep those of these documents as drafts, to be reviewed, that would give
        back more than was billed.

        :return: the documents that are kept
        """
        kept = self.browse()
        for move, sentences in self._get_lead_excess().items():
            kept |= move
            reason = "\n".join(sentences)
            if move.lead_review_reason != reason:
                move._set_lead_review(reason)
        return kept

    def _get_lead_excess(self):
        """Say which of these drafts would give back more than was billed, if all were
        posted.

        :return: {move: list of sentences for the clerk}
        """
        reasons = defaultdict(list)
        # Who may post a document need not see the others that decide on it.
        moves = self.sudo()
        for move, others in moves.line_ids._find_unbilled_lead_origins(moves).items():
            reasons[self.browse(move.id)].append(
                self.env._(
                    "Leads are given back that are not billed yet: %s. Post their"
                    " invoice first.",
                    others,
                )
            )
        for move in moves:
            for document in move._get_lead_documents_given_back():
                without, _blur = document._get_lead_amount_left(moves - move)
                left, _blur = document._get_lead_amount_left(moves)
                # What restores something of a document is not what is too much.
                if document.currency_id.compare_amounts(left, without) < 0 and (
                    sentence := document._get_lead_excess_sentence(moves)
                ):
                    reasons[self.browse(move.id)].append(sentence)
        for move in moves:
            reversed_move = move.reversed_entry_id
            if not reversed_move.reversed_entry_id.lead_run_id or (
                move not in reversed_move._get_lead_reversals(moves)
            ):
                continue
            standing = reversed_move._get_lead_standing_amount(moves)
            if reversed_move.currency_id.compare_amounts(standing, 0.0) < 0:
                reasons[self.browse(move.id)].append(
                    self.env._(
                        "This is %(excess)s more than is left of %(document)s.",
                        excess=reversed_move.currency_id.format(-standing),
                        document=reversed_move.display_name,
                    )
                )
        return dict(reasons)

    def _get_lead_excess_sentence(self, posting):
        """Say by how much more than its total this document would be given back, empty
        where it would not.

        :param posting: documents that count as if they were posted
        """
        self.ensure_one()
        left, blur = self._get_lead_amount_left(posting)
        reversals = self._get_lead_reversals(posting)
        if not reversals:
            # Its total is what others' leads, returned on it, left of its own: each of
            # these can be returned as well.
            left += self._get_lead_amount_netted()
        if self.currency_id.compare_amounts(left, -blur) >= 0:
            return ""
        if not self._is_in_lead_books(posting):
            return self.env._(
                "%s is not in the books: nothing of it can be given back. Confirm it"
                " first, or delete this draft.",
                self.display_name,
            )
        returned_on = self._get_lead_return_lines(posting).move_id
        return self.env._(
            "%(excess)s more than the total of %(document)s, %(total)s, would be given"
            " back, by %(others)s. Lower this document, or take back another one.",
            excess=self.currency_id.format(-left),
            document=self.display_name,
            total=self.currency_id.format(self.amount_total),
            others=", ".join((reversals | returned_on).mapped("display_name")),
        )

    def _get_lead_amount_netted(self):
        """Return what this invoice gives back of other documents' leads, tax included,
        which is off its total."""
        self.ensure_one()
        if self.move_type != "out_invoice":
            return 0.0
        lines = self.line_ids.filtered("lead_origin_move_id")
        return -sum(lines.mapped("price_total"))

    # Reversing

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """Refuse to reverse lead documents of which nothing is left to give back.

        :raises UserError: naming the document and what gave it back
        """
        for move in self.sudo().filtered("lead_run_id"):
            others = move._get_lead_reversals() | move._get_lead_return_lines().move_id
            if others and not move._has_lead_amount_left():
                raise UserError(
                    self.env._(
                        "Nothing of %(document)s is left to give back: %(others)s gave"
                        " it back already. To bill its leads again, release them.",
                        document=move.display_name,
                        others=", ".join(others.mapped("display_name")),
                    )
                )
        return super()._reverse_moves(default_values_list, cancel)

    def copy_data(self, default=None):
        """Leave out of a reversal what was given back already, and say so on it."""
        vals_list = super().copy_data(default)
        for move, vals in zip(self, vals_list, strict=True):
            is_reversal = (default or {}).get("reversed_entry_id") == move.id
            if not is_reversal or not move.lead_run_id:
                continue
            left_out = move.sudo()._get_lead_left_out()
            if left_out:
                vals["line_ids"] = move._prepare_lead_reversal_lines(left_out)
                vals["narration"] = Markup("%s<p>%s</p>") % (
                    Markup(vals.get("narration") or ""),
                    move._get_lead_left_out_note(left_out),
                )
        return vals_list

    def _get_copy_message_content(self, default):
        message = super()._get_copy_message_content(default)
        is_reversal = default.get("reversed_entry_id") == self.id
        left_out = is_reversal and self.lead_run_id and self.sudo()._get_lead_left_out()
        if left_out:
            note = self._get_lead_left_out_note(left_out)
            message = Markup("%s<br/>%s") % (message, note)
        return message

    def _get_lead_left_out(self):
        """Return what a reversal of this document leaves out, as it was given back.

        :return: list of :class:`LeftOut`
        """
        self.ensure_one()
        lines = self._get_lead_return_lines()
        self.env["lead.sale"].flush_model()
        # Which returns gave back sales on this document, in the books?
        rows = (
            self.env.execute_query(
                SQL(
                    """
                    SELECT origin.invoice_line_id, back.invoice_line_id, back.price,
                           back.price_adjustment IS TRUE, origin.external_ref
                      FROM lead_sale back
                      JOIN lead_sale origin ON origin.id = back.origin_id
                      JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                     WHERE back.invoice_line_id IN %s AND origin_line.move_id = %s
                     ORDER BY back.id
                    """,
                    tuple(lines.ids),
                    self.id,
                )
            )
            if lines
            else []
        )
        left_out = [
            LeftOut(
                line=lines.browse(origin_line_id),
                document=lines.browse(line_id).move_id,
                amount=float(price),
                whole=not adjustment,
                name=external_ref,
            )
            for origin_line_id, line_id, price, adjustment, external_ref in rows
        ]
        return left_out + self._get_lead_credited_lines()

    def _get_lead_credited_lines(self, sign=1):
        """Return the lines of the credit notes of this document, less those that undo
        them, as what a reversal leaves out.

        :param sign: -1 for what undoes a credit note
        """
        left_out = []
        for reversal in self._get_lead_reversals():
            left_out += [
                LeftOut(
                    line=line,
                    document=reversal,
                    amount=sign * line.price_total,
                    whole=sign > 0,
                    name="",
                )
                for line in reversal.invoice_line_ids
                if line.display_type == "product"
            ]
            left_out += reversal._get_lead_credited_lines(-sign)
        return left_out

    def _prepare_lead_reversal_lines(self, left_out):
        """Return the lines of a reversal of this document that leaves something out.

        A lead that was returned at the price of its line is taken off the quantity, so
        that taxes by quantity are right, too. The rest gets lines of its own.

        :param left_out: list of :class:`LeftOut`
        """
        self.ensure_one()
        kinds = ("product", "line_section", "line_subsection", "line_note")
        commands = []
        extra = [entry for entry in left_out if entry.line.move_id != self]
        for line in self.invoice_line_ids.filtered(
            lambda line: line.display_type in kinds
        ):
            own = [entry for entry in left_out if entry.line == line]
            vals = self._copy_lead_line(line)
            for entry in own:
                is_one = line.currency_id.compare_amounts(entry.amount, line.price_unit)
                if entry.whole and is_one == 0 and vals["quantity"]:
                    vals["quantity"] -= math.copysign(1, vals["quantity"])
                elif abs(vals["quantity"]) == 1:
                    vals["price_unit"] = line.currency_id.round(
                        vals["price_unit"] - entry.amount
                    )
                else:
                    extra.append(entry)
            if not own or (vals["quantity"] and vals["price_unit"]):
                commands.append(Command.create(vals))
        commands += [
            Command.create(self._prepare_lead_left_out_line(entry)) for entry in extra
        ]
        return commands

    def _prepare_lead_left_out_line(self, entry):
        """Return the values of a line that takes off a reversal what was given back."""
        vals = self._copy_lead_line(entry.line)
        if entry.line.move_id == self:
            vals["quantity"] = -math.copysign(1, vals["quantity"])
            vals["price_unit"] = entry.amount
        elif entry.whole:
            vals["quantity"] = -vals["quantity"]
        vals["name"] = self.env._(
            "%(line)s: given back before, by %(document)s",
            line=entry.line.name or "",
            document=entry.document.name,
        )
        vals["sequence"] = self.invoice_line_ids[-1:].sequence + 1
        return vals

    def _copy_lead_line(self, line):
        """Return the values of a line like this one."""
        vals = line.with_context(include_business_fields=True).copy_data()[0]
        return {name: value for name, value in vals.items() if name != "move_id"}

    def _get_lead_left_out_note(self, left_out):
        """Return the sentence, in the buyer's language, that names what a reversal of
        this document leaves out.

        :param left_out: list of :class:`LeftOut`
        """
        self.ensure_one()
        translated = self.with_context(lang=self.partner_id.lang or self.env.lang)
        parts = []
        for document in dict.fromkeys(entry.document for entry in left_out):
            entries = [entry for entry in left_out if entry.document == document]
            names = [entry.name for entry in entries if entry.name]
            amount = self.currency_id.format(sum(entry.amount for entry in entries))
            part = f"{document.name}: {amount}"
            if names:
                more = "…" if len(names) > MAX_NAMES else ""
                part += f" ({', '.join(names[:MAX_NAMES])}{more})"
            parts.append(part)
        return translated.env._(
            "Left out, as it was given back before: %s.", "; ".join(parts)
        )

    # Returns that wait

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
        documents = self._get_lead_documents_to_follow()
        documents._lock_lead_documents()
        for move in self:
            if not move.lead_credited:
                raise UserError(
                    self.env._(
                        "%s is not reversed in full: its leads are still billed on it."
                        " Make a credit note for it first.",
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
                    "%s could not be reversed in full, so that it cannot be invoiced"
                    " again.",
                    self.display_name,
                )
            )
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
                        "lead_origin_move_id": old.lead_origin_move_id.id,
                    }
                )
                old._release_lead_sales(to_line=new)
        # Whoever may reverse a document has its returns follow its leads.
        returns.sudo().with_context(skip_invoice_sync=True).write(
            {"lead_origin_move_id": new_move.id}
        )
        self._update_returns_of_credited()
