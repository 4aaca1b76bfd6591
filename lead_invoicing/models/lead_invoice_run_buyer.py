import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import (
    ConcurrencyError,
    LockError,
    RedirectWarning,
    UserError,
)
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date, formatLang, plaintext2html

from ..tools.engine_fields import EngineOnly
from ..tools.windows import day_start

_logger = logging.getLogger(__name__)

# Up to so many distinct prices, a lead type has a line for each; beyond, one line with
# the exact total, unless a tax depends on the number of leads. Each line costs about 7
# ms to create.
MAX_PRICE_LINES = 10


def to_decimal(number):
    """Return the exact decimal number that Odoo read as the float nearest to it.

    Sums of floats differ in their last bit by the order of summing.
    """
    return Decimal(str(number))


# What another worker's change of the same rows raises: try again, nothing is wrong.
TRY_AGAIN = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError, LockError)

ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_invoicing"


class ClaimError(Exception):
    """The transactions that were claimed are not those that were counted."""


@dataclass
class Line:
    """Transactions of one buyer that become one line of a document."""

    key: str
    lead_type_id: int
    transaction_type: str
    adjustment: bool
    earlier: bool
    origin_move_id: int | None
    origin_line_id: int | None
    price: Decimal | None  # None: more prices than lines allowed
    tax_ids: list[int] | None  # None: those of the product, as Odoo has it
    count: int
    amount: Decimal
    first_date: object
    last_date: object


@dataclass
class Document:
    """What becomes one invoice or credit note."""

    item: models.Model
    currency_id: int
    credited_move_id: int | None  # the invoice that this credit note gives back
    sub_account_id: int | None
    lines: list[Line] = field(default_factory=list)

    @property
    def amount(self):
        return sum(line.amount for line in self.lines)


