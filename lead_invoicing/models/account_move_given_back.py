from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.sql import column_exists, create_column

from odoo.addons.account.models.account_move import TYPE_REVERSE_MAP

from ..recording.ledger_gateway import hold_documents_sql


class AccountMove(models.Model):
    """What was given back of a document: never more than it billed, whoever decides."""

    _inherit = "account.move"

    lead_credited = fields.Boolean(
        compute="_compute_lead_credited",
        store=True,
        recursive=True,
        help="Reversed, with nothing left to credit: its transactions count as"
        " credited and are not billed again.",
        groups="base.group_user",
    )

    lead_return_line_ids = fields.One2many(
        "account.move.line",
        "lead_origin_move_id",
        help="Lines of other documents that credit leads billed on this one.",
        groups="base.group_user",
    )

    @api.depends(
        "lead_run_id",
        "amount_total",
        "currency_id",
        "commercial_partner_id",
        "partner_id",
        "reversal_move_ids.state",
        "reversal_move_ids.amount_total",
        "reversal_move_ids.currency_id",
        "reversal_move_ids.commercial_partner_id",
        "reversal_move_ids.partner_id",
        "reversal_move_ids.lead_run_id",
        "reversal_move_ids.reversal_move_ids.state",
        "reversal_move_ids.reversal_move_ids.amount_total",
        "lead_return_line_ids.currency_id",
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
                and reversal._is_for_lead_buyer_of(self)
            )
        )

    def _is_for_lead_buyer_of(self, document):
        """Tell whether this has the buyer of a document: the same customer, whoever
        that contact has belonged to since, or one of the same commercial entity today.
        Odoo keeps on each document whom its customer belonged to."""
        self.ensure_one()
        buyers = (self | document).commercial_partner_id.commercial_partner_id
        return self.partner_id == document.partner_id or len(buyers) == 1

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
        # A draft's currency may be changed; what is in another one cannot be compared.
        lines = self._get_lead_return_lines(posting).filtered(
            lambda line: line.currency_id == self.currency_id
        )
        returned = sum(
            line.move_id._get_lead_sign() * line.price_total for line in lines
        )
        left = self._get_lead_standing_amount(posting)
        left += self._get_lead_sign() * returned
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

    def _lock_lead_documents(self):
        """Let only one transaction at a time decide what becomes of these documents:
        what is given back of them, and who bills their leads.

        The second is repeated, and sees what the first did. It is a row that sending
        and paying do not write.
        """
        if self:
            self.env.execute_query(hold_documents_sql(tuple(self.ids)))

    def _update_given_back(self):
        """Follow what has changed in what was given back of these documents."""
        self.env.add_to_compute(self._fields["lead_credited"], self)
        self._update_returns_of_credited()
        self._end_lead_delivery_of_credited()

    def _check_lead_documents_free(self):
        """Refuse to take back what others rely on: a document of which something was
        given back, and what gave back leads that were released and billed again.

        :raises UserError: naming the other document
        """
        # Whoever may take a document back is told which other one keeps it.
        for move in self.sudo().filtered(
            lambda move: move.lead_run_id or move._get_lead_documents_given_back()
        ):
            reversals = move._get_lead_reversals() - self
            if reversals := reversals.filtered(
                lambda reversal: reversal._is_lead_reversal_standing()
            ):
                raise UserError(
                    self.env._(
                        "%(document)s has been reversed by %(reversal)s. Canceling or"
                        " resetting it would leave its leads unbilled. Reverse the"
                        " credit note, or reset that to draft first.",
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
            # Only what is left of it decides; nothing of the others is told.
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
                        "Leads of %(document)s were credited on %(others)s. Canceling"
                        " or resetting %(document)s would leave them unbilled. Reset"
                        " %(others)s to draft first, or correct %(document)s with a"
                        " credit note.",
                        document=move.display_name,
                        others=", ".join(returned_on.mapped("display_name")),
                    )
                )

    def _check_lead_sales_not_released(self):
        """Refuse to undo what gave back leads of these that were released since.

        :raises UserError: naming the document
        """
        released = self.filtered("lead_run_id")._find_lead_released()
        if released:
            raise UserError(
                self.env._(
                    "The leads of %s were released to be billed again, so its credit"
                    " note cannot be changed.",
                    released[0].display_name,
                )
            )

    def _find_lead_released(self):
        """Return those of these documents of which something was released."""
        # Only whether there is a record is told, to whoever holds the document.
        groups = (
            self.env["lead.sale.release"]
            .sudo()
            ._read_group([("invoice_id", "in", self.ids)], ["invoice_id"])
        )
        released_ids = {document.id for (document,) in groups}
        return self.filtered(lambda move: move.id in released_ids)

    def _get_lead_amounts_left(self):
        """Return what is left to give back of each document that these give back, or
        restore.

        :return: {document: (amount, by how much it may be blurred)}
        """
        # Amounts to compare before and after, of whatever rests on this document.
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
                        "Without %(names)s, the credits would exceed the total of"
                        " %(document)s by %(excess)s. First cancel what has credited"
                        " it since then.",
                        **names,
                    )
                )
            raise UserError(
                self.env._(
                    "Without %(names)s, %(excess)s of %(document)s would be credited,"
                    " although it is not posted. Leave it as it is.",
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
                    "These leads are credited but have not been billed yet: %s. Confirm"
                    " their invoice first.",
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
                        "This is %(excess)s more than is left to credit on"
                        " %(document)s.",
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
                "%s is not posted, so that nothing of it can be credited. Confirm it"
                " first, or delete this draft.",
                self.display_name,
            )
        returned_on = self._get_lead_return_lines(posting).move_id
        return self.env._(
            "%(others)s would credit %(excess)s more than the total of %(document)s,"
            " which is %(total)s. Reduce this document, or cancel another one.",
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
