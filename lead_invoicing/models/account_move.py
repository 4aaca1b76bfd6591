from collections import defaultdict

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.local_time import format_window
from ..tools.protected_fields import EngineGuard
from .lead_sale import behind_sql

# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {
    "lead_credited",
    "lead_delivery_since",
    "lead_delivery_state",
    "lead_is_receipt",
    "lead_posted_at",
    "lead_replaces_id",
    "lead_review_reason",
    "lead_run_buyer_id",
    "lead_run_id",
    "lead_statement_id",
    "lead_window_end",
    "lead_window_start",
}


def sign_sql(alias):
    """Return what :meth:`AccountMove._get_lead_sign` says, for a query.

    :param alias: what the query calls the documents
    """
    move_type = SQL.identifier(alias, "move_type")
    return SQL("CASE WHEN %s = 'out_refund' THEN -1 ELSE 1 END", move_type)


class AccountMove(EngineGuard, models.Model):
    """Invoices and credit notes that a lead invoicing run made."""

    _inherit = "account.move"
    _lead_engine_fields = ENGINE_FIELDS

    lead_run_buyer_id = fields.Many2one(
        "lead.invoice.run.buyer",
        "Invoice Run Work Item",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
    lead_run_id = fields.Many2one(
        "lead.invoice.run",
        "Lead Invoice Run",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
    lead_window_start = fields.Datetime(
        "Billing Period Start", readonly=True, copy=False, groups="base.group_user"
    )
    lead_window_end = fields.Datetime(
        "Billing Period End",
        readonly=True,
        copy=False,
        help="The billing period ends just before this moment.",
        groups="base.group_user",
    )
    lead_window_label = fields.Char(
        "Leads Sold", compute="_compute_lead_window_label", groups="base.group_user"
    )
    lead_sale_ids = fields.Many2many(
        "lead.sale",
        string="Lead Transactions",
        compute="_compute_lead_sale_ids",
        search="_search_lead_sale_ids",
        groups="lead_invoicing.group_user",
    )
    lead_sale_count = fields.Integer(
        "Leads", compute="_compute_lead_sale_totals", groups="lead_invoicing.group_user"
    )
    lead_amount_difference = fields.Monetary(
        compute="_compute_lead_sale_totals",
        groups="lead_invoicing.group_user",
        help="The lead lines of this document less the transactions behind them. Zero,"
        " unless someone changed a lead line manually.",
    )
    lead_posted_at = fields.Datetime(
        "Posted On",
        readonly=True,
        copy=False,
        help="Since when this document has been posted.",
        groups="base.group_user",
    )

    @api.depends("lead_window_start", "lead_window_end")
    @api.depends_context("lang")
    def _compute_lead_window_label(self):
        for move in self:
            move.lead_window_label = move._get_lead_window_label()

    def _compute_lead_sale_ids(self):
        moves = defaultdict(list)
        if ids := self._origin.ids:
            self.env["lead.sale"].flush_model()
            # Which transactions are behind each of these documents?
            for move_id, sale_id in self.env.execute_query(
                SQL(
                    "SELECT move_id, id FROM (%s) behind WHERE move_id IN %s",
                    behind_sql(),
                    tuple(ids),
                )
            ):
                moves[sale_id].append(move_id)
        sale_ids = defaultdict(list)
        # Those that the user may see, in the ledger's order.
        for sale in self.env["lead.sale"].search([("id", "in", list(moves))]):
            for move_id in moves[sale.id]:
                sale_ids[move_id].append(sale.id)
        for move in self:
            move.lead_sale_ids = self.env["lead.sale"].browse(sale_ids[move._origin.id])

    def _search_lead_sale_ids(self, operator, value):
        if operator not in ("in", "any"):
            return NotImplemented
        if operator == "in":
            value = [("id", "in", value)]
        sales = self.env["lead.sale"]._search(value)
        return [
            (
                "id",
                "in",
                SQL(
                    "(SELECT move_id FROM (%s) behind)",
                    behind_sql(SQL("sale.id IN %s", sales.subselect())),
                ),
            )
        ]

    @api.depends(
        "invoice_line_ids.quantity",
        "invoice_line_ids.price_unit",
        "invoice_line_ids.discount",
        "currency_id",
        "state",
    )
    def _compute_lead_sale_totals(self):
        totals = self._read_lead_sale_totals()
        for move in self:
            count, amount = totals.get(move._origin.id, (0, 0.0))
            move.lead_sale_count = count
            move.lead_amount_difference = 0.0
            if move.lead_run_id and move.state != "cancel":
                move.lead_amount_difference = move.currency_id.round(
                    move._get_lead_lines_amount() - float(amount or 0)
                )

    # Whose last document ended when?
    _lead_period_idx = models.Index(
        "(commercial_partner_id, company_id, lead_window_end)"
        " WHERE lead_run_id IS NOT NULL"
    )

    # The timetable of a document: what follows a change of state lives in rooms of its
    # own; when each is asked is decided here, as the order keeps the books right

    def write(self, vals):
        """Follow what happens to a document. In this order:

        1. Lock the documents whose leads a change of state concerns, before anything
           about them is decided (``account_move_given_back``).
        2. Refuse to cancel what others rely on, while it still stands.
        3. Record what leaves the books, as it stood in them: its rows and its date are
           still known, and which statement carries it. A document that is posted or
           dated anew enters them afterwards.
        4. Let Odoo write.
        5. Follow: it waits to be sent; it was looked at; it is no receipt any longer,
           and settles nothing.
        6. Release the transactions of what was canceled, last, when nothing asks for
           them any more; then see what is left to give back of the other documents.
        """
        state = vals.get("state")
        is_taken_back = state in ("draft", "cancel")
        is_in_other_books = "state" in vals or "date" in vals
        given_back = self.browse()
        if is_taken_back:
            given_back = self._get_lead_documents_to_follow()
            given_back._lock_lead_documents()
        if state == "cancel":
            # Whoever may cancel a document is told what keeps it.
            self.sudo()._check_lead_returns_free(self)
        if is_taken_back or "date" in vals:
            self._leave_lead_books()
        if is_taken_back:
            self._leave_lead_statements()
        res = super().write(vals)
        if is_in_other_books:
            self._enter_lead_books()
        if vals.get("sending_data"):
            self._start_lead_sending()
        if state in ("posted", "cancel"):
            self._end_lead_review()
        if is_taken_back:
            self._after_lead_documents_unposted()
        if state == "cancel":
            self.filtered("lead_run_id").line_ids._release_lead_sales()
        given_back._update_given_back()
        return res

    def _leave_lead_books(self):
        """Record that posted documents leave the books as they stand in them."""
        posted = self.filtered("lead_posted_at")
        # Whoever may take a document back leaves this record.
        self.env["lead.sale.past.billing"].sudo()._log(posted.line_ids)
        posted._set_lead_posted_at(False)

    def _enter_lead_books(self):
        """Note since when documents, and credit notes of them, are in the books."""
        self.filtered(
            lambda move: (
                (move.lead_run_id or move.reversed_entry_id.lead_run_id)
                and move.state == "posted"
                and not move.lead_posted_at
            )
        )._set_lead_posted_at(self.env.cr.now())

    def _set_lead_posted_at(self, moment):
        # Whoever may post a document, or take it back, has this written down. Nothing
        # that its lines are computed from changes.
        self.sudo().with_context(skip_invoice_sync=True).lead_posted_at = moment

    def _after_lead_documents_unposted(self):
        """Follow what is no longer posted: a document will not be sent, and is no
        receipt."""
        # Whoever may take a document back may have this follow.
        self.filtered(
            lambda move: move.lead_delivery_state == "to_send"
        )._set_lead_delivery_state(False)
        self._set_lead_receipt(False)
        self._undo_lead_settlement()

    def button_draft(self):
        """Refuse to take back what others rely on: before, by name; after, by what
        would be left of the documents that these give back.

        :raises UserError: naming the other document
        """
        if not self:
            # Odoo asks so for each line that it writes.
            return super().button_draft()
        self._check_lead_documents_free()
        left = self._get_lead_amounts_left()
        res = super().button_draft()
        self._check_lead_amounts_left(left)
        return res

    def _post(self, soft=True):
        """Post documents. First is checked what Odoo does not check; then is noted
        which leads they give back, and those documents are locked, so that what is left
        of them can be relied on until the commit. What would give back too much stays a
        draft. Money that was asked for becomes its buyer's. Settling comes when all of
        it stands; last, prepaid buyers' statements are frozen.
        """
        self._check_lead_samples()
        self.filtered("lead_run_id")._check_lead_sales_claimed()
        self.filtered("lead_run_id")._check_lead_accounts()
        self._link_lead_returns()
        given_back = self._get_lead_documents_given_back()
        given_back._lock_lead_documents()
        self._check_lead_undoing()
        posted = super(AccountMove, self - self._keep_lead_excess())._post(soft)
        given_back._update_given_back()
        posted._match_lead_top_ups()
        posted._settle_lead_documents()
        posted._freeze_lead_statements()
        return posted

    def _check_lead_samples(self):
        """Refuse to post what is of sample buyers.

        :raises UserError: naming the buyer
        """
        for company in self.company_id:
            company._check_no_lead_sample(self.commercial_partner_id)

    def _check_lead_accounts(self):
        """Refuse to post into archived accounts, and say what to do about it: Odoo
        does not.

        :raises UserError: naming the account and where it comes from
        """
        for line in self.line_ids:
            if not line.account_id or line.account_id.active:
                continue
            if line.tax_line_id:
                place = self.env._("the tax %s", line.tax_line_id.name)
            elif line.product_id:
                place = self.env._(
                    "the product %s, or in the buyer's fiscal position",
                    line.product_id.display_name,
                )
            else:
                place = self.env._(
                    "the contact %s", line.partner_id.display_name or line.name
                )
            account = line.account_id.with_company(line.company_id)
            raise UserError(
                self.env._(
                    "The account %(account)s on the document for %(document)s is"
                    " archived. Restore it, or choose another one on %(place)s, and"
                    " try again.",
                    # The scheduled action's user is shown no codes.
                    account=f"{account.code} {account.name}",
                    document=line.move_id._get_lead_draft_name(),
                    place=place,
                )
            )

    # Actions

    def action_view_lead_sales(self):
        """Open the transactions behind this document.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        self.env["lead.sale"].check_access("read")
        return self.env["lead.sale"]._get_view_action(self._get_lead_sales_domain())

    # The transactions behind a document

    def _get_lead_sales_domain(self):
        """Return the domain of the transactions behind these documents, those that were
        released from them too, as :func:`behind_sql` has them."""
        return Domain("invoice_id", "in", self.ids) | Domain(
            "release_ids.invoice_id", "in", self.ids
        )

    def _read_lead_sale_totals(self):
        """Count and sum the transactions behind each of these documents; those that
        were released from it after it was reversed, too.

        :return: {move id: (number of transactions, sum of the signed amounts of those
            in the document's currency)}
        """
        ids = self._origin.ids
        if not ids:
            return {}
        self.env["lead.sale"].flush_model(["invoice_line_id", "amount"])
        self.flush_recordset(["currency_id"])
        # How many transactions are behind each document, and what is their sum?
        return {
            move_id: (count, amount)
            for move_id, count, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT move_id, count(*),
                           sum(behind.amount)
                               FILTER (WHERE behind.currency_id = move.currency_id)
                      FROM (%(behind)s) behind
                      JOIN account_move move ON move.id = behind.move_id
                     WHERE move_id IN %(moves)s
                     GROUP BY move_id
                    """,
                    behind=behind_sql(),
                    moves=tuple(ids),
                )
            )
        }

    def _get_lead_lines_amount(self):
        """Return the sum of quantity times unit price, less discounts, of the lead
        lines, with the sign of the transactions: negated on a credit note."""
        self.ensure_one()
        amount = sum(
            line._get_lead_amount()
            for line in self.invoice_line_ids
            if line.lead_type_id
        )
        return self._get_lead_sign() * amount

    def _get_lead_sign(self):
        """Return what turns the sign of transactions, sales above zero, into that of
        this document's lines."""
        self.ensure_one()
        return -1 if self.move_type == "out_refund" else 1

    @api.model
    def _new_lead_product_line(self, company, product, **vals):
        """Return a line for a product as Odoo fills it in on a new invoice, never
        stored: its account and taxes are asked for.

        :param vals: what else is known of the invoice, such as whom it is for
        """
        move = self.with_company(company).new(
            {
                "move_type": "out_invoice",
                "company_id": company.id,
                **vals,
                "invoice_line_ids": [Command.create({"product_id": product.id})],
            }
        )
        return move.invoice_line_ids

    def _get_lead_window_label(self):
        """Return the period of the leads, printed for the buyer in the language of
        the context; empty for documents that no run made."""
        self.ensure_one()
        # A buyer who may see the document may see its period.
        move = self.sudo()
        if not move.lead_window_end:
            return ""
        return format_window(
            self.env, move.lead_window_start, move.lead_window_end, move.lead_run_id.tz
        )