class LeadInvoiceRunBuyer(EngineOnly, models.Model):
    """The work item of one buyer in one run: what is locked, shown and retried.

    A batch of items is one database transaction: count, make the documents, claim
    their transactions, compare, post last. When it fails, it is rolled back and its
    buyers are invoiced one by one, so that only the failing ones are parked.
    """

    _name = "lead.invoice.run.buyer"
    _description = "Buyer of a Lead Invoicing Run"
    _order = "run_id desc, id"
    _rec_name = "partner_id"

    run_id = fields.Many2one(
        "lead.invoice.run", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(
        "res.partner",
        "Buyer",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    window_end = fields.Datetime(
        related="run_id.window_end",
        store=True,
        help="The end of the run's window, here to be found by.",
    )
    state = fields.Selection(
        [
            ("todo", "To do"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("skipped", "Skipped"),
        ],
        required=True,
        readonly=True,
        default="todo",
    )
    message = fields.Text(readonly=True)
    held_back = fields.Boolean(
        readonly=True,
        help="Leads were left for the next window: their total was below the buyer's"
        " minimum, or zero.",
    )
    invoice_ids = fields.One2many(
        "account.move", "lead_run_buyer_id", "Documents", readonly=True
    )

    _run_state_idx = models.Index("(run_id, state)")
    # What was the last that happened to a buyer?
    _partner_window_idx = models.Index(
        "(partner_id, company_id, window_end DESC, id DESC)"
    )
    # What is to be done next?
    _todo_idx = models.Index("(run_id, id) WHERE state = 'todo'")

    # Actions

    def action_retry(self):
        """Put failed buyers back in line; the scheduled action invoices them."""
        self.check_access("read")
        # Who may see a failure may have it tried again; nobody edits work items.
        failed = self.sudo().filtered(lambda item: item.state == "failed")
        failed.write({"state": "todo", "message": False})
        failed.run_id.filtered(lambda run: run.state in ("failed", "done")).write(
            {"state": "running"}
        )
        self.env["lead.invoice.run"]._trigger_generation()

    def action_view_invoices(self):
        """Open the documents of this buyer in this run."""
        self.ensure_one()
        action = self.run_id.action_view_invoices()
        action["domain"] = [("lead_run_buyer_id", "=", self.id)]
        return action

    def action_view_partner(self):
        """Open the buyer, to mend what keeps it from being invoiced."""
        self.ensure_one()
        return self.partner_id._get_records_action()

    # Processing

    def _process(self):
        """Invoice these buyers of one run in one transaction, and commit. When that
        fails, invoice them one by one, and park who fails alone; when others changed
        the same rows meanwhile, in halves, down to those that are still changing.

        :return: how many items were dealt with (done, skipped or parked)
        """
        if not self:
            return 0
        try:
            items = self._lock_todo()
            ready = items._follow_buyers()
            if ready := ready - ready._refuse():
                ready._generate()
            self.env["ir.cron"]._commit_progress(len(items))
            return len(items)
        except TRY_AGAIN:
            # Somebody else changed the same rows: nothing is lost. The smaller a batch,
            # the sooner it is over; who is alone is left to the next call.
            self.env.cr.rollback()
            half = len(self) // 2
            return half and self[:half]._process() + self[half:]._process()
        except Exception as error:
            self.env.cr.rollback()
            if len(self) == 1:
                return self._park(error)
            _logger.info(
                "Lead invoicing: %s buyers failed together, one by one now",
                len(self),
                exc_info=True,
            )
        return sum(item._process() for item in self)

    def _lock_todo(self):
        """Lock and return those of these items that still are to be done."""
        items = self.try_lock_for_update().filtered(lambda item: item.state == "todo")
        # An edit of a contact that is committed before the document naming it would
        # undo the batch: those that begin now wait for it. Who is editing already is
        # not waited for.
        items.partner_id.try_lock_for_update(allow_referencing=True)
        return items

    def _follow_buyers(self):
        """Let these items bill the commercial entities that their buyers belong to by
        now, each once: contacts are moved and merged while a run waits.

        :return: the items to go on with
        """
        left, seen = self.browse(), set()
        for item in self:
            buyer = item.partner_id.commercial_partner_id
            if item.partner_id != buyer:
                item._unlink_activities()
                item.partner_id = buyer
            if buyer in seen:
                item.write(
                    {
                        "state": "skipped",
                        "message": self.env._("Invoiced with another buyer's leads."),
                    }
                )
            else:
                left += item
            seen.add(buyer)
        return left

    def _refuse(self):
        """Park those of these items that are known to fail, before the others are
        invoiced together.

        :return: the items that were parked
        """
        refused = self.browse()
        for item in self.with_company(self.company_id):
            try:
                item._check_buyer()
            except UserError as error:
                item._set_failed(item._explain(error))
                refused += item
        return refused

    def _park(self, error):
        """Set this buyer aside with the reason, and commit.

        :return: 1, or 0 when another worker dealt with it meanwhile
        """
        self.ensure_one()
        message = self._explain(error)
        try:
            item = self._lock_todo()
            if item:
                item._set_failed(message)
            self.env["ir.cron"]._commit_progress(len(item))
            return len(item)
        except TRY_AGAIN:
            self.env.cr.rollback()
            return 0

    def _set_failed(self, message):
        """Note why this buyer was not invoiced, with an activity for someone."""
        self.ensure_one()
        self.write({"state": "failed", "message": message})
        self._unlink_activities()
        # Quietly: the list of activities tells, not a mail for each buyer.
        self.partner_id.with_context(mail_activity_quick_update=True).activity_schedule(
            ACTIVITY_TYPE,
            summary=self.env._("Leads were not invoiced"),
            note=plaintext2html(message),
            user_id=self.run_id._get_responsible().id,
        )

    def _explain(self, error):
        """Return the sentence that tells a clerk why this buyer was not invoiced."""
        if isinstance(error, UserError | RedirectWarning) and error.args:
            return str(error.args[0])
        if isinstance(error, ClaimError):
            return self.env._(
                "The leads of this buyer changed while they were being invoiced."
                " Nothing was billed: retry."
            )
        _logger.error(
            "Lead invoicing: buyer %s failed", self.partner_id.id, exc_info=error
        )
        return self.env._(
            "Unexpected error: %(error)s. The details are in the server's log; tell"
            " your administrator the time and the name of the buyer.",
            error=str(error).strip().splitlines()[0] if str(error) else repr(error),
        )

    def _unlink_activities(self):
        """Remove the activities of these items' buyers."""
        self.partner_id.activity_unlink([ACTIVITY_TYPE])

    # Generating

    def _generate(self):
        """Make the documents of these buyers of one run: create, claim, check, post.

        Everything happens in the current database transaction, and posting comes
        last, as it locks the journal's numbering until the commit.
        """
        run = self.run_id.with_company(self.run_id.company_id)
        self = self.with_company(run.company_id)
        self._waive_given_back()
        starts = self._get_period_starts()
        documents = self._collect_documents(starts)
        documents, left_out = self._leave_out_unbookable(documents)
        documents, waiting = self._hold_back(documents)
        moves = self._create_moves(documents, starts)
        documents, moves, unissued = self._drop_zero_totals(documents, moves)
        self._claim(documents, moves, starts)
        self._set_results(moves, waiting, unissued, left_out)
        if run.posting == "draft" or not moves:
            return
        to_post = moves - self._keep_for_review(documents, moves)
        if to_post:
            to_post = to_post._post(soft=False)
            self._tell_of_uncovered(to_post)
        if run.posting == "send" and to_post:
            to_post._queue_lead_sending()

    def _check_buyer(self):
        """Refuse what would fail later with a message that names no remedy.

        :raises UserError: a sentence for the clerk
        """
        self.ensure_one()
        if self.partner_id.lead_billing_hold:
            raise UserError(
                self.env._(
                    "%s is on hold. Take the hold off on the buyer's Invoicing/Billing"
                    " page, then retry.",
                    self.partner_id.display_name,
                )
            )
        account = self.partner_id.property_account_receivable_id
        if not account:
            raise UserError(
                self.env._(
                    "%(buyer)s has no receivable account. Choose one on the buyer's"
                    " contact, then retry.",
                    buyer=self.partner_id.display_name,
                )
            )
        if not account.active:
            raise UserError(
                self.env._(
                    "The receivable account %(account)s of %(buyer)s is archived."
                    " Choose another one on the buyer's contact, or restore"
                    " the account, then retry.",
                    account=account.display_name,
                    buyer=self.partner_id.display_name,
                )
            )

    def _get_period_starts(self):
        """Return from when on each buyer's printed period runs: the window's start;
        or, when its last document was another cycle's, where that one ended; or, in a
        run by hand that is open at its start, the day of the first transaction.

        :return: {partner id: naive UTC}
        """
        run = self.run_id
        if not run.window_start:
            return self._get_first_days()
        starts = dict.fromkeys(self.partner_id.ids, run.window_start)
        if not run.cycle_id:
            return starts
        self.env["account.move"].flush_model()
        # Where, and in which cycle, did the last document of each buyer end?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (move.commercial_partner_id)
                       move.commercial_partner_id, move.lead_window_end, run.cycle_id
                  FROM account_move move
                  JOIN lead_invoice_run run ON run.id = move.lead_run_id
                 WHERE move.lead_run_id IS NOT NULL
                   AND move.company_id = %s
                   AND move.commercial_partner_id IN %s
                   AND move.state != 'cancel'
                   AND run.cycle_id IS NOT NULL
                 ORDER BY move.commercial_partner_id, move.lead_window_end DESC
                """,
                run.company_id.id,
                tuple(self.partner_id.ids),
            )
        )
        for partner_id, last_end, cycle_id in rows:
            if cycle_id != run.cycle_id.id and last_end < run.window_end:
                starts[partner_id] = last_end
        return starts

    def _get_first_days(self):
        """Return when the day of each buyer's first unbilled transaction began."""
        run = self.run_id
        zone = self.env["lead.billing.cycle"]._get_zone(run.tz)
        firsts = {}
        for contact, first in self.env["lead.sale"]._read_group(
            [
                ("company_id", "=", run.company_id.id),
                (
                    "commercial_partner_id.commercial_partner_id",
                    "in",
                    self.partner_id.ids,
                ),
                ("invoice_line_id", "=", False),
                ("waived", "=", False),
            ],
            ["commercial_partner_id"],
            ["date:min"],
        ):
            buyer = contact.commercial_partner_id
            firsts[buyer] = min(first, firsts.get(buyer, first))
        return {
            partner.id: day_start(
                run._get_local_date(firsts.get(partner, run.window_end)), zone
            )
            for partner in self.partner_id
        }

    def _candidates_sql(self, starts):
        """Return the query for what may be billed to these buyers in this run.

        What was recorded under a contact is billed to the commercial entity that it
        belongs to today. One row per transaction: its id, buyer, price and amount, and
        ``key``, the text that says which line of which document it belongs to. Counting
        and claiming both start from here, so they cannot disagree on the rule.
        """
        run = self.run_id
        buyers = SQL(", ").join(
            SQL(
                "(%s, %s::timestamp, %s)",
                item.partner_id.id,
                starts[item.partner_id.id],
                item.partner_id.lead_invoice_split or "none",
            )
            for item in self
        )
        return SQL(
            """
            SELECT sale.id, buyer.partner_id, sale.price,
                   sale.amount, sale.date, sale.currency_id, sale.lead_type_id,
                   sale.transaction_type, sale.origin_line_id, sale.origin_move_id,
                   COALESCE(sale.price_adjustment, FALSE) AS adjustment,
                   COALESCE(sale.date < buyer.start, FALSE) AS earlier,
                   CASE WHEN buyer.split = 'sub_account' THEN sale.partner_id END
                       AS sub_account_id,
                   CASE WHEN sale.credits THEN sale.origin_move_id END
                       AS credited_move_id,
                   ROW(sale.currency_id,
                       CASE buyer.split
                            WHEN 'lead_type' THEN sale.lead_type_id::text
                            WHEN 'campaign' THEN COALESCE(sale.campaign, '')
                            WHEN 'sub_account' THEN sale.partner_id::text
                       END,
                       CASE WHEN sale.credits THEN sale.origin_move_id END
                   )::text AS document_key,
                   ROW(sale.lead_type_id, sale.transaction_type,
                       COALESCE(sale.price_adjustment, FALSE),
                       COALESCE(sale.date < buyer.start, FALSE),
                       sale.billed_move_id, sale.origin_account_id,
                       sale.origin_taxes)::text AS line_key
              FROM (VALUES %(buyers)s) AS buyer(partner_id, start, split)
              JOIN res_partner contact
                   ON contact.commercial_partner_id = buyer.partner_id
              JOIN LATERAL (
                  SELECT sale.*, origin_line.id AS origin_line_id,
                         origin_move.id AS origin_move_id,
                         origin_line.account_id AS origin_account_id,
                         (SELECT move_id FROM account_move_line
                           WHERE id = origin.invoice_line_id) AS billed_move_id,
                         (SELECT array_agg(account_tax_id ORDER BY account_tax_id)
                            FROM account_move_line_account_tax_rel
                           WHERE account_move_line_id = origin_line.id)
                             AS origin_taxes,
                         (origin_move.move_type = 'out_invoice'
                          AND (%(policy)s = 'credit_note'
                               OR %(policy)s = 'credit_unpaid'
                                  AND origin_move.payment_state
                                      IN ('not_paid', 'partial', 'blocked'))
                         ) AS credits
                    FROM lead_sale sale
                    LEFT JOIN lead_sale origin ON origin.id = sale.origin_id
                    LEFT JOIN account_move_line origin_line
                         ON origin_line.id = origin.invoice_line_id
                        AND origin_line.parent_state = 'posted'
                    LEFT JOIN account_move origin_move
                         ON origin_move.id = origin_line.move_id
                   WHERE sale.company_id = %(company)s
                     AND sale.commercial_partner_id = contact.id
                     AND sale.invoice_line_id IS NULL AND sale.waived IS NOT TRUE
                     AND sale.date < %(window_end)s
                     AND (%(include_earlier)s OR sale.date >= buyer.start)
                     -- What is not billed yet, nor billed now, is not given back.
                     AND (%(include_earlier)s OR sale.origin_id IS NULL
                          OR origin.invoice_line_id IS NOT NULL OR origin.waived
                          OR origin.date >= buyer.start)
                     -- Waived as documents are made; a preview leaves them out.
                     AND NOT %(given_back)s
                     AND (%(all_types)s OR sale.lead_type_id = ANY(%(types)s))
              ) sale ON TRUE
            """,
            buyers=buyers,
            policy=run.company_id.lead_return_policy,
            company=run.company_id.id,
            window_end=run.window_end,
            include_earlier=run.include_earlier,
            given_back=self._get_given_back_sql(),
            all_types=not run.lead_type_ids,
            types=run.lead_type_ids.ids,
        )

    def _collect_documents(self, starts):
        """Count what is to be billed, as documents and their lines.

        :return: list of :class:`Document`, in a stable order
        """
        self.env.flush_all()
        # How many transactions, of what amount, are there for each line and price?
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT partner_id, document_key, line_key, price,
                       min(currency_id) AS currency_id,
                       min(lead_type_id) AS lead_type_id,
                       min(transaction_type) AS transaction_type,
                       min(origin_line_id) AS origin_line_id,
                       min(origin_move_id) AS origin_move_id,
                       min(credited_move_id) AS credited_move_id,
                       min(sub_account_id) AS sub_account_id,
                       bool_or(adjustment) AS adjustment,
                       bool_or(earlier) AS earlier,
                       count(*) AS count, sum(amount) AS amount,
                       min(date) AS first_date, max(date) AS last_date
                  FROM (%s) candidate
                 GROUP BY partner_id, document_key, line_key, price
                 ORDER BY partner_id, document_key, line_key, price
                """,
                self._candidates_sql(starts),
            )
        )
        items = {item.partner_id.id: item for item in self}
        documents = {}
        prices = defaultdict(list)
        for row in rows:
            key = (row["partner_id"], row["document_key"])
            if key not in documents:
                documents[key] = Document(
                    items[row["partner_id"]],
                    row["currency_id"],
                    row["credited_move_id"],
                    row["sub_account_id"],
                )
            prices[key, row["line_key"]].append(row)
        counts_matter = self.env["account.tax"]._has_taxes_on_quantity(
            self.run_id.company_id
        )
        for (key, line_key), priced_rows in prices.items():
            documents[key].lines += self._prepare_lines(
                documents[key], f"{key[1]}{line_key}", priced_rows, counts_matter
            )
        for document in documents.values():
            document.lines.sort(key=self._line_order)
        return list(documents.values())

    def _prepare_lines(self, document, key, rows, counts_matter):
        """Return the lines for the transactions of one kind: one per price, or one
        for all when there are too many prices and no tax depends on the number of
        leads.

        :param counts_matter: whether the company has any tax that does
        """
        first = rows[0]
        by_price = len(rows) <= MAX_PRICE_LINES
        lead_type = self.env["lead.type"].browse(first["lead_type_id"])
        taxes = None
        if first["origin_line_id"]:
            # A return gives back what was charged: same account, same taxes.
            origin = self.env["account.move.line"].browse(first["origin_line_id"])
            taxes = origin.tax_ids
        elif counts_matter and (first["adjustment"] or not by_price):
            taxes = self._new_lead_line(document, lead_type).tax_ids._origin
        if first["adjustment"] and taxes:
            # No lead comes back, and no tax on the number of leads.
            taxes = taxes._filter_independent_of_quantity(lead_type.product_id)
        if not by_price and taxes:
            by_price = taxes._depends_on_quantity(lead_type.product_id)
        if not (first["origin_line_id"] or first["adjustment"]):
            taxes = None
        if by_price:
            groups = [(to_decimal(row["price"]), [row]) for row in rows]
        else:
            groups = [(None, rows)]
        return [
            Line(
                key=key,
                lead_type_id=first["lead_type_id"],
                transaction_type=first["transaction_type"],
                adjustment=first["adjustment"],
                earlier=first["earlier"],
                origin_move_id=first["origin_move_id"],
                origin_line_id=first["origin_line_id"],
                price=price,
                tax_ids=None if taxes is None else taxes.ids,
                count=sum(row["count"] for row in group),
                amount=sum(to_decimal(row["amount"]) for row in group),
                first_date=min(row["first_date"] for row in group),
                last_date=max(row["last_date"] for row in group),
            )
            for price, group in groups
        ]

    @api.model
    def _line_order(self, line):
        """Sales before returns, lead type by lead type, this window's before
        earlier ones, dear before cheap."""
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        return (
            lead_type.sequence,
            lead_type.name,
            lead_type.id,
            line.transaction_type == "return",
            line.adjustment,
            line.earlier,
            line.origin_move_id or 0,
            -(line.price or 0),
        )

    def _hold_back(self, documents):
        """Leave out the documents below their buyer's minimum amount.

        :return: (the documents to make, those that wait)
        """
        run = self.run_id
        company_currency = run.company_id.currency_id
        to_make, waiting = [], []
        for document in documents:
            minimum = document.item.partner_id.lead_minimum_amount
            if minimum and not run.ignore_minimum and not document.credited_move_id:
                currency = self.env["res.currency"].browse(document.currency_id)
                amount = currency._convert(
                    float(abs(document.amount)),
                    company_currency,
                    run.company_id,
                    run._get_today(),
                )
                if company_currency.compare_amounts(amount, minimum) < 0:
                    waiting.append(document)
                    continue
            to_make.append(document)
        return to_make, waiting

    # Documents

    def _create_moves(self, documents, starts):
        """Create the draft documents, all at once.

        :return: ``account.move``, in the order of the documents
        """
        vals_list = [
            self._prepare_move_vals(document, starts[document.item.partner_id.id])
            for document in documents
        ]
        # The chatter says who made the document; its first values are no changes.
        moves = (
            self.env["account.move"]
            .with_context(tracking_disable=True, mail_create_nosubscribe=True)
            .create(vals_list)
            .with_context(tracking_disable=False, mail_create_nosubscribe=False)
        )
        for move in moves:
            if move.currency_id.compare_amounts(move.amount_total, 0.0) < 0:
                # With several tax rates the total can be below zero where the sum of
                # the leads is not, and the other way round.
                move.action_switch_move_type()
        return moves

    def _prepare_move_vals(self, document, period_start):
        """Return the values of a document.

        :param document: a :class:`Document`
        :param period_start: the beginning of the printed period, naive UTC, or None
        """
        run = self.run_id
        partner = document.item.partner_id
        last_day = run._get_window_last_day()
        credited = self.env["account.move"].browse(document.credited_move_id or [])
        is_refund = bool(credited) or document.amount < 0
        address = self._get_document_address(document)
        translated = self.with_context(lang=address.lang or partner.lang)
        return {
            "move_type": "out_refund" if is_refund else "out_invoice",
            "company_id": run.company_id.id,
            "partner_id": address.id,
            "currency_id": document.currency_id,
            "reversed_entry_id": credited.id,
            "ref": partner.lead_po_number,
            "invoice_user_id": partner.user_id.id,
            "invoice_date": (
                last_day
                if run.invoice_date_policy == "window_end"
                else run._get_today()
            ),
            "delivery_date": last_day,
            "lead_run_id": run.id,
            "lead_run_buyer_id": document.item.id,
            "lead_window_start": period_start,
            "lead_window_end": run.window_end,
            "invoice_line_ids": [
                Command.create({**vals, "sequence": sequence})
                for sequence, vals in enumerate(
                    [
                        translated._prepare_move_line_vals(line, is_refund)
                        for line in document.lines
                    ]
                    + translated._prepare_extra_line_vals(document),
                    start=1,
                )
            ],
        }

    @api.model
    def _get_document_address(self, document):
        """Return the contact that a document is addressed to."""
        if document.credited_move_id:
            return self.env["account.move"].browse(document.credited_move_id).partner_id
        partner = document.item.partner_id
        billed = self.env["res.partner"].browse(document.sub_account_id)
        if billed.commercial_partner_id != partner.commercial_partner_id:
            # None, or one that belongs to somebody else by now.
            billed = partner
        return self.env["res.partner"].browse(
            billed.address_get(["invoice"])["invoice"]
        )

    def _new_lead_line(self, document, lead_type):
        """Return a line for leads of this type as Odoo fills it in on such a document,
        never stored: its account and taxes are asked for."""
        company = self.run_id.company_id
        move = (
            self.env["account.move"]
            .with_company(company)
            .new(
                {
                    "move_type": "out_invoice",
                    "company_id": company.id,
                    "partner_id": self._get_document_address(document).id,
                    "currency_id": document.currency_id,
                    "invoice_line_ids": [
                        Command.create({"product_id": lead_type.product_id.id})
                    ],
                }
            )
        )
        return move.invoice_line_ids

    def _prepare_move_line_vals(self, line, is_refund):
        """Return the values of one lead line.

        Quantities are those of an invoice: leads purchased above zero, returned below;
        a credit note has them the other way round.
        """
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        sign = -1 if is_refund else 1
        if line.price is not None:
            is_return = line.transaction_type == "return"
            quantity, price = (-line.count if is_return else line.count), line.price
        else:
            quantity = -1 if line.transaction_type == "return" else 1
            price = abs(line.amount)
        vals = {
            "product_id": lead_type.product_id.id,
            "name": self._get_line_name(line, lead_type),
            "quantity": sign * quantity,
            "price_unit": float(price),
            "lead_type_id": lead_type.id,
            "lead_transaction_type": line.transaction_type,
            "lead_count": 0 if line.adjustment else line.count,
        }
        if line.tax_ids is not None:
            vals["tax_ids"] = [Command.set(line.tax_ids)]
        if line.origin_line_id:
            vals["lead_origin_move_id"] = line.origin_move_id
        if account := self._get_origin_account(line):
            vals["account_id"] = account.id
        return vals

    @api.model
    def _get_origin_account(self, line):
        """Return the account of the line whose leads come back; none where it was
        archived since, and the product's present one takes its place."""
        origin = self.env["account.move.line"].browse(line.origin_line_id or [])
        return origin.account_id.filtered("active")

    def _leave_out_unbookable(self, documents):
        """Leave out what cannot be booked, so that it holds up nothing else of its
        buyer: leads without an income account, and currencies that are archived.

        :return: (the documents to make, those that are left out of them as a list of
            (:class:`Document`, a sentence for the clerk))
        """
        to_make, left_out = [], []
        for document in documents:
            by_trouble = defaultdict(list)
            for line in document.lines:
                trouble = self._get_currency_trouble(document)
                trouble = trouble or self._get_income_trouble(document, line)
                by_trouble[trouble].append(line)
            for trouble, lines in by_trouble.items():
                part = replace(document, lines=lines)
                if trouble:
                    left_out.append((part, trouble))
                else:
                    to_make.append(part)
        return to_make, left_out

    def _get_currency_trouble(self, document):
        """Return a sentence on why a document could not be posted in its currency."""
        currency = self.env["res.currency"].browse(document.currency_id)
        if currency.active:
            return None
        return self.env._(
            "The currency %s is archived. Activate it under Invoicing / Configuration /"
            " Currencies, then retry.",
            currency.name,
        )

    def _get_income_trouble(self, document, line):
        """Return a sentence on why these leads could not be booked, or None."""
        if self._get_origin_account(line):
            return None
        company = self.run_id.company_id
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        product = lead_type.product_id.with_company(company)
        if product._get_product_accounts()["income"].active:
            return None
        # The fiscal position or the journal may know another one.
        account = self._new_lead_line(document, lead_type).account_id
        if account.active:
            return None
        if account:
            return self.env._(
                "The income account %(account)s of the product %(product)s (lead type"
                " %(lead_type)s) is archived in %(company)s. Choose another one on the"
                " product, or restore the account, then retry.",
                # The scheduled action's user is shown no codes.
                account=f"{account.with_company(company).code} {account.name}",
                product=product.display_name,
                lead_type=lead_type.name,
                company=company.name,
            )
        return self.env._(
            "The product %(product)s of the lead type %(lead_type)s has no income"
            " account in %(company)s. Choose one on the product, then retry.",
            product=product.display_name,
            lead_type=lead_type.name,
            company=company.name,
        )

    def _get_line_name(self, line, lead_type):
        """Return the label of a lead line, in the language of the context."""
        parts = [lead_type.name]
        if line.adjustment:
            parts.append(self.env._("Price adjustments"))
        elif line.transaction_type == "return":
            parts.append(self.env._("Leads returned"))
        else:
            parts.append(self.env._("Leads purchased"))
        name = " – ".join(parts)
        if line.price is None:
            name = self.env._("%(name)s: %(count)s", name=name, count=line.count)
        if line.earlier:
            first, last = (
                format_date(self.env, self.run_id._get_local_date(moment))
                for moment in (line.first_date, line.last_date)
            )
            dates = first if first == last else f"{first} – {last}"
            name = self.env._("%(name)s, earlier (%(dates)s)", name=name, dates=dates)
        if line.origin_move_id:
            invoice = self.env["account.move"].browse(line.origin_move_id)
            name = self.env._(
                "%(name)s, of invoice %(invoice)s", name=name, invoice=invoice.name
            )
        return name

    def _prepare_extra_line_vals(self, document):
        """Hook: values of further invoice lines (fees, minimums, discounts) that go
        onto a document. They are other charges, and not compared with transactions.

        :param document: a :class:`Document`; its lines, amount and buyer are known
        :return: list of ``account.move.line`` values
        """
        return []

    def _drop_zero_totals(self, documents, moves):
        """Delete the drafts that come to nothing, where the company does not issue
        them; their transactions wait for the next document.

        :return: (documents, moves, the documents dropped)
        """
        if self.run_id.company_id.lead_issue_zero:
            return documents, moves, []
        kept, kept_moves, dropped = [], self.env["account.move"], []
        to_delete = self.env["account.move"]
        for document, move in zip(documents, moves, strict=True):
            if move.currency_id.is_zero(move.amount_total):
                dropped.append(document)
                to_delete += move
            else:
                kept.append(document)
                kept_moves += move
        to_delete.unlink()
        return kept, kept_moves, dropped

    # Claiming

    def _claim(self, documents, moves, starts):
        """Put the counted transactions on the lines made for them, in one statement,
        and compare number and sum line by line.

        :raises ClaimError: when they are not what was counted; nothing may stay then
        """
        expected = {}
        rows = []
        for document, move in zip(documents, moves, strict=True):
            lead_lines = move.invoice_line_ids.filtered("lead_type_id")
            for line, move_line in zip(
                document.lines, lead_lines.sorted("sequence"), strict=True
            ):
                expected[move_line.id] = (line.count, line.amount)
                rows.append(
                    SQL(
                        "(%s, %s, %s::numeric, %s)",
                        document.item.partner_id.id,
                        line.key,
                        line.price,
                        move_line.id,
                    )
                )
        if not rows:
            return
        self.env.flush_all()
        # Which transactions belong to which line? Claim them, and count them again.
        claimed = self.env.execute_query(
            SQL(
                """
                WITH claimed AS (
                    UPDATE lead_sale SET invoice_line_id = line.id
                      FROM (%(candidates)s) candidate
                      JOIN (VALUES %(lines)s) AS line(partner_id, key, price, id)
                        ON line.partner_id = candidate.partner_id
                       AND line.key = candidate.document_key || candidate.line_key
                       AND (line.price IS NULL OR line.price = candidate.price)
                     WHERE lead_sale.id = candidate.id
                       AND lead_sale.invoice_line_id IS NULL
                       AND lead_sale.waived IS NOT TRUE
                 RETURNING lead_sale.invoice_line_id, lead_sale.amount
                )
                SELECT invoice_line_id, count(*), sum(amount)
                  FROM claimed GROUP BY invoice_line_id
                """,
                candidates=self._candidates_sql(starts),
                lines=SQL(", ").join(rows),
            )
        )
        self.env["lead.sale"].invalidate_model()
        found = {
            line_id: (count, to_decimal(amount)) for line_id, count, amount in claimed
        }
        if found != expected:
            raise ClaimError(f"expected {expected}, claimed {found}")

    # Results

    def _set_results(self, moves, waiting, unissued, left_out):
        """Write down what became of each buyer, in words. One that something was left
        out of has failed, whatever else was invoiced: retrying bills the rest."""
        documents = moves.grouped("lead_run_buyer_id")
        waiting = {document.item for document in waiting}
        unissued = {document.item for document in unissued}
        for item in self:
            notes = []
            if not item.partner_id.active:
                notes.append(self.env._("This buyer is archived."))
            if item in waiting:
                notes.append(
                    self.env._("Below the buyer's minimum amount: waits for more.")
                )
            if item in unissued:
                notes.append(self.env._("The total is zero: waits for more."))
            made = documents.get(item)
            if not made and not notes:
                notes.append(self.env._("Nothing was left to invoice."))
            item.write(
                {
                    "state": "done" if made else "skipped",
                    "message": " ".join(notes) or False,
                    "held_back": item in waiting or item in unissued,
                }
            )
        troubles = defaultdict(dict)
        for document, trouble in left_out:
            # Several documents may have the same trouble.
            troubles[document.item][trouble] = True
        for item, sentences in troubles.items():
            item._set_failed(" ".join(sentences))
        self.filtered(lambda item: item.state == "done")._settle_earlier_failures()
        self._unlink_settled_activities()

    def _tell_of_uncovered(self, moves):
        """Tell of prepaid buyers whose balance does not cover what they bought, and of
        their payments that add nothing to it, as they make no journal entry."""
        uncovered = moves.filtered(
            lambda move: (
                move._is_prepaid_lead_invoice()
                and not move.lead_is_receipt
                and move.commercial_partner_id.with_company(
                    move.company_id
                ).lead_auto_settle
            )
        )
        useless = self.env["account.payment"]._find_unsettling_lead_deposits(uncovered)
        for move in uncovered:
            item = move.lead_run_buyer_id
            message = " ".join(
                [
                    self.env._(
                        "The balance does not cover %(invoice)s: %(amount)s is to be"
                        " paid.",
                        invoice=move.name,
                        amount=formatLang(
                            self.env,
                            move.amount_residual,
                            currency_obj=move.currency_id,
                        ),
                    ),
                    *useless.filtered(
                        lambda payment, move=move: payment._is_lead_deposit_for(move)
                    ).mapped("lead_settlement_trouble"),
                ]
            )
            item.message = " ".join(filter(None, [item.message, message]))
            move._schedule_lead_activity(self.env._("Prepaid balance used up"), message)

    def _unlink_settled_activities(self):
        """Remove the activities of the buyers that no failure is left of, in whatever
        run or company."""
        failing = self.search(
            [("state", "=", "failed"), ("partner_id", "in", self.partner_id.ids)]
        ).partner_id
        self.filtered(lambda item: item.partner_id not in failing)._unlink_activities()

    def _settle_earlier_failures(self):
        """Close the buyers' failures of earlier runs: what they left is invoiced."""
        if not self or not self.run_id.include_earlier:
            return
        failures = self.search(
            [
                ("state", "=", "failed"),
                ("company_id", "=", self.run_id.company_id.id),
                ("partner_id.commercial_partner_id", "in", self.partner_id.ids),
                ("window_end", "<", self.run_id.window_end),
            ]
        )
        failures.write(
            {"state": "skipped", "message": self.env._("Invoiced with a later run.")}
        )
        failures.run_id._update_state()
