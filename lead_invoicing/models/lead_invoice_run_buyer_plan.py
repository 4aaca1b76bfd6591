from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.local_time import get_zone
from ..tools.windows import day_start
from .account_tax import MAX_PRICE_LINES
from .lead_sale import UNBILLED_DOMAIN, origin_sql, unbilled_sql


def to_decimal(number):
    """Return the exact decimal number that Odoo read as the float nearest to it.

    Sums of floats differ in their last bit by the order of summing.
    """
    return Decimal(str(number))


def last_document_sql(company, buyer):
    """Return the query for the last document that a cycle's run made for a buyer:
    ``cycle_id`` and ``window_end``.

    :param SQL buyer: the id of a commercial partner
    """
    return SQL(
        """
        SELECT run.cycle_id, move.lead_window_end AS window_end
          FROM account_move move
          JOIN lead_invoice_run run ON run.id = move.lead_run_id
         WHERE move.commercial_partner_id = %s
           AND move.company_id = %s
           AND move.lead_run_id IS NOT NULL
           AND move.state != 'cancel'
           AND run.cycle_id IS NOT NULL
         ORDER BY move.lead_window_end DESC
         LIMIT 1
        """,
        buyer,
        company.id,
    )


def period_start_sql(cycle_id, start, end):
    """Return from when on a buyer's period in a window of a cycle runs: the window's
    start; or, when its last document was another cycle's, where that one ended. The
    query calls :func:`last_document_sql` ``last_document``.

    :param SQL cycle_id, start, end: the cycle and its window, naive UTC
    """
    return SQL(
        """
        CASE WHEN last_document.cycle_id != %(cycle_id)s
                  AND last_document.window_end < %(end)s
             THEN last_document.window_end ELSE %(start)s END
        """,
        cycle_id=cycle_id,
        start=start,
        end=end,
    )


@dataclass
class PlannedLine:
    """Transactions of one buyer that become one line of a document."""

    key: str
    lead_type_id: int
    transaction_type: str
    adjustment: bool
    corrects: bool  # half of price corrections
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
class PlannedDocument:
    """What becomes one invoice or credit note, from the first count to its posting."""

    item: models.Model
    period_start: object  # the beginning of the printed period, naive UTC
    currency_id: int
    credited_move_id: int | None  # the invoice that this credit note gives back
    sub_account_id: int | None
    lines: list[PlannedLine] = field(default_factory=list)
    charges: list = field(default_factory=list)  # of PlannedCharge
    product_taxes: dict = field(default_factory=dict)  # by lead type, once looked up
    trouble: str = ""  # why it cannot be made, a sentence for the clerk
    waits: str = ""  # why its transactions wait for the next document, likewise
    move: models.Model | None = None  # the document, once it is made

    @property
    def charge_lines(self):
        return [line for charge in self.charges for line in charge.lines]

    @property
    def amount(self):
        """What it bills before tax, or including it as the prices are; below zero for
        what is given back."""
        return sum(line.amount for line in [*self.lines, *self.charge_lines])

    @property
    def is_refund(self):
        """Whether it becomes a credit note."""
        return bool(self.credited_move_id) or self.amount < 0

    @property
    def is_to_make(self):
        """Whether it has anything to bill, and nothing keeps it from being made now."""
        has_lines = bool(self.lines or self.charge_lines)
        return has_lines and not (self.trouble or self.waits)


