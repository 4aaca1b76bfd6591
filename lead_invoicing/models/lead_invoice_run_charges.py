from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..tools.charges import months_ending
from ..tools.local_time import get_zone, last_instant, local_day
from ..tools.windows import day_start
from .lead_billed_charge import charge_waits_sql
from .lead_billing_charge import SHARED_KINDS


@dataclass(frozen=True)
class DueCharge:
    """A charge that is to be billed to a buyer for one period."""

    charge: models.Model
    start: datetime  # naive UTC
    end: datetime  # naive UTC, exclusive

    def get_last_day(self, env, tz):
        """Return its last day; of a month the same in every time zone, as the buyer's
        may be another one by now."""
        if self.charge.period == "month":
            middle = local_day(env, self.start + (self.end - self.start) / 2, tz)
            return fields.Date.end_of(middle, "month")
        return local_day(env, last_instant(self.start, self.end), tz)

    def is_before(self, begin):
        """Tell whether this billing period was over when its buyer began to be one:
        several that are caught up with are not owed by who came since.

        :param begin: :class:`ChargeBegin`
        """
        moment = begin.own if self.charge.partner_id else begin.common
        return bool(self.charge.period == "window" and moment and self.end <= moment)

    def repeats(self, other):
        """Tell whether this is the same charge for the same period as another one: even
        where it ended elsewhere the first time, or where a month began some hours later
        as the buyer's billing has another time zone by now."""
        if self.charge != other.charge:
            return False
        shared = min(self.end, other.end) - max(self.start, other.start)
        return self.start == other.start or (
            self.charge.period == "month" and shared > timedelta(days=1)
        )

    def is_part_of(self, other):
        """Tell whether this period is billed within another one: it ends there, and is
        not the longer one."""
        return (
            other.start < self.end <= other.end
            and self.end - self.start <= other.end - other.start
        )


@dataclass(frozen=True)
class ChargeBegin:
    """From when on a buyer is charged; all naive UTC, or a false value."""

    months: datetime  # those that ended until then had their document
    common: datetime = None  # what all owe, where it has no document yet
    own: datetime = None  # what was agreed with it alone, likewise


