"""Does the report of each document show its transactions, and their sum its lines?

Runs in `odoo shell`: the rows are read with the addon's code, page by page, as people
see them, and compared with what the database says.
"""

from collections import defaultdict

from odoo.tools import split_every

# So many documents are in memory at a time, and so many rows a page.
BATCH = 100
PAGE = 100

# The transactions of each document, also those that were released from it.
TRANSACTIONS = """
    SELECT line.move_id, sale.external_ref
      FROM lead_sale AS sale
      JOIN account_move_line AS line ON line.id = sale.invoice_line_id
     UNION ALL
    SELECT release.invoice_id, sale.external_ref
      FROM lead_sale_release AS release
      JOIN lead_sale AS sale ON sale.id = release.sale_id
"""
# What the lead lines of each document come to, with the sign of transactions.
LINES = """
    SELECT line.move_id,
           sum(
               round(line.quantity * line.price_unit, 2)
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
           )::numeric(20, 2)
      FROM account_move_line AS line
      JOIN account_move AS move ON move.id = line.move_id
     WHERE line.lead_type_id IS NOT NULL
  GROUP BY line.move_id
"""


def check(env, _options):
    """Compare the reports of all documents; end with an error if one differs."""
    expected = defaultdict(list)
    for move_id, reference in _rows(env, TRANSACTIONS):
        expected[move_id].append(reference)
    lines = dict(_rows(env, LINES))
    problems = []
    moves = env["account.move"].search([("lead_run_id", "!=", False)], order="id")
    for batch in split_every(BATCH, moves.ids, moves.browse):
        for move in batch:
            problems += _compare(move, expected[move.id], lines.get(move.id, 0))
        env.invalidate_all()
    for problem in problems:
        print(f"wrong: {problem}", flush=True)
    if problems or not moves:
        raise SystemExit(
            f"{len(problems)} problems in the reports of {len(moves)} documents."
        )
    print(
        f"The reports of all {len(moves)} documents show their transactions, and the"
        " sums are those of their lead lines.",
        flush=True,
    )


def _compare(move, expected, billed):
    """Return what is wrong with the report of a document, as sentences.

    :param expected: the references of its transactions
    :param billed: the sum of its lead lines
    """
    report = move.env["lead.invoicing.report"]._open(
        move.commercial_partner_id, {"invoice_id": str(move.id)}
    )
    references = [
        row["external_ref"]
        for offset in range(0, report.count, PAGE)
        for row in report.get_page(PAGE, offset)
    ]
    amount = round(sum(total["net_amount"] for total in report.get_totals()), 2)
    problems = []
    if sorted(references) != sorted(expected):
        problems.append(f"{move.name}: its report has other transactions")
    if amount != round(float(billed), 2):
        problems.append(f"{move.name}: {amount} reported, {billed} billed")
    if report.get_difference():
        problems.append(f"{move.name}: it says that it differs")
    return problems


def _rows(env, query):
    env.cr.execute(query)
    return env.cr.fetchall()
