"""Does what was billed add up? Asked in SQL, without the addon's code."""

from decimal import Decimal

from tools.shell import Failure, say

from . import sample

# Per month of the transactions in New York: buyers, sales, returns, net amount; of
# transactions that a posted document bills.
BILLED_BY_MONTH = f"""
    SELECT to_char(
               sale.date AT TIME ZONE 'UTC' AT TIME ZONE '{sample.TIME_ZONE}',
               'YYYY-MM'
           ),
           count(DISTINCT sale.commercial_partner_id),
           count(*) FILTER (WHERE sale.transaction_type = 'sale'),
           count(*) FILTER (WHERE sale.transaction_type = 'return'),
           sum(sale.amount)::numeric(20, 2)
      FROM lead_sale AS sale
      JOIN account_move_line AS line ON line.id = sale.invoice_line_id
      JOIN account_move AS move ON move.id = line.move_id
     WHERE move.state = 'posted'
  GROUP BY 1
  ORDER BY 1
"""

# Documents whose lead lines, as priced or as booked, are not the sum of their
# transactions; one that bills nothing at all is among them. Only lead lines are there:
# nobody added a fee.
UNTIED_DOCUMENTS = """
    WITH document AS (
        SELECT line.move_id,
               sum(
                   round(line.quantity * line.price_unit, 2)
                   * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
               ) AS priced,
               -sum(line.balance) AS booked
          FROM account_move_line AS line
          JOIN account_move AS move ON move.id = line.move_id
         WHERE move.move_type IN ('out_invoice', 'out_refund')
           AND move.state != 'cancel'
           AND line.display_type = 'product'
      GROUP BY line.move_id
    ), ledger AS (
        SELECT line.move_id, sum(sale.amount) AS amount
          FROM lead_sale AS sale
          JOIN account_move_line AS line ON line.id = sale.invoice_line_id
      GROUP BY line.move_id
    )
    SELECT document.move_id, priced, booked, ledger.amount
      FROM document
 LEFT JOIN ledger ON ledger.move_id = document.move_id
     WHERE ledger.amount IS NULL
        OR round(priced - ledger.amount::numeric, 2) != 0
        OR round(booked - ledger.amount::numeric, 2) != 0
"""

TOTALS = """
    SELECT (SELECT count(*) FROM lead_sale),
           (SELECT count(*) FROM lead_sale WHERE invoice_line_id IS NOT NULL),
           (SELECT coalesce(sum(amount), 0)::numeric(20, 2) FROM lead_sale),
           (SELECT coalesce(-sum(line.balance), 0)::numeric(20, 2)
              FROM account_move_line AS line
              JOIN account_move AS move ON move.id = line.move_id
             WHERE move.move_type IN ('out_invoice', 'out_refund')
               AND move.state = 'posted' AND line.display_type = 'product'),
           (SELECT count(*) FROM account_move
             WHERE move_type IN ('out_invoice', 'out_refund') AND state = 'draft'),
           (SELECT count(*) FROM lead_invoice_run_buyer
             WHERE state IN ('todo', 'failed'))
"""

LINE = "{:<9} {:>7} {:>7} {:>8} {:>12}  {}"


def check_billing(instance, rows=None):
    """Compare with the expected totals, say so per month; fail on any difference."""
    problems = compare_months(instance.rows(BILLED_BY_MONTH), sample.get_expected(rows))
    problems += find_untied(instance) + find_loose_ends(instance)
    for problem in problems:
        say(f"wrong: {problem}")
    if problems:
        raise Failure(f"what was billed does not add up: {len(problems)} problems.")
    say("Every month equals what was expected, to the cent.")
    say("Every document equals the sum of its transactions, as priced and as booked.")


def compare_months(billed, expected):
    """Print a line per month and return what differs."""
    say(LINE.format("month", "buyers", "leads", "returned", "net USD", ""))
    billed_by_month = {row[0]: row for row in billed}
    expected_by_month = {row[0]: row for row in expected}
    problems = []
    for month in sorted(billed_by_month | expected_by_month):
        ours = billed_by_month.get(month, (month, "0", "0", "0", "0.00"))
        theirs = expected_by_month.get(month, (month, "0", "0", "0", "0.00"))
        same = _numbers(ours) == _numbers(theirs)
        say(LINE.format(*ours, "equal" if same else f"expected {' '.join(theirs[1:])}"))
        if not same:
            problems.append(f"{month} was billed as {ours[1:]}, expected {theirs[1:]}")
    return problems


def _numbers(row):
    return [Decimal(value) for value in row[1:]]


def find_untied(instance):
    """Return a sentence for each document that is not the sum of its transactions."""
    return [
        f"document {move}: lines {priced}, booked {booked}, transactions"
        f" {amount or 'none'}"
        for move, priced, booked, amount in instance.rows(UNTIED_DOCUMENTS)
    ]


def find_loose_ends(instance):
    """Return what is left over: unbilled rows, drafts, parked buyers."""
    total, billed, amount, booked, drafts, parked = instance.rows(TOTALS)[0]
    problems = []
    if total != billed:
        problems.append(f"{billed} of {total} transactions are on a document")
    if Decimal(amount) != Decimal(booked):
        problems.append(f"transactions are worth {amount}, {booked} was booked")
    if drafts != "0":
        problems.append(f"{drafts} documents are drafts")
    if parked != "0":
        problems.append(f"{parked} work items are not done")
    return problems