class LeadInvoiceRun(models.Model):
    """Which agreed charges are due in a run."""

    _inherit = "lead.invoice.run"

    include_charges = fields.Boolean(
        "Agreed Charges",
        readonly=True,
        help="Fees, minimum spends, discounts and volume prices are billed, as they"
        " are for each scheduled run.",
    )

    closes_account = fields.Boolean(
        "Closes an Account",
        readonly=True,
        help="Its leads have the discounts and volume prices of the billing period and"
        " the calendar month that are not over: no scheduled run follows.",
    )

    def _find_buyers(self, partners=None):
        found = super()._find_buyers(partners)
        if not self.include_charges:
            return found
        return sorted({*found, *self._find_charged_buyers(partners)})

    def _find_charged_buyers(self, partners=None):
        """Return the ids of the buyers with a charge due that needs no lead in this
        run.

        :param partners: look at these buyers only, whatever their cycle
        """
        candidates = self._find_charge_candidates()
        if partners:
            candidates &= partners
        elif self.cycle_id:
            candidates = candidates.filtered(
                lambda partner: partner._get_lead_billing_cycle() == self.cycle_id
            )
        due = self._get_due_charges(candidates)
        found = set()
        by_period = defaultdict(set)
        for partner, charges in due.items():
            for each in charges:
                if each.charge.kind in SHARED_KINDS:
                    by_period[each.start, each.end].add(partner.id)
                else:
                    found.add(partner.id)
        # What lowers the price of leads needs leads, on documents of its period.
        for (start, end), partner_ids in by_period.items():
            found |= {
                buyer.id
                for buyer, _count in self.env["account.move"]._read_group(
                    [
                        ("company_id", "=", self.company_id.id),
                        ("commercial_partner_id", "in", list(partner_ids)),
                        ("lead_run_id", "!=", False),
                        ("lead_window_end", ">", start),
                        ("lead_window_end", "<=", end),
                    ],
                    ["commercial_partner_id"],
                    ["__count"],
                )
            }
        return found

    def _find_charge_candidates(self):
        """Return the buyers that a charge may be due for: those with a charge of their
        own or one that waits; and, where their cycle or company has one, those that
        have a billing cycle or have ever bought a lead."""
        company = self.company_id
        partners = self.env["res.partner"].with_company(company)
        charges = self._get_company_charges()
        # Whose charges wait for a document?
        waiting = self.env.execute_query(
            SQL(
                "SELECT DISTINCT partner_id FROM lead_billed_charge"
                " WHERE company_id = %s AND %s",
                company.id,
                charge_waits_sql(),
            )
        )
        candidates = charges.partner_id | partners.browse([row[0] for row in waiting])
        if charges.filtered(lambda charge: not charge.partner_id):
            self.env["lead.sale"].flush_model(["commercial_partner_id", "company_id"])
            # Which contacts have ever bought a lead of this company?
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT partner.commercial_partner_id
                      FROM res_partner partner
                     WHERE EXISTS (SELECT FROM lead_sale sale
                                    WHERE sale.commercial_partner_id = partner.id
                                      AND sale.company_id = %s)
                    """,
                    company.id,
                )
            )
            candidates |= partners.browse(list({row[0] for row in rows}))
            candidates |= partners.search([("lead_billing_cycle_id", "!=", False)])
        return candidates.with_company(company).filtered(
            lambda partner: (
                partner.active
                and partner.commercial_partner_id == partner
                and not partner.lead_billing_hold
            )
        )

    def _get_company_charges(self):
        # Whoever bills bills what was agreed.
        return (
            self.env["lead.billing.charge"]
            .sudo()
            .search([("company_id", "=", self.company_id.id)])
        )

    def _get_due_charges(self, partners):
        """Return the charges that are due for buyers in this run: of its window, of the
        calendar months that ended since their last document, and those that wait.

        :return: {partner: list of :class:`DueCharge`, the oldest period first}
        """
        self.ensure_one()
        charges = self._get_company_charges()
        partners = partners.with_company(self.company_id)
        waiting, settled = self._read_charged_periods(partners)
        due = {}
        by_buyer = charges.grouped("partner_id")
        begins = self._get_charge_begins(partners, by_buyer) if charges else {}
        reopened = self._get_reopened(partners) if charges else {}
        common = by_buyer.get(self.env["res.partner"], charges.browse())
        for partner in partners:
            own = common | by_buyer.get(partner, charges.browse())
            cycle = self.cycle_id or partner._get_lead_billing_cycle()
            zone = self._get_charge_tz(cycle)
            taken = waiting[partner.id] | settled[partner.id]
            # What ended before it could be billed, or was archived, is not billed.
            found = {
                each
                for each in waiting[partner.id]
                if each.charge._applies_on(each.get_last_day(self.env, zone))
            }
            begin = begins.get(partner.id, ChargeBegin(None))
            floor = self._get_charge_floor(zone, reopened.get(partner.id))
            found |= {
                each
                for each in self._find_agreed_charges(partner, own, cycle, begin, floor)
                if not any(each.repeats(other) for other in taken)
            }
            if found:
                due[partner] = sorted(found, key=lambda e: (e.end, e.charge.id))
        return due

    def _find_agreed_charges(self, partner, charges, cycle, begin, floor):
        """Return the charges of the periods of this run that a buyer owes, whether they
        were charged or not.

        :param charges: of the buyer and of all
        :param begin: :class:`ChargeBegin`
        :param floor: see :meth:`_get_charge_periods`
        :return: set of :class:`DueCharge`
        """
        periods = self._get_charge_periods(cycle, begin.months, floor)
        open_periods = self._get_open_periods(cycle)
        found = set()
        for kind, start, end in periods + open_periods:
            is_open = (kind, start, end) in open_periods
            last = last_instant(start, end)
            day = local_day(self.env, last, self._get_charge_tz(cycle))
            for charge in charges._get_winners(partner, cycle, day):
                each = DueCharge(charge, start, end)
                is_meant = charge.kind in SHARED_KINDS or not is_open
                if charge.period == kind and is_meant and not each.is_before(begin):
                    found.add(each)
        return found

    def _read_charged_periods(self, partners):
        """Return the charges of buyers that wait for a document, and those that are
        billed, or looked at.

        :return: two default dicts {partner id: set of :class:`DueCharge`}
        """
        waiting, settled = defaultdict(set), defaultdict(set)
        if not partners:
            return waiting, settled
        self.env.flush_all()
        # Which periods of these buyers were charged, and does something of them wait?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id, charge_id, period_start, max(period_end),
                       bool_or(%s)
                  FROM lead_billed_charge
                 WHERE company_id = %s AND partner_id IN %s
                 GROUP BY partner_id, charge_id, period_start
                """,
                charge_waits_sql(),
                self.company_id.id,
                tuple(partners.ids),
            )
        )
        # Whoever bills bills what was agreed.
        charges = self.env["lead.billing.charge"].sudo()
        for partner_id, charge_id, start, end, waits in rows:
            due = DueCharge(charges.browse(charge_id), start, end)
            (waiting if waits else settled)[partner_id].add(due)
        return waiting, settled

    def _get_charge_periods(self, cycle, since, floor):
        """Return the periods whose charges are due: the window, and calendar months.

        :param cycle: the one that bills the buyer, if any
        :param since: when what the buyer was last billed for ended, naive UTC; months
            that ended until then had their document
        :param floor: nothing that ended until then is charged, naive UTC or None
        :return: list of (period, start, end)
        """
        months = []
        if since:
            zone = get_zone(self.env, self._get_charge_tz(cycle))
            since = max(since, floor or since)
            months = months_ending(since, self._get_charge_horizon(), zone)
        return [
            *(("month", start, end) for start, end in months),
            *(
                ("window", start, end)
                for start, end in self._get_charge_windows(cycle, since)
                if not floor or end > floor
            ),
        ]

    def _get_open_periods(self, cycle):
        """Return the periods that are not over, of which only what lowers the price of
        leads is due: those that end as an account is closed.

        :return: as :meth:`_get_charge_periods`
        """
        if not self.closes_account:
            return []
        tz, end = self._get_charge_tz(cycle), self.window_end
        first = local_day(self.env, end - timedelta.resolution, tz).replace(day=1)
        periods = [("month", day_start(first, get_zone(self.env, tz)), end)]
        window = cycle and cycle._get_window(end)
        if window and window[1] < end:
            periods.append(("window", window[1], end))
        return periods

    def _get_charge_windows(self, cycle, since):
        """Return the window that is charged: the run's own; in a manual run the last
        one of the buyer's schedule that is closed, or without a schedule the days since
        its last document."""
        window = not self.cycle_id and cycle and cycle._get_window(self.window_end)
        if window:
            return [window]
        start = self.window_start or since
        return [(start, self.window_end)] if start and start < self.window_end else []

    def _get_charge_tz(self, cycle):
        return self.tz if self.cycle_id else cycle.tz or self.tz

    def _get_charge_horizon(self):
        """Return until when calendar months are over for this run: no later run has
        anything of them on its documents."""
        end = self.window_end
        schedule = self.cycle_id and self.cycle_id._get_schedule()
        if schedule:
            following = schedule.window(schedule.last_closed(end) + 1)
            end = max(end, following.end - timedelta.resolution)
        return min(end, fields.Datetime.now())

    def _get_charge_floor(self, tz, reopened_at):
        """Return until when nothing is charged to a buyer, naive UTC or None: the
        company's first day of billing, where the buyer is, or when its account was
        opened again."""
        day = self.company_id.lead_billing_start
        start = day and day_start(day, get_zone(self.env, tz))
        return max(filter(None, (start, reopened_at)), default=None)

    def _get_reopened(self, partners):
        """Return when the accounts of buyers were opened again after they had been
        closed, of those that were.

        :return: {partner id: naive UTC}
        """
        # The clerk's rights say nothing about what is owed.
        groups = (
            self.env["lead.account.closing"]
            .sudo()
            ._read_group(
                [
                    ("partner_id", "in", partners.ids),
                    ("company_id", "=", self.company_id.id),
                    ("reopened_at", "!=", False),
                    # Of another contact, until it was merged into this one.
                    ("is_merged", "=", False),
                ],
                ["partner_id"],
                ["reopened_at:max"],
            )
        )
        return {partner.id: moment for partner, moment in groups}

    def _get_charge_begins(self, partners, own):
        """Return from when on each buyer is charged: when what it was last billed for,
        with its charges, ended; or when it bought its first lead that is billed here;
        or when its own first charge began, but not before it was a contact. Who has
        none of them has a billing cycle: what all owe, it owes from this run's window
        on.

        :param own: {buyer: its own charges}
        :return: {partner id: :class:`ChargeBegin`}
        """
        if not partners:
            return {}
        self.env.flush_all()
        # Where did the last document with charges of each buyer end; else when did it
        # buy its first lead that was not billed elsewhere?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner.id, charged.until,
                       CASE WHEN charged.until IS NULL THEN (
                       SELECT min(sale.date)
                         FROM res_partner contact
                         JOIN lead_sale sale
                              ON sale.commercial_partner_id = contact.id
                        WHERE contact.commercial_partner_id = partner.id
                          AND sale.company_id = %(company)s
                          AND (%(billing_start)s::timestamp IS NULL
                               OR sale.date >= %(billing_start)s)) END
                  FROM res_partner partner
                 CROSS JOIN LATERAL (
                       SELECT max(move.lead_window_end) AS until
                         FROM account_move move
                         JOIN lead_invoice_run run ON run.id = move.lead_run_id
                        WHERE move.commercial_partner_id = partner.id
                          AND move.company_id = %(company)s
                          AND move.lead_run_id IS NOT NULL
                          AND move.lead_window_end < %(end)s
                          AND move.state != 'cancel'
                          AND (run.cycle_id IS NOT NULL OR run.include_charges)
                       ) charged
                 WHERE partner.id IN %(partners)s
                """,
                company=self.company_id.id,
                end=self.window_end,
                billing_start=self.company_id._get_lead_billing_start(),
                partners=tuple(partners.ids),
            )
        )
        begins = {}
        zone = get_zone(self.env, self.tz)
        found = {partner_id: values for partner_id, *values in rows}
        for partner in partners:
            until, first_lead = found[partner.id]
            if until:
                begins[partner.id] = ChargeBegin(until)
                continue
            common = agreed = self._get_charge_window_start(partner)
            if partner in own:
                agreed = day_start(min(own[partner].mapped("date_from")), zone)
            common, agreed = (
                begin and max(begin, partner.create_date or begin)
                for begin in (common, agreed)
            )
            begins[partner.id] = ChargeBegin(
                first_lead or min(filter(None, (common, agreed)), default=None),
                first_lead or common,
                min(filter(None, (first_lead, agreed)), default=None),
            )
        return begins

    def _get_charge_window_start(self, partner):
        """Return when the window began that a buyer without any lead is charged for;
        a false value in a manual run where it has no schedule."""
        cycle = not self.cycle_id and partner._get_lead_billing_cycle()
        window = cycle and cycle._get_window(self.window_end)
        return window[0] if window else self.window_start