class LeadInvoiceRunBuyer(models.Model):
    """What there is to bill to a buyer, as documents that are not made yet."""

    _inherit = "lead.invoice.run.buyer"

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
        # Where does the period of each buyer with documents start?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT buyer.id, %(start)s
                  FROM unnest(%(buyers)s::int[]) AS buyer(id)
                 CROSS JOIN LATERAL (%(last_document)s) last_document
                """,
                start=period_start_sql(
                    SQL("%s", run.cycle_id.id),
                    SQL("%s", run.window_start),
                    SQL("%s", run.window_end),
                ),
                buyers=self.partner_id.ids,
                last_document=last_document_sql(run.company_id, SQL("buyer.id")),
            )
        )
        return starts | dict(rows)

    def _get_first_days(self):
        """Return when the day of each buyer's first unbilled transaction began."""
        run = self.run_id
        zone = get_zone(self.env, run.tz)
        firsts = {}
        for contact, first in self.env["lead.sale"]._read_group(
            Domain("company_id", "=", run.company_id.id)
            & Domain(
                "commercial_partner_id.commercial_partner_id", "in", self.partner_id.ids
            )
            & UNBILLED_DOMAIN,
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

    @api.model
    def _get_document_keys(self):
        """Hook: what parts a buyer's transactions into documents: those that differ in
        any of it are on documents of their own.

        :return: list of SQL, on a transaction ``sale`` of a ``buyer``
        """
        return [
            SQL("sale.currency_id"),
            SQL(
                """
                CASE buyer.split
                     WHEN 'lead_type' THEN sale.lead_type_id::text
                     WHEN 'campaign' THEN COALESCE(sale.campaign, '')
                     WHEN 'sub_account' THEN sale.partner_id::text
                END
                """
            ),
            SQL("CASE WHEN sale.credits THEN sale.origin_move_id END"),
        ]

    @api.model
    def _get_line_keys(self):
        """Hook: what parts the transactions of a document into lines, besides their
        prices. Another addon may add to it, and explain its lines by
        :meth:`_get_line_name`.

        :return: list of SQL, on a transaction ``sale`` of a ``buyer``
        """
        return [
            SQL("sale.lead_type_id"),
            SQL("sale.transaction_type"),
            SQL("COALESCE(sale.price_adjustment, FALSE)"),
            SQL("sale.corrected_sale_id IS NOT NULL"),
            SQL("COALESCE(sale.date < buyer.start, FALSE)"),
            SQL("sale.billed_move_id"),
            SQL("sale.origin_account_id"),
            SQL("sale.origin_taxes"),
        ]

    def _candidates_sql(self, starts):
        """Return the query for what may be billed to these buyers in this run.

        What was recorded under a contact is billed to the commercial entity that it
        belongs to today. One row per transaction: its id, buyer, price and amount, and
        two texts, ``document_key`` and ``line_key``, that say to which document it
        belongs, and to which line of all. Counting and claiming both start from here,
        so they cannot disagree on the rule.

        :param starts: {buyer's id: from when on its printed period runs, naive UTC}
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
            if item.partner_id.id in starts
        )
        return SQL(
            """
            SELECT sale.id, buyer.partner_id, sale.price,
                   sale.amount, sale.date, sale.currency_id, sale.lead_type_id,
                   sale.transaction_type, sale.origin_line_id, sale.origin_move_id,
                   COALESCE(sale.price_adjustment, FALSE) AS adjustment,
                   sale.corrected_sale_id,
                   COALESCE(sale.date < buyer.start, FALSE) AS earlier,
                   CASE WHEN buyer.split = 'sub_account' THEN sale.partner_id END
                       AS sub_account_id,
                   CASE WHEN sale.credits THEN sale.origin_move_id END
                       AS credited_move_id,
                   ROW(%(document_keys)s)::text AS document_key,
                   ROW(%(document_keys)s, %(line_keys)s)::text AS line_key
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
                          -- Both halves of a price correction go together.
                          AND sale.corrected_sale_id IS NULL
                          AND (%(policy)s = 'credit_note'
                               OR %(policy)s = 'credit_unpaid'
                                  AND origin_move.payment_state
                                      IN ('not_paid', 'partial', 'blocked'))
                         ) AS credits
                    FROM lead_sale sale
                    LEFT JOIN lead_sale origin ON origin.id = %(origin)s
                    LEFT JOIN account_move_line origin_line
                         ON origin_line.id = origin.invoice_line_id
                        AND origin_line.parent_state = 'posted'
                    LEFT JOIN account_move origin_move
                         ON origin_move.id = origin_line.move_id
                   WHERE sale.company_id = %(company)s
                     AND sale.commercial_partner_id = contact.id
                     AND %(unbilled)s
                     AND %(limits)s
                     -- What is not billed yet, nor billed now, is not given back.
                     AND (%(include_earlier)s OR origin.id IS NULL
                          OR origin.invoice_line_id IS NOT NULL OR origin.waived
                          OR origin.date >= buyer.start)
                     -- Waived as documents are made; a preview leaves them out.
                     AND NOT %(given_back)s
              ) sale ON TRUE
            """,
            buyers=buyers,
            document_keys=SQL(", ").join(self._get_document_keys()),
            line_keys=SQL(", ").join(self._get_line_keys()),
            origin=origin_sql("sale"),
            unbilled=unbilled_sql("sale"),
            policy=run.company_id.lead_return_policy,
            company=run.company_id.id,
            limits=SQL(" AND ").join(run._get_limits_sql(SQL("buyer.start")).values()),
            include_earlier=run.include_earlier,
            given_back=self._get_given_back_sql(),
        )

    def _plan_documents(self):
        """Count what is to be billed, as documents and their lines.

        :return: list of :class:`PlannedDocument`, in a stable order; those that cannot
            be booked are among them, with the trouble
        """
        starts = self._get_period_starts()
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
                       bool_or(corrected_sale_id IS NOT NULL) AS corrects,
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
                documents[key] = PlannedDocument(
                    items[row["partner_id"]],
                    starts[row["partner_id"]],
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
                documents[key], line_key, priced_rows, counts_matter
            )
        for document in documents.values():
            document.lines.sort(key=self._line_order)
        return self._part_unbookable(documents.values())

    def _prepare_lines(self, document, key, rows, counts_matter):
        """Return the lines for the transactions of one kind.

        :param counts_matter: whether the company has any tax that depends on the number
            of leads
        """
        first = rows[0]
        adjustment = first["adjustment"]
        lead_type = self.env["lead.type"].browse(first["lead_type_id"])
        taxes, are_own = self.env["account.tax"], False
        if first["origin_line_id"]:
            # A return gives back what was charged: same account, same taxes.
            origin = self.env["account.move.line"].browse(first["origin_line_id"])
            taxes, are_own = origin.tax_ids, True
        elif counts_matter and (adjustment or len(rows) > MAX_PRICE_LINES):
            taxes = self._new_lead_line(document, lead_type).tax_ids._origin
            are_own = adjustment
        groups, taxes = taxes._part_lead_lines(rows, adjustment, lead_type.product_id)
        return [
            PlannedLine(
                key=key,
                lead_type_id=first["lead_type_id"],
                transaction_type=first["transaction_type"],
                adjustment=adjustment,
                corrects=first["corrects"],
                earlier=first["earlier"],
                origin_move_id=first["origin_move_id"],
                origin_line_id=first["origin_line_id"],
                price=to_decimal(group[0]["price"]) if len(group) == 1 else None,
                tax_ids=taxes.ids if are_own else None,
                count=sum(row["count"] for row in group),
                amount=sum(to_decimal(row["amount"]) for row in group),
                first_date=min(row["first_date"] for row in group),
                last_date=max(row["last_date"] for row in group),
            )
            for group in groups
        ]

    @api.model
    def _line_order(self, line):
        """Sales before returns before price corrections, lead type by lead type, this
        window's before earlier ones, highest price first."""
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        return (
            lead_type.sequence,
            lead_type.name,
            lead_type.id,
            line.corrects,
            line.transaction_type == "return",
            line.adjustment,
            line.earlier,
            line.origin_move_id or 0,
            -(line.price or 0),
        )

    def _hold_back(self, documents):
        """Let the documents below their buyer's minimum amount wait."""
        run = self.run_id
        company_currency = run.company_id.currency_id
        for document in filter(lambda document: document.is_to_make, documents):
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
                    document.waits = self.env._(
                        "Below the amount set under Hold Invoices Below; carried"
                        " forward."
                    )

    @api.model
    def _get_document_address(self, document):
        """Return the contact that a document is addressed to."""
        partner = document.item.partner_id
        if document.credited_move_id:
            credited = self.env["account.move"].browse(document.credited_move_id)
            return credited._get_lead_address(partner)
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
        return self._new_product_line(document, lead_type.product_id)

    def _new_product_line(self, document, product):
        return self.env["account.move"]._new_lead_product_line(
            self.run_id.company_id,
            product,
            partner_id=self._get_document_address(document).id,
            currency_id=document.currency_id,
        )

    @api.model
    def _get_origin_account(self, line):
        """Return the account of the line whose leads come back; none where it was
        archived since, and the product's present one takes its place."""
        origin = self.env["account.move.line"].browse(line.origin_line_id or [])
        return origin.account_id.filtered("active")
