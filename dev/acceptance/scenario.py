"""How each buyer of the sample is billed, by rule, and what those who prepay pay in.

Pure Python, without Odoo: used inside Odoo by `load` and outside by the tests.
"""

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from dev.acceptance import sample

# In the order of their references, of twenty buyers in a row these are special: they
# pay before, want a purchase order number printed, or one invoice per lead type; or
# have a branch, which is the buyer after them.
PREPAID, PO_NUMBER, BY_LEAD_TYPE, HEAD, BRANCH = 3, 7, 11, 18, 19
IN_A_ROW = 20

# Who prepays pays in such round sums, in dollars.
ROUND_SUM = Decimal(50)
# Of the prepaid buyers that would have to pay in again, the first, the fifth, … do not.
RUNNING_DRY = 4

# References of what is recorded after the sample was billed and checked begin so.
NOW = "NOW-"
OF_SAMPLE = f"external_ref NOT LIKE '{NOW}%'"
SAMPLE_DOCUMENTS = f"""
    SELECT line.move_id
      FROM account_move_line AS line
      JOIN lead_sale AS sale ON sale.invoice_line_id = line.id
     WHERE {OF_SAMPLE}
"""


def get_parts(rows):
    """Return {buyer reference: one of the parts above, or None}."""
    parts = {PREPAID, PO_NUMBER, BY_LEAD_TYPE, HEAD, BRANCH}
    return {
        ref: place if (place := number % IN_A_ROW) in parts else None
        for number, ref in enumerate(sample.get_buyers(rows))
    }


def get_heads(rows):
    """Return {reference of a branch: reference of the buyer that is billed for it}."""
    refs = list(sample.get_buyers(rows))
    heads = refs[HEAD::IN_A_ROW]
    return dict(zip(refs[BRANCH::IN_A_ROW], heads, strict=False))


def is_monthly(buyer_ref):
    """Every other buyer is billed monthly, the rest weekly."""
    return int(buyer_ref.lstrip("B").split("-")[0]) % 2 == 0


# Deposits


def plan_deposits(rows):
    """Return (reference, local day, amount) of what prepaid buyers pay in, by day.

    A buyer pays in, in round sums, before it buys what its balance does not cover.
    Some pay in but once: their deposit runs dry.
    """
    parts = get_parts(rows)
    plans = {
        ref: _plan_deposits_of(days)
        for ref, days in _sum_purchases(rows).items()
        if parts[ref] == PREPAID
    }
    again = [ref for ref, plan in plans.items() if len(plan) > 1]
    for ref in again[::RUNNING_DRY]:
        del plans[ref][1:]
    deposits = [(ref, *deposit) for ref, plan in plans.items() for deposit in plan]
    return sorted(deposits, key=lambda deposit: (deposit[1], deposit[0]))


def _plan_deposits_of(days):
    plan, balance = [], Decimal(0)
    for day in sorted(days):
        balance -= days[day]
        if balance < 0:
            sums = (-balance / ROUND_SUM).to_integral_value(ROUND_CEILING)
            plan.append((day, sums * ROUND_SUM))
            balance += sums * ROUND_SUM
    return plan


def _sum_purchases(rows):
    """Return {reference: {local day: sum of prices}}, sales only."""
    days = {ref: defaultdict(Decimal) for ref in sample.get_buyers(rows)}
    for row in rows:
        if row["type"] == "sale":
            day = sample.get_local_date(row["occurred_at"])
            days[row["buyer_ref"]][day] += Decimal(row["price"])
    return days


# Mails


def choose_mailed(rows, limit):
    """References of buyers who together get at most `limit` documents.

    `None` is no limit. Taken in the order of their references, small and large, none
    with more than a quarter of the mails, those with returns or a part of their own
    first: their documents show more.
    """
    counts = count_documents(rows)
    if limit is None:
        return set(counts)
    chosen, share = set(), max(limit // 4, 1)
    first = {row["buyer_ref"] for row in rows if row["type"] == "return"}
    first |= {ref for ref, part in get_parts(rows).items() if part}
    for ref in sorted(counts, key=lambda ref: (ref not in first, ref)):
        if counts[ref] <= min(limit, share):
            chosen.add(ref)
            limit -= counts[ref]
    return chosen


def count_documents(rows):
    """The most documents each billed buyer can get: one per window and split, one per
    return."""
    parts, heads = get_parts(rows), get_heads(rows)
    windows = defaultdict(set)
    returns = defaultdict(int)
    for row in rows:
        ref = heads.get(row["buyer_ref"], row["buyer_ref"])
        windows[ref].add(
            (
                _get_window_start(ref, row["occurred_at"]),
                parts[ref] == BY_LEAD_TYPE and row["lead_type"],
            )
        )
        returns[ref] += row["type"] == "return"
    return {ref: len(windows[ref]) + returns[ref] for ref in sorted(windows)}


def _get_window_start(buyer_ref, occurred_at):
    day = sample.get_local_date(occurred_at)
    if is_monthly(buyer_ref):
        return day.replace(day=1)
    return day - timedelta(days=day.weekday())
