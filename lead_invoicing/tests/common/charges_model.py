"""What a buyer should be charged, told a second time, in plain words and numbers.

Nothing of the addon is used here. Weeks have numbers; those of November are 0 to 3, and
November is charged with week 4. All amounts are exact decimals.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

KINDS = ["tier", "discount", "minimum", "fee"]
NOVEMBER = range(4)
CENT = Decimal("0.01")


def cents(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass
class Lead:
    price: Decimal
    lead_type: str
    date: object
    week: int  # of its document
    returns: list = field(default_factory=list)  # (week of the document, amount)
    shares: list = field(default_factory=list)  # (billed, exact amount, base)

    @property
    def left(self):
        return self.price - sum(amount for _week, amount in self.returns)

    def whole_return(self):
        """Return the week of the return that left nothing."""
        if self.returns and not self.left:
            return self.returns[-1][0]
        return None


@dataclass
class Billed:
    """A charge for one period."""

    kind: str
    lead_type: str | None
    weeks: list
    week: int  # of its document
    amount: Decimal
    exact_kept: Decimal = Decimal(0)
    kept: list = field(default_factory=list)  # (week of the document, amount)


class ChargesModel:
    """One buyer.

    :param terms: {kind: dict with ``period``, ``lead_type``, and ``amount``,
        ``percent``, or ``mode`` and ``steps``}
    """

    def __init__(self, terms):
        self.terms = terms
        self.leads = []
        self.billed = []
        self.credited = set()  # weeks whose documents were reversed

    def end_week(self, week, sold, returned):
        """Bill a week.

        :param sold: list of :class:`Lead`
        :param returned: list of (lead, amount)
        :return: {kind: what its lines come to on the documents of the week}
        """
        lines = dict.fromkeys(KINDS, Decimal(0))
        self.leads += sold
        touched = []
        for lead, amount in returned:
            lead.returns.append((week, amount))
            for billed, exact, base in lead.shares:
                if billed.week not in self.credited:
                    billed.exact_kept += exact * amount / base
                    touched.append(billed)
        for billed in {id(b): b for b in touched}.values():
            amount = cents(billed.exact_kept) - sum(a for _week, a in billed.kept)
            billed.kept.append((week, amount))
            lines[billed.kind] += amount
        for kind in KINDS:
            terms = self.terms.get(kind)
            if not terms:
                continue
            if terms["period"] == "window":
                weeks = [week]
            elif week == NOVEMBER.stop:
                weeks = list(NOVEMBER)
            else:
                continue
            weeks = [each for each in weeks if each not in self.credited]
            billed = Billed(kind, terms["lead_type"], weeks, week, Decimal(0))
            self.billed.append(billed)
            billed.amount = getattr(self, f"charge_{kind}")(terms, billed)
            lines[kind] += billed.amount
        return lines

    # Kinds

    def charge_fee(self, terms, _billed):
        return terms["amount"]

    def charge_minimum(self, terms, billed):
        spent = Decimal(0)
        for lead in self.leads:
            if terms["lead_type"] in (None, lead.lead_type):
                spent += lead.price if lead.week in billed.weeks else 0
                spent -= sum(a for week, a in lead.returns if week in billed.weeks)
        for other in self.billed:
            if other.kind not in ("tier", "discount"):
                continue
            if terms["lead_type"] not in (None, other.lead_type):
                continue
            is_of_period = other.weeks and set(other.weeks) <= set(billed.weeks)
            if is_of_period and other.week not in self.credited:
                spent += other.amount
            spent += sum(a for week, a in other.kept if week in billed.weeks)
        return max(terms["amount"] - spent, Decimal(0))

    def charge_discount(self, terms, billed):
        return self.share(
            billed,
            self.get_leads(terms, billed),
            lambda _place, _lead, net: net * terms["percent"] / 100,
        )

    def charge_tier(self, terms, billed):
        leads = self.get_leads(terms, billed)
        elsewhere = sum(
            lead.whole_return() in billed.weeks and lead.week not in billed.weeks
            for lead in self.leads
            if terms["lead_type"] in (None, lead.lead_type)
        )

        def get_share(place, lead, net):
            count = (len(leads) if terms["mode"] == "all" else place) - elsewhere
            reached = [step for step in terms["steps"] if step[0] <= count]
            if not reached:
                return Decimal(0)
            _count, price, percent = max(reached)
            if not price:
                return net * percent / 100
            if not lead.price:
                return Decimal(0)
            return max(net - price * lead.left / lead.price, Decimal(0))

        return self.share(billed, leads, get_share)

    # Shares

    def get_leads(self, terms, billed):
        """Return the leads that count: sold in the period, and not returned in it."""
        return sorted(
            (
                lead
                for lead in self.leads
                if lead.week in billed.weeks
                and lead.whole_return() not in billed.weeks
                and terms["lead_type"] in (None, lead.lead_type)
            ),
            key=lambda lead: lead.date,
        )

    def share(self, billed, leads, get_share):
        shares = []
        for place, lead in enumerate(leads, 1):
            taken = sum(
                exact
                for other, exact, _base in lead.shares
                if other.week not in self.credited
            )
            net = max(lead.left - taken, Decimal(0))
            shares.append((lead, get_share(place, lead, net), lead.left))
        total = cents(sum((exact for _lead, exact, _base in shares), Decimal(0)))
        if total:
            for lead, exact, base in shares:
                if exact:
                    lead.shares.append((billed, exact, base))
        return -total
