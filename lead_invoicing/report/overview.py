"""What the cards of the overview are counted from, and the reading of it."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from dateutil.relativedelta import relativedelta

from odoo.fields import Domain

MONTHS = 12
# By what the unbilled is told apart on the overview.
UNBILLED_KEYS = ("cycle_id", "in_next_run", "reason", "age", "currency_id")


@dataclass(frozen=True)
class Source:
    """The records of a card. It is counted and summed from them, and opens them, so
    that a figure and what it opens cannot differ.

    - ``model``: whose records they are
    - ``action``: the XML id of the window action that shows them
    - ``domain``: which ones; those of the user's companies, by Odoo's rules
    - ``count``: what is counted, an aggregate
    - ``amount``: the field that is summed, by currency; none where nothing is
    - ``currency``: the path to the currency of that field
    - ``context``: of the list that is opened
    """

    model: str
    action: str
    domain: Domain
    count: str = "__count"
    amount: str = ""
    currency: str = "currency_id"
    context: dict = field(default_factory=dict)


@dataclass(frozen=True)
class UnbilledSource:
    """Unbilled leads, as :class:`Source`, told by the values of some of
    ``UNBILLED_KEYS``."""

    values: dict
    context: dict = field(default_factory=dict)
    model: str = "lead.unbilled"
    action: str = "lead_invoicing.action_lead_unbilled"
    amount: str = "amount"

    @property
    def domain(self):
        return Domain([(name, "=", value) for name, value in self.values.items()])


class OverviewReader:
    """Reads what one look at the overview shows. What several cards tell of is asked
    once for all of them.

    :param env: of the user who looks, with the companies that are selected
    """

    def __init__(self, env):
        self.env = env

    def read_source(self, source):
        """Return how many records a source has, and their money.

        :return: (number, list of (currency, amount))
        """
        if isinstance(source, UnbilledSource):
            return self._read_unbilled(source)
        aggregates = [source.count]
        groupby = []
        if source.amount:
            aggregates.append(f"{source.amount}:sum")
            groupby.append(source.currency)
        number, amounts = 0, []
        for row in self.env[source.model]._read_group(
            source.domain, groupby, aggregates
        ):
            if source.amount:
                currency, count, amount = row
                amounts.append((currency, amount))
            else:
                (count,) = row
            number += count
        return number, amounts

    def _read_unbilled(self, source):
        number, amounts = 0, defaultdict(float)
        for group in self.unbilled:
            if all(group[name] == value for name, value in source.values.items()):
                number += group["sale_count"]
                amounts[group["currency_id"]] += group["amount"]
        return number, list(amounts.items())

    @cached_property
    def unbilled(self):
        """What waits to be billed, added up by ``UNBILLED_KEYS``: list of dicts with
        these, ``sale_count`` and ``amount``."""
        names = (*UNBILLED_KEYS, "sale_count", "amount")
        rows = self.env["lead.unbilled"]._read_group(
            [], UNBILLED_KEYS, ["sale_count:sum", "amount:sum"]
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    @cached_property
    def months(self):
        """The first days of the last months, the present one last, in the billing time
        zone of the current company."""
        first = self.env.company._get_lead_today().replace(day=1)
        return [first - relativedelta(months=back) for back in range(MONTHS)][::-1]

    @property
    def billed_domain(self):
        """The lead lines of what was invoiced in these months: not of documents that
        were reversed, whose credit notes have no lead lines, nor what gave back leads
        of these."""
        return Domain(
            [
                ("lead_type_id", "!=", False),
                ("state", "=", "posted"),
                ("invoice_date", ">=", self.months[0]),
                ("invoice_date", "<", self.months[-1] + relativedelta(months=1)),
                ("move_id.lead_credited", "=", False),
                ("lead_origin_move_id", "not any", [("lead_credited", "=", True)]),
            ]
        )

    @cached_property
    def billed(self):
        """What was billed in these months: list of (first day, lead type, currency,
        amount before tax, leads purchased, leads returned)."""
        return self.env["account.invoice.report"]._read_group(
            self.billed_domain,
            ["invoice_date:month", "lead_type_id", "currency_id"],
            [
                "price_subtotal_currency:sum",
                "lead_purchased_count:sum",
                "lead_returned_count:sum",
            ],
        )
