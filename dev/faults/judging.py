"""Whether all is right in a world in which something was broken."""

import re

from dev.acceptance.instance import ENTRY, ERROR

# What happens when two transactions meet, or when one of them was provoked to fail:
# Odoo says so, and tries again.
CONFLICTS = r"could not serialize|deadlock detected|could not obtain lock"

# Sales that should be on a document: those before the end of the window that was
# invoiced last. An earlier one may end later, where the cycle was changed in between.
FORGOTTEN = """
    SELECT count(*) FROM lead_sale AS sale
     WHERE invoice_line_id IS NULL AND waived IS NOT TRUE
       AND date < (SELECT window_end FROM lead_invoice_run
                    WHERE cycle_id IS NOT NULL ORDER BY id DESC LIMIT 1)
       AND NOT EXISTS (SELECT FROM lead_invoice_run_buyer AS item
                        WHERE item.partner_id = sale.commercial_partner_id
                          AND item.state = 'failed')
"""
DEAD = """
    SELECT count(*) FROM lead_sale AS sale
      JOIN account_move_line AS line ON line.id = sale.invoice_line_id
      JOIN account_move AS move ON move.id = line.move_id
     WHERE move.state = 'cancel'
"""
# Documents of runs whose lead lines are not the sum of the leads on them.
UNTIED_DOCUMENTS = """
    SELECT move.id, priced, amount
      FROM account_move AS move
      JOIN LATERAL (
           SELECT sum(quantity * price_unit * (1 - discount / 100))
                  * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END AS priced
             FROM account_move_line
            WHERE move_id = move.id AND lead_type_id IS NOT NULL) AS line ON TRUE
      JOIN LATERAL (
           SELECT sum(sale.amount) AS amount
             FROM account_move_line AS line
             JOIN lead_sale AS sale ON sale.invoice_line_id = line.id
            WHERE line.move_id = move.id) AS ledger ON TRUE
     WHERE move.lead_run_id IS NOT NULL AND move.state != 'cancel'
       AND round(priced - coalesce(amount, 0), 2) != 0
"""
EMPTY_DOCUMENTS = """
    SELECT count(*) FROM account_move AS move
     WHERE lead_run_id IS NOT NULL AND state != 'cancel'
       AND NOT EXISTS (
           SELECT FROM account_move_line AS line
             JOIN lead_sale AS sale ON sale.invoice_line_id = line.id
            WHERE line.move_id = move.id)
"""
# Documents that were to go out by mail.
TO_MAIL = """
    SELECT move.id FROM account_move AS move
      JOIN lead_invoice_run AS run ON run.id = move.lead_run_id
     WHERE run.posting = 'send' AND move.state = 'posted'
       AND move.lead_review_reason IS NULL
"""


def find_faults(world):
    """Return what is wrong with the books, as sentences."""
    problems = [
        f"document {row[0]} is not the sum of its leads: {row[1:]}"
        for row in world.rows(UNTIED_DOCUMENTS)
    ]
    for query, what in (
        (FORGOTTEN, "leads are forgotten"),
        (DEAD, "leads are on canceled documents"),
        (EMPTY_DOCUMENTS, "documents bill nothing"),
    ):
        if (count := world.rows(query)[0][0]) != "0":
            problems.append(f"{count} {what}")
    return problems + world.call("manager", "lead.invoice.run", "check_books")


def find_wrong_mails(world, expected=None):
    """Return what is wrong with the mails: each document's once.

    :param expected: ids of the documents that must have been mailed; by default
        all that were to be
    """
    if expected is None:
        expected = {int(row[0]) for row in world.rows(TO_MAIL)}
    counts = world.mail.count_by_document()
    twice = {doc for doc, count in counts.items() if count > 1} - world.forgiven
    missing = expected - counts.keys()
    strangers = counts.keys() - expected
    return [
        f"{what}: {sorted(documents)}"
        for what, documents in (
            ("mailed twice", twice),
            ("not mailed", missing),
            ("mailed, and should not be", strangers),
        )
        if documents
    ]


def find_errors(world, *expected):
    """Return the errors in the log that are not about what was broken.

    :param expected: patterns of those that are
    """
    allowed = re.compile("|".join((CONFLICTS, *expected)))
    text = world.first.log.read_text(errors="replace")
    return [
        entry
        for entry in ENTRY.split(text)
        if ERROR.match(entry) and not allowed.search(entry)
    ]
