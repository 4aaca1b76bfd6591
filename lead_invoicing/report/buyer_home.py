"""What a buyer's home in the portal says: what it owes, gets, and got."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..tools.windows import day_start, to_wall
from .conditions import get_buyer_sql, get_unbilled_sql

MONTHS = 12
# More lead types than this have one color, and one name, together.
MAX_COLORS = 6
LAST_DEPOSITS = 5
INVOICES = ("out_invoice", "out_receipt")
# What of a buyer's documents is asked for.
STATUSES = ("open", "overdue", "credit")


@dataclass
class Owed:
    """What is open of a buyer's documents in one currency of one company."""

    company: models.Model
    currency: models.Model
    open: float = 0.0
    open_count: int = 0
    overdue: float = 0.0  # without what is disputed of it
    overdue_count: int = 0
    disputed: float = 0.0  # of what is open: nobody asks for it
    credit: float = 0.0  # of credit notes
    credit_count: int = 0
    unapplied: float = 0.0  # money that is on no invoice yet


@dataclass
class Waiting:
    """What of one lead type, in one currency, is not invoiced yet."""

    lead_type: models.Model
    currency: models.Model
    count: int  # of leads sold
    amount: float  # before tax or including it as the prices are


@dataclass
class Month:
    """What was purchased in one month."""

    first: date
    last: date
    counts: dict  # {lead type: number of leads}
    amounts: dict  # {currency: sold less returned}

    @property
    def total(self):
        return sum(self.counts.values())


