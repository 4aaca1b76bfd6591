"""Does what was billed add up? Asked in SQL, without the addon's code."""

from decimal import Decimal

from dev.acceptance import sample, scenario
from dev.environment.shell import Failure, say

# Per month of the transactions in New York: buyers, sales, returns, net amount; of the
# sample's transactions that a posted document bills.
BILLED_BY_MONTH = f"""
    SELECT to_char(
               sale.date AT TIME ZONE 'UTC' AT TIME ZONE '{sample.TIME_ZONE}',
               'YYYY-MM'
           ),
           count(DISTINCT sale.partner_id),
           count(*) FILTER (WHERE sale.transaction_type = 'sale'),
           count(*) FILTER (WHERE sale.transaction_type = 'return'),
           sum(sale.amount)::numeric(20, 2)
      FROM lead_sale AS sale
      JOIN account_move_line AS line ON line.id = sale.invoice_line_id
      JOIN account_move AS move ON move.id = line.move_id
     WHERE move.state = 'posted' AND {scenario.OF_SAMPLE}
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

# Of the sample: what is there, what is on a document, what was booked; drafts, and
# work items that are not done.
TOTALS = f"""
    SELECT (SELECT count(*) FROM lead_sale WHERE {scenario.OF_SAMPLE}),
           (SELECT count(*) FROM lead_sale
             WHERE invoice_line_id IS NOT NULL AND {scenario.OF_SAMPLE}),
           (SELECT coalesce(sum(amount), 0)::numeric(20, 2) FROM lead_sale
             WHERE {scenario.OF_SAMPLE}),
           (SELECT coalesce(-sum(line.balance), 0)::numeric(20, 2)
              FROM account_move_line AS line
              JOIN account_move AS move ON move.id = line.move_id
             WHERE move.id IN ({scenario.SAMPLE_DOCUMENTS})
               AND move.state = 'posted' AND line.display_type = 'product'),
           (SELECT count(*) FROM account_move
             WHERE id IN ({scenario.SAMPLE_DOCUMENTS}) AND state = 'draft'),
           (SELECT count(*) FROM lead_invoice_run_buyer
             WHERE state IN ('todo', 'failed')
               AND partner_id IN (SELECT commercial_partner_id FROM lead_sale
                                   WHERE {scenario.OF_SAMPLE}))
"""

# Receipts of which something is still to be paid.
UNPAID_RECEIPTS = """
    SELECT name, amount_residual FROM account_move
     WHERE lead_is_receipt AND (amount_residual != 0 OR state != 'posted')
"""

# Per buyer who pays in: what its deposits and its posted documents come to, and what is
# open, for the buyer and for us. At most one of the two may be open, and it is the
# difference.
PREPAID = """
    WITH deposit AS (
        SELECT payment.partner_id, sum(-line.balance) AS amount
          FROM account_payment AS payment
          JOIN account_move_line AS line ON line.move_id = payment.move_id
          JOIN account_account AS account ON account.id = line.account_id
         WHERE account.account_type = 'asset_receivable'
           AND line.parent_state = 'posted'
      GROUP BY payment.partner_id
    ), document AS (
        SELECT commercial_partner_id AS partner_id, sum(amount_total_signed) AS amount
          FROM account_move
         WHERE lead_run_id IS NOT NULL AND state = 'posted'
      GROUP BY commercial_partner_id
    ), receivable AS (
        SELECT line.partner_id,
               sum(greatest(-line.amount_residual, 0)) AS rest,
               sum(greatest(line.amount_residual, 0)) AS due
          FROM account_move_line AS line
          JOIN account_account AS account ON account.id = line.account_id
         WHERE account.account_type = 'asset_receivable'
           AND line.parent_state = 'posted'
      GROUP BY line.partner_id
    )
    SELECT partner.name, deposit.amount::numeric(20, 2),
           coalesce(document.amount, 0)::numeric(20, 2), rest::numeric(20, 2),
           due::numeric(20, 2)
      FROM deposit
      JOIN res_partner AS partner ON partner.id = deposit.partner_id
      JOIN receivable ON receivable.partner_id = deposit.partner_id
 LEFT JOIN document ON document.partner_id = deposit.partner_id
"""

# Deposits, or documents of those who pay in, that are open while a later one is settled
# or part of it: with money, as a credit note settles first what its leads came from.
OUT_OF_ORDER = """
    WITH item AS (
        SELECT line.*, line.amount_residual != 0 AS is_open,
               EXISTS (
                   SELECT FROM account_partial_reconcile AS partial
                     JOIN account_move_line AS credit
                       ON credit.id = partial.credit_move_id
                     JOIN account_move AS giver ON giver.id = credit.move_id
                    WHERE line.id IN (partial.debit_move_id, credit.id)
                      AND giver.move_type != 'out_refund'
               ) AS is_settled
          FROM account_move_line AS line
          JOIN account_account AS account ON account.id = line.account_id
          JOIN account_move AS move ON move.id = line.move_id
         WHERE account.account_type = 'asset_receivable'
           AND line.parent_state = 'posted' AND move.move_type != 'out_refund'
           AND line.partner_id IN (SELECT partner_id FROM account_payment)
    )
    SELECT older.move_name, newer.move_name
      FROM item AS older
      JOIN item AS newer
        ON newer.partner_id = older.partner_id AND newer.balance * older.balance > 0
       AND newer.date_maturity > older.date_maturity
     WHERE older.is_open AND newer.is_settled
