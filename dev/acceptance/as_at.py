"""Is it told rightly, long after, what was unbilled at the end of each month?

Runs in `odoo shell`: the addon's answer beside one in SQL, from the raw facts.
"""

from collections import defaultdict
from datetime import date, timedelta

LINE = "{:<11} {:>7} {:>8} {:>12}  {}"

# Per buyer, lead type and currency: what was sold until the end of a day, is not
# waived, and is on no posted document dated until then. (Nothing was released.)
UNBILLED = """
    SELECT sale.commercial_partner_id, sale.lead_type_id, sale.currency_id,
           count(*), sum(sale.amount)
      FROM lead_sale AS sale
      JOIN res_company AS company ON company.id = sale.company_id
 LEFT JOIN lead_billing_cycle AS cycle ON cycle.id = company.lead_billing_cycle_id
     WHERE (sale.date AT TIME ZONE 'UTC'
            AT TIME ZONE coalesce(cycle.tz, 'UTC'))::date <= %(day)s
       AND sale.waived IS NOT TRUE
       AND NOT EXISTS (
           SELECT FROM account_move_line AS line
             JOIN account_move AS move ON move.id = line.move_id
            WHERE line.id = sale.invoice_line_id
              AND move.state = 'posted' AND move.date <= %(day)s
       )
  GROUP BY 1, 2, 3
"""


def compare(env, _options):
    """Print a line for each month; end with an error when the two differ."""
    print(LINE.format("unbilled at", "buyers", "leads", "USD", ""))
    differing = []
    for day in get_month_ends(env):
        told, summed = get_told(env, day), get_summed(env, day)
        count = sum(count for count, _amount in told.values())
        amount = sum(amount for _count, amount in told.values())
        buyers = len({buyer for buyer, *_rest in told})
        verdict = "equal" if told == summed else "differs"
        line = LINE.format(str(day), buyers, count, f"{amount:.2f}", verdict)
        print(line, flush=True)
        if told != summed:
            differing.append(str(day))
    if differing:
        raise SystemExit(f"Error: not the SQL sum at {', '.join(differing)}.")


def get_month_ends(env):
    """Return the last day of each month that is over, since the first sale."""
    env.cr.execute("SELECT min(date)::date FROM lead_sale")
    (start,) = env.cr.fetchone()
    ends = []
    while start:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        if following > date.today():
            break
        ends.append(following - timedelta(days=1))
        start = following
    return ends


def get_told(env, day):
    """Return {(buyer, lead type, currency): (leads, amount)} as the addon tells it."""
    told = defaultdict(lambda: (0, 0.0))
    for row in env["lead.sale"]._read_unbilled_as_at(day):
        key = (row["partner_id"], row["lead_type_id"], row["currency_id"])
        count, amount = told[key]
        told[key] = (count + row["sale_count"], round(amount + row["amount"], 2))
    return told


def get_summed(env, day):
    """Return the same as SQL sums it up."""
    env.cr.execute(UNBILLED, {"day": day})
    rows = env.cr.fetchall()
    return {tuple(key): (count, round(amount, 2)) for *key, count, amount in rows}
