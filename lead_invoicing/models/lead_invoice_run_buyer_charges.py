from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

from psycopg2.errors import UniqueViolation

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from ..tools.charges import round_half_up
from ..tools.concurrency import hold_sql
from .account_move import sign_sql
from .lead_billing_charge import KIND_ORDER, SHARED_KINDS
from .lead_invoice_run_buyer_plan import PlannedDocument, to_decimal


@dataclass
class PlannedChargeLine:
    """What becomes one line of an agreed charge."""

    amount: Decimal  # before tax; below zero it lowers the total
    tax_ids: list[int] | None = None  # None: those of the product, as Odoo has it
    lead_tax_ids: list[int] | None = None  # of the leads that it lowers the price of


@dataclass
class PlannedCharge:
    """An agreed charge as it is billed on one document, or is found to be nothing."""

    charge: models.Model
    periods: list  # of DueCharge
    lines: list[PlannedChargeLine] = field(default_factory=list)
    count: int = 0  # leads that it is about
    base: Decimal = Decimal()  # what it is worked out from, before tax
    billed: models.Model | None = None  # what was taken off leads that are returned


class LeadInvoiceRunBuyer(models.Model):
    """Bill agreed charges: each once for each buyer and period, on the first document
    of the run, as lines that the tie-out does not look at."""

    _inherit = "lead.invoice.run.buyer"

    # Planning

    def _add_charges(self, documents):
        """Put the charges that are due onto the first document of each buyer and
        currency; onto one of their own where there is none.

        What counts for them is what is billed: the other documents that are below the
        buyer's minimum amount, or come to nothing, wait from here on.

        :param documents: list of :class:`PlannedDocument`, which may grow; where zero
            totals are not issued, those without charges are made here
        """
        self._add_return_shares(documents)
        if not self.run_id.include_charges:
            return
        due = self.run_id._get_due_charges(self.partner_id)
        starts = self._get_period_starts() if due else {}
        for item in self:
            by_currency = defaultdict(list)
            for each in due.get(item.partner_id, ()):
                by_currency[each.charge.currency_id].append(each)
            for currency, charges in by_currency.items():
                start = min(starts[item.partner_id.id], *(c.start for c in charges))
                item._add_charges_of_currency(documents, currency, start, charges)

    def _add_charges_of_currency(self, documents, currency, start, due):
        """Put charges of one currency onto this buyer's first document in it.

        :param start: of the period of a document that has nothing else
        :param due: list of ``DueCharge``
        """
        due = self._hold_charges_for_trouble(documents, currency, start, due)
        if not due:
            return
        own = [
            document
            for document in documents
            if document.item == self
            and document.currency_id == currency.id
            and document.is_to_make
        ]
        bearers = [document for document in own if not document.credited_move_id]
        if bearers:
            # The first that leads come to something on: others may have to wait.
            bearer = min(bearers, key=lambda document: not document.amount)
        else:
            bearer = PlannedDocument(self, start, currency.id, None, None)
            documents.append(bearer)
        others = [document for document in own if document is not bearer]
        self._hold_back(others)
        self._hold_zero_totals(others)
        made = [document for document in own if document.is_to_make]
        planned = self._plan_charges(made, currency, due)
        by_trouble = defaultdict(list)
        for charge in planned:
            trouble = charge.lines and self._get_charge_trouble(bearer, charge)
            by_trouble[trouble or ""].append(charge)
        bearer.charges += by_trouble.pop("", [])
        documents += [
            replace(bearer, lines=[], charges=charges, trouble=trouble)
            for trouble, charges in by_trouble.items()
        ]

    def _hold_charges_for_trouble(self, documents, currency, start, due):
        """Let all but fees wait while leads of this buyer cannot be billed for some
        trouble: they are billed once it is over, and count then.

        :param documents: list of :class:`PlannedDocument`, which may grow
        :return: those of the charges that are due all the same
        """
        trouble = next(
            (
                document.trouble
                for document in documents
                if document.item == self
                and document.currency_id == currency.id
                and document.lines
                and document.trouble
            ),
            None,
        )
        held = [each for each in due if trouble and each.charge.kind != "fee"]
        if held:
            charges = [
                PlannedCharge(each.charge, [each], [PlannedChargeLine(Decimal())])
                for each in held
            ]
            documents.append(
                PlannedDocument(
                    self,
                    start,
                    currency.id,
                    None,
                    None,
                    trouble=trouble,
                    charges=charges,
                )
            )
        return [each for each in due if each not in held]

    def _plan_charges(self, documents, currency, due):
        """Work out charges of one currency: tiers, discounts, minimums, fees; those of
        one lead type before those of all.

        :param documents: that this run makes for the buyer in that currency
        :param due: list of ``DueCharge``
        :return: list of :class:`PlannedCharge`
        """
        planned = []
        by_charge = defaultdict(list)
        for each in due:
            by_charge[each.charge].append(each)
        for charge in sorted(
            by_charge,
            key=lambda c: (KIND_ORDER.index(c.kind), not c.lead_type_id, c.id),
        ):
            periods = by_charge[charge]
            if charge.kind == "minimum":
                # What waited counts together: its leads are billed here, too.
                planned.append(
                    self._plan_minimum(documents, planned, currency, periods)
                )
                continue
            for period in periods:
                if charge.kind == "fee":
                    line = PlannedChargeLine(
                        round_half_up(to_decimal(charge.amount), currency.rounding)
                    )
                    planned.append(PlannedCharge(charge, [period], [line]))
                else:
                    planned.append(
                        self._plan_shares(documents, planned, currency, period)
                    )
        return planned

    def _plan_minimum(self, documents, planned, currency, periods):
        """Top up what the documents of some periods bill, less discounts, to the
        agreed minimum."""
        charge = periods[0].charge
        # What is made already is read with what was made before.
        documents = [document for document in documents if not document.move]
        base = Decimal()
        for period in periods:
            base += self._read_charge_base(charge, period)
            base += sum(
                self._get_charge_untaxed(other.charge, line)
                for other in planned
                if self._counts_for_minimum(other.charge, charge)
                and any(each.is_part_of(period) for each in other.periods)
                for line in other.lines
            )
            if period.start < self.run_id.window_end <= period.end:
                base += self._get_planned_base(documents, charge)
                base += sum(
                    self._get_charge_untaxed(other.charge, line)
                    for document in documents
                    for other in document.charges
                    if other.billed and self._counts_for_minimum(other.charge, charge)
                    for line in other.lines
                )
        missing = len(periods) * to_decimal(charge.amount) - base
        missing = round_half_up(missing, currency.rounding)
        lines = [PlannedChargeLine(missing)] if missing > 0 else []
        return PlannedCharge(charge, periods, lines, base=base)

    @api.model
    def _counts_for_minimum(self, charge, minimum):
        """Tell whether what one charge bills counts for a minimum spend: what lowers
        the price of its leads, and what one of their type was topped up by."""
        if minimum.lead_type_id and charge.lead_type_id != minimum.lead_type_id:
            return False
        return charge.kind in SHARED_KINDS or (
            charge.kind == "minimum" and charge.lead_type_id and charge != minimum
        )

    def _charged_documents_sql(self, charge, period):
        """Return the condition for the documents of a period of this buyer, on
        ``move``."""
        return SQL(
            """
            move.commercial_partner_id = %s AND move.company_id = %s
            AND move.currency_id = %s AND move.lead_run_id IS NOT NULL
            AND move.state != 'cancel' AND move.lead_credited IS NOT TRUE
            AND move.lead_window_end > %s AND move.lead_window_end <= %s
            """,
            self.partner_id.id,
            self.run_id.company_id.id,
            charge.currency_id.id,
            period.start,
            period.end,
        )

    def _read_charge_base(self, charge, period):
        """Return what the documents of a period bill for leads so far, before tax, less
        what was charged for that period that counts for a minimum spend."""
        self.env.flush_all()
        # What do the lead lines of the period's documents come to, and the lines of
        # charges for that period that count, wherever they are?
        ((amount,),) = self.env.execute_query(
            SQL(
                """
                SELECT COALESCE(sum(%(sign)s * price_subtotal), 0)
                  FROM (SELECT line.price_subtotal, move.move_type
                          FROM account_move move
                          JOIN account_move_line line ON line.move_id = move.id
                         WHERE %(documents)s
                           AND (line.lead_type_id IS NOT NULL
                                AND (%(all)s OR line.lead_type_id = %(type)s)
                                OR line.lead_billed_charge_id IS NOT NULL
                                AND (%(all)s OR EXISTS (
                                     SELECT FROM lead_billing_charge charge
                                      WHERE charge.id = line.lead_charge_id
                                        AND charge.lead_type_id = %(type)s)))
                         UNION ALL
                        SELECT line.price_subtotal, move.move_type
                          FROM (SELECT DISTINCT invoice_line_id, charge_id
                                  FROM lead_billed_charge
                                 WHERE partner_id = %(partner)s
                                   AND company_id = %(company)s
                                   AND period_end > %(start)s
                                   AND period_end <= %(end)s
                                   -- A month is no part of a week that it ends in.
                                   AND period_end - period_start
                                       <= %(end)s::timestamp - %(start)s::timestamp
                               ) billed
                          JOIN lead_billing_charge charge
                            ON charge.id = billed.charge_id
                          JOIN account_move_line line
                            ON line.id = billed.invoice_line_id
                          JOIN account_move move ON move.id = line.move_id
                         WHERE move.lead_credited IS NOT TRUE
                           AND charge.currency_id = %(currency)s
                           AND charge.id != %(charge)s
                           AND (%(all)s OR charge.lead_type_id = %(type)s)
                           AND (charge.kind IN %(shared)s
                                OR charge.kind = 'minimum'
                                   AND charge.lead_type_id IS NOT NULL)) line
                """,
                sign=sign_sql("line"),
                documents=self._charged_documents_sql(charge, period),
                all=not charge.lead_type_id,
                type=charge.lead_type_id.id or None,
                partner=self.partner_id.id,
                company=self.run_id.company_id.id,
                start=period.start,
                end=period.end,
                currency=charge.currency_id.id,
                charge=charge.id,
                shared=SHARED_KINDS,
            )
        )
        return to_decimal(amount)

    def _get_planned_base(self, documents, charge):
        """Return what documents that are not made yet bill for leads, before tax."""
        amount = sum(
            self._get_planned_untaxed(document, line)
            for document in documents
            for line in document.lines
            if not charge.lead_type_id or line.lead_type_id == charge.lead_type_id.id
        )
        return to_decimal(amount)

    def _get_planned_taxes(self, document, line):
        """Return the taxes that a planned lead line will have."""
        if line.tax_ids is not None:
            return self.env["account.tax"].browse(line.tax_ids)
        known = document.product_taxes
        if line.lead_type_id not in known:
            lead_type = self.env["lead.type"].browse(line.lead_type_id)
            lead_line = self._new_lead_line(document, lead_type)
            known[line.lead_type_id] = lead_line.tax_ids._origin
        return known[line.lead_type_id]

    def _get_planned_untaxed(self, document, line):
        """Return what a planned lead line comes to before tax."""
        return self._get_untaxed(
            self._get_planned_taxes(document, line),
            line.amount,
            self.env["res.currency"].browse(document.currency_id),
            self.env["lead.type"].browse(line.lead_type_id).product_id,
            line.price,
            1 if line.price is None else line.count,
        )

    def _get_charge_untaxed(self, charge, line):
        """Return what a planned line of a charge comes to before tax."""
        taxes = self.env["account.tax"].browse(line.tax_ids or [])
        return self._get_untaxed(
            taxes, line.amount, charge.currency_id, charge.product_id
        )

    def _get_untaxed(self, taxes, amount, currency, product, price=None, count=1):
        """Return what an amount, below zero for what lowers the total, comes to before
        the taxes that it includes.

        :param price: of each, of so many; None where the amount is that of one
        """
        if not taxes.flatten_taxes_hierarchy().filtered("price_include"):
            return amount
        price = float(abs(amount) if price is None else price)
        details = taxes.compute_all(price, currency, count, product)
        total = to_decimal(details["total_excluded"])
        return -total if amount < 0 else total

    # Storing

    def _store_charges(self, documents):
        """Note which charges are billed on which lines, which wait, and where there was
        nothing to charge.

        :param documents: all that were planned, list of :class:`PlannedDocument`
        :raises ConcurrencyError: when another worker bills one of them
        """
        documents = [document for document in documents if document.charges]
        if not documents:
            return
        planned = [one for document in documents for one in document.charges]
        self._hold_new_charges({one.charge.id for one in planned})
        try:
            for document in documents:
                document.item._store_document_charges(document)
        except UniqueViolation as error:
            # Tried again, it sees what the other one did.
            raise ConcurrencyError(str(error)) from error

    def _hold_new_charges(self, ids):
        """Let nobody change what charges are while they are billed for the first time:
        later, that they were billed is seen."""
        self.env.flush_all()
        new = SQL(
            """(SELECT id FROM lead_billing_charge charge
                 WHERE id IN %s AND NOT EXISTS (
                       SELECT FROM lead_billed_charge WHERE charge_id = charge.id))""",
            tuple(ids),
        )
        self.env.execute_query(hold_sql("lead_billing_charge", "active", new))

    def _store_document_charges(self, document):
        lines = iter(
            document.move.invoice_line_ids.filtered(
                lambda line: line.lead_charge_id and not line.lead_billed_charge_id
            ).sorted("sequence")
            if document.move
            else ()
        )
        for planned in document.charges:
            if planned.billed:
                continue
            if document.move:
                vals_list = [
                    {"amount": float(line.amount), "invoice_line_id": next(lines).id}
                    for line in planned.lines
                ]
            else:
                # One that waits stands for all of its lines: they are counted anew.
                vals_list = [{}] if planned.lines else []
            self._store_charge(planned, vals_list or [{"is_nothing": True}])

    def _store_charge(self, planned, vals_list):
        """Replace what waits of a charge by what is billed now.

        :param vals_list: of ``lead.billed.charge``, one for each line of the charge
        """
        billed = self.env["lead.billed.charge"]
        for period in planned.periods:
            rows = billed.search(
                [
                    ("charge_id", "=", planned.charge.id),
                    ("partner_id", "=", self.partner_id.id),
                    ("period_start", "=", period.start),
                ]
            )
            waiting = rows.filtered(
                lambda row: not (row.invoice_line_id or row.is_nothing)
            )
            waiting.unlink()
            first = max((rows - waiting).mapped("part"), default=-1) + 1
            new = billed.create(
                [
                    {
                        "charge_id": planned.charge.id,
                        "company_id": self.run_id.company_id.id,
                        "partner_id": self.partner_id.id,
                        "buyer_number": self.partner_id.id,
                        "period_start": period.start,
                        "period_end": period.end,
                        "part": part,
                        **vals,
                    }
                    for part, vals in enumerate(vals_list, first)
                ]
            )
            if planned.charge.kind in SHARED_KINDS:
                self._store_shares(period, zip(new, planned.lines, strict=False))