class BuyerHome:
    """A buyer's account in figures, each as the page or the report that it leads to has
    it.

    Opened by ``lead.buyer.home``, which decides who may see it. It needs a constant
    number of queries, however many leads and documents there are.

    :param env: environment of the reader
    :param partner: the buyer, a commercial partner
    :param companies: those that sell leads, a ``res.company``
    """

    def __init__(self, env, partner, companies):
        self.env = env
        # Who opened it may see this buyer's account.
        self.partner = partner.sudo()
        self.companies = companies.sudo()
        self.buyers = self.partner._get_lead_buyers()

    # Documents

    def get_documents_domain(self, status=None, currency=None, company=None):
        """Return the domain of the buyer's invoices and credit notes.

        :param status: ``open``, ``overdue`` or ``credit`` (of credit notes, what is
            applied to no invoice yet); None for all
        :param currency: a ``res.currency``, or None
        :param company: a ``res.company`` that sells leads, or None
        """
        domain = (
            Domain("partner_id.commercial_partner_id", "=", self.partner.id)
            & Domain("commercial_partner_id", "=", self.partner.id)
            & Domain("company_id", "in", (company or self.companies).ids)
            & Domain("state", "=", "posted")
            & Domain("move_type", "in", (*INVOICES, "out_refund"))
        )
        if currency:
            domain &= Domain("currency_id", "=", currency.id)
        if status:
            kinds = ("out_refund",) if status == "credit" else INVOICES
            domain &= Domain("amount_residual", ">", 0)
            domain &= Domain("move_type", "in", kinds)
        if status == "overdue":
            domain &= Domain.OR(
                Domain("company_id", "=", company.id)
                & Domain("invoice_date_due", "<", company._get_lead_today())
                for company in self.companies
            )
        return domain

    @property
    def documents(self):
        """Where the buyer's documents are looked for, always by their domain."""
        # Safe: the domain is of this buyer's, which the reader may see.
        return self.env["account.move"].sudo()

    def get_owed(self):
        """Return what is open, a list of :class:`Owed` by company and currency."""
        rows = {}
        for status in STATUSES:
            for company, currency, amount, count in self.documents._read_group(
                self.get_documents_domain(status),
                ["company_id", "currency_id"],
                ["amount_residual:sum", "__count"],
            ):
                owed = self._get_owed(rows, company, currency)
                setattr(owed, status, currency.round(amount))
                setattr(owed, f"{status}_count", count)
        disputed = self.documents.search(
            self.get_documents_domain("open") & Domain("lead_dispute_ids", "!=", False)
        )
        for move in disputed:
            owed = self._get_owed(rows, move.company_id, move.currency_id)
            to_pay = move._get_lead_amount_to_pay()
            not_to_pay = move.amount_residual - to_pay
            owed.disputed += not_to_pay
            if self._is_overdue(move):
                owed.overdue = move.currency_id.round(owed.overdue - not_to_pay)
                owed.overdue_count -= move.currency_id.is_zero(to_pay)
        self._add_unapplied(rows)
        return sorted(
            rows.values(), key=lambda owed: (owed.company.id, owed.currency.name)
        )

    def _is_overdue(self, move):
        due = move.invoice_date_due
        return bool(due) and due < move.company_id._get_lead_today()

    def _get_owed(self, rows, company, currency):
        # Of these, a buyer reads names and how amounts are written.
        return rows.setdefault(
            (company.id, currency.id), Owed(company.sudo(), currency.sudo())
        )

    def _add_unapplied(self, rows):
        """Add what was paid, or credited, and is on no document yet: what the books
        have open beyond the documents."""
        for company in self.companies:
            buyer = self.partner.with_company(company)
            if buyer.lead_billing_mode == "prepaid":
                # That is its balance.
                continue
            for _id, currency_id, receivable, *_rest in buyer._read_lead_receivables():
                currency = self._currencies.browse(currency_id)
                owed = rows.get((company.id, currency_id))
                known = owed.open - owed.credit if owed else 0.0
                unapplied = currency.round(float(receivable) - known)
                if not currency.is_zero(unapplied):
                    owed = self._get_owed(rows, company, currency)
                    owed.unapplied = unapplied

    def get_document_state(self, move):
        """Return what has become of a document, as (name, label for people).

        :param move: one of the buyer's documents
        """
        is_open = not move.currency_id.is_zero(move.amount_residual)
        if is_open and not move.lead_credited:
            return self._get_open_state(move)
        return "done", self._get_settled_label(move)

    def _get_settled_label(self, move):
        if move.move_type == "out_refund":
            return self.env._("Applied")
        if move.lead_credited:
            return self.env._("Credited")
        if move.lead_is_receipt:
            return self.env._("Paid from balance")
        if move._is_lead_written_off():
            return self.env._("Settled")
        return self.env._("Paid")

    def _get_open_state(self, move):
        env = self.env
        if move.move_type == "out_refund":
            return "open", env._("Open credit")
        if move.payment_state == "in_payment":
            return "open", env._("Payment in process")
        if move._is_lead_settlement_suspended():
            return "open", env._("In dispute")
        if self._is_overdue(move):
            return "overdue", env._("Overdue")
        if move.currency_id.compare_amounts(move.amount_residual, move.amount_total):
            return "open", env._("Partly paid")
        return "open", env._("Open")

    def get_document_title(self, move):
        """Return what a document is, for people."""
        if move.move_type == "out_refund":
            return self.env._("Credit note")
        return self.env._("Receipt") if move.lead_is_receipt else self.env._("Invoice")

    def get_documents(self, limit, offset=0, status=None, currency=None, company=None):
        """Return some of the buyer's documents, the newest first."""
        return self.documents.search(
            self.get_documents_domain(status, currency, company),
            order="invoice_date desc, id desc",
            limit=limit,
            offset=offset,
        )

    def get_deposits(self):
        """Return the last payments of the buyer that moved its balance, as
        ``_read_lead_deposits`` does, the newest first."""
        deposits = self.partner._read_lead_deposits(self.companies, LAST_DEPOSITS)
        return deposits.get(self.partner.id, [])

    # Leads

    def get_waiting(self):
        """Return what is not invoiced yet, a list of :class:`Waiting`, by type."""
        # How many leads of each type are unbilled, and what are they worth?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sale.lead_type_id, sale.currency_id,
                       count(*) FILTER (WHERE sale.transaction_type = 'sale'
                                          AND sale.corrected_sale_id IS NULL),
                       sum(sale.amount)
                  FROM lead_sale sale
                 WHERE %s AND %s
                 GROUP BY sale.lead_type_id, sale.currency_id
                """,
                get_buyer_sql(self.buyers),
                get_unbilled_sql(self.companies),
            )
        )
        waiting = [
            Waiting(
                self._lead_types.browse(type_id),
                self._currencies.browse(currency_id),
                count,
                float(amount),
            )
            for type_id, currency_id, count, amount in rows
        ]
        return sorted(waiting, key=lambda one: (one.lead_type.name, one.currency.name))

    @property
    def _currencies(self):
        # Currencies are no secret.
        return self.env["res.currency"].sudo()

    @property
    def _lead_types(self):
        # Buyers have no access to lead types, but to what they bought.
        return self.env["lead.type"].sudo().with_context(active_test=False)

    @cached_property
    def months(self):
        """The last twelve months, the oldest first, a list of :class:`Month`: in the
        days of the Invoicing Report."""
        first = to_wall(fields.Datetime.now(), self.zone).date().replace(day=1)
        starts = [
            first - relativedelta(months=number) for number in reversed(range(MONTHS))
        ]
        months = {
            start: Month(start, start + relativedelta(months=1, days=-1), {}, {})
            for start in starts
        }
        for start, type_id, currency_id, count, amount in self._read_months(starts):
            month = months[start]
            lead_type = self._lead_types.browse(type_id)
            currency = self._currencies.browse(currency_id)
            month.counts[lead_type] = month.counts.get(lead_type, 0) + count
            month.amounts[currency] = currency.round(
                month.amounts.get(currency, 0.0) + float(amount)
            )
        return list(months.values())

    @cached_property
    def zone(self):
        """The time zone in which days are told: that of the report on all types."""
        reports, company = self.env["lead.invoicing.report"], self.companies
        if len(company) != 1:
            no_document = self.env["account.move"]
            lead_types = reports._get_lead_types(self.buyers, no_document)
            company = reports._get_company(no_document, lead_types)
        return reports._get_zone(self.partner, company)

    def is_told_alike(self, lead_type):
        """Tell whether the report on this lead type alone has the same months: a
        company can have other days than the one of the report on all types."""
        reports = self.env["lead.invoicing.report"]
        return reports._get_zone(self.partner, lead_type.company_id) == self.zone

    def _read_months(self, starts):
        """Return (first day of a month, lead type's id, currency's id, number of leads,
        amount) of all that was sold and returned."""
        bounds = [*starts, starts[-1] + relativedelta(months=1)]
        instants = [day_start(day, self.zone) for day in bounds]
        # What was purchased in each of these months? As the totals of the report count:
        # neither what is waived nor price corrections are leads.
        return self.env.execute_query(
            SQL(
                """
                SELECT month.first, sale.lead_type_id, sale.currency_id,
                       count(*) FILTER (WHERE sale.transaction_type = 'sale'
                                          AND sale.corrected_sale_id IS NULL),
                       sum(sale.amount)
                  FROM unnest(%(firsts)s::date[], %(starts)s::timestamp[],
                              %(ends)s::timestamp[])
                       AS month(first, start, stop)
                  JOIN lead_sale sale
                       ON sale.date >= month.start AND sale.date < month.stop
                      AND %(buyer)s AND sale.waived IS NOT TRUE
                 GROUP BY month.first, sale.lead_type_id, sale.currency_id
                """,
                firsts=starts,
                starts=instants[:-1],
                ends=instants[1:],
                buyer=get_buyer_sql(self.buyers),
            )
        )

    @cached_property
    def lead_types(self):
        """The lead types of these months, the one with the most leads first."""
        totals = {}
        for month in self.months:
            for lead_type, count in month.counts.items():
                totals[lead_type] = totals.get(lead_type, 0) + count
        return sorted(totals, key=lambda kind: (-totals[kind], kind.name))

    @property
    def currencies(self):
        """The currencies of these months, by name."""
        found = {currency for month in self.months for currency in month.amounts}
        return sorted(found, key=lambda currency: currency.name)

    def get_bars(self):
        """Return the picture of the months: for each, its number of leads by color, as
        a list of (color, y, height), in a picture that is 100 high."""
        highest = max((month.total for month in self.months), default=0) or 1
        bars = []
        for month in self.months:
            bar, y = [], 100.0
            for color, lead_type in enumerate(self.lead_types):
                height = 100.0 * month.counts.get(lead_type, 0) / highest
                if height:
                    y -= height
                    bar.append((min(color, MAX_COLORS), round(y, 2), round(height, 2)))
            bars.append(bar)
        return bars

    def get_legend(self):
        """Return the colors of the picture: a list of (color, name)."""
        legend = [
            (color, lead_type.name)
            for color, lead_type in enumerate(self.lead_types[:MAX_COLORS])
        ]
        if len(self.lead_types) > MAX_COLORS:
            legend.append((MAX_COLORS, self.env._("Other lead types")))
        return legend

    def format_month(self, day, is_short=False):
        """Return a month as people write it; short: without its year."""
        return format_date(
            self.env, day, date_format="LLL" if is_short else "LLLL yyyy"
        )