"""

# Statements of buyers who pay in: how many there are, and of how many buyers; posted
# documents that have none; those that do not open as the one before closed, or do not
# add up; buyers whose last one, with what came since, is not what the books say.
STATEMENTS = """
    WITH buyer AS (
        SELECT DISTINCT contact.commercial_partner_id AS id
          FROM account_payment AS payment
          JOIN res_partner AS contact ON contact.id = payment.partner_id
    ), last AS (
        SELECT DISTINCT ON (partner_id) partner_id, closing
          FROM lead_statement ORDER BY partner_id, id DESC
    ), receivable AS (
        SELECT contact.commercial_partner_id AS partner_id,
               -sum(line.balance) AS amount,
               -sum(line.balance) FILTER (WHERE lead_statement_id IS NULL) AS since
          FROM account_move_line AS line
          JOIN account_account AS account ON account.id = line.account_id
          JOIN res_partner AS contact ON contact.id = line.partner_id
         WHERE account.account_type = 'asset_receivable'
           AND line.parent_state = 'posted'
      GROUP BY contact.commercial_partner_id
    )
    SELECT (SELECT count(*) FROM lead_statement),
           (SELECT count(*) FROM last),
           (SELECT count(*) FROM account_move AS move
              JOIN buyer ON buyer.id = move.commercial_partner_id
             WHERE move.lead_run_id IS NOT NULL AND move.state = 'posted'
               AND NOT EXISTS (SELECT FROM lead_statement AS statement
                                WHERE statement.move_id = move.id)),
           (SELECT count(*) FROM lead_statement AS statement
         LEFT JOIN lead_statement AS previous ON previous.id = statement.previous_id
             WHERE statement.opening != previous.closing
                OR statement.opening + statement.deposits + statement.purchases
                   + statement.returns + statement.tax + statement.refunds
                   + statement.other + statement.taken_back != statement.closing),
           (SELECT count(*) FROM last JOIN receivable USING (partner_id)
             WHERE last.closing + coalesce(receivable.since, 0) != receivable.amount)
"""

LINE = "{:<9} {:>7} {:>7} {:>8} {:>12}  {}"


def check_billing(instance, rows=None):
    """Compare with the expected totals, say so per month; fail on any difference."""
    problems = compare_months(instance.rows(BILLED_BY_MONTH), sample.get_expected(rows))
    problems += find_untied(instance) + find_loose_ends(instance)
    problems += find_unsettled(instance)
    statements, buyers, *broken = map(int, instance.rows(STATEMENTS)[0])
    problems += find_broken_statements(*broken)
    for problem in problems:
        say(f"wrong: {problem}")
    if problems:
        raise Failure(f"what was billed does not add up: {len(problems)} problems.")
    say("Every month equals what was expected, to the cent.")
    say("Every document equals the sum of its transactions, as priced and as booked.")
    say(
        "Every receipt is paid in full, from the oldest deposits; what is left of them"
        " is open."
    )
    say(
        f"{statements:,} statements of {buyers:,} prepaid buyers open as the one before"
        " closed, and end as the books."
    )
    instance.call("compare", module="dev.acceptance.as_at")
    say("Unbilled at each month's end, asked now, equals the sum in SQL, to the cent.")
    instance.call("check", module="dev.acceptance.books")


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


def find_unsettled(instance):
    """Return what is wrong between deposits and the documents they settle."""
    problems = [
        f"{residual} of the receipt {name} is not paid"
        for name, residual in instance.rows(UNPAID_RECEIPTS)
    ]
    problems += [
        f"{older} is open, and {newer} was settled before it"
        for older, newer in instance.rows(OUT_OF_ORDER)
    ]
    for name, *amounts in instance.rows(PREPAID):
        deposits, bought, rest, due = map(Decimal, amounts)
        if (rest and due) or deposits - bought != rest - due:
            problems.append(
                f"{name} paid in {deposits} and bought for {bought}, but {rest} of its"
                f" deposits is open and {due} is due"
            )
    return problems


def find_broken_statements(without, unchained, unlike_books):
    """Return what is wrong with statements of prepaid buyers, given how many are."""
    return [
        problem
        for count, problem in (
            (without, f"{without} documents of prepaid buyers have no statement"),
            (unchained, f"{unchained} statements do not chain, or do not add up"),
            (unlike_books, f"{unlike_books} buyers' last statement is not the books"),
        )
        if count
    ]
