"""What always holds in the books, as one question in SQL for each rule.

Each question selects the ids of the records for which its rule does not hold. Its
parameters are ``companies`` (ids), ``now`` (naive UTC), ``waiting`` (the query for what
waits to be billed, and why), ``behind`` (the query for the transactions behind
documents) and ``unbilled`` (the condition on ``lead_sale``).
"""

from dataclasses import dataclass

from odoo.tools import SQL
from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

# How long a due cycle, or a document to be sent, may wait before someone should look.
PATIENCE = "2 days"


@dataclass(frozen=True)
class Rule:
    """Something that always holds.

    :param name: stable technical name
    :param model: of the records that the question finds
    :param sentence: what is wrong with them, and what to do
    :param question: SELECT of their ids, under the name ``id``
    """

    name: str
    model: str
    sentence: object
    question: str

    def get_sql(self, limit, **parameters):
        """Return the query for the first ids and the number of all, in each row."""
        # The questions are constants of this file.
        question = SQL(self.question, **parameters)  # pylint: disable=sql-injection
        return SQL(
            "SELECT id, count(*) OVER () FROM (%s) found ORDER BY id LIMIT %s",
            question,
            limit,
        )


# The lead lines of live documents, with what they come to and what stands behind them.
LINES = """
    WITH ledger AS (
        SELECT line_id, count(*) AS rows, sum(amount) AS amount,
               count(*) FILTER (WHERE price_adjustment IS NOT TRUE
                                  AND corrected_sale_id IS NULL) AS leads
          FROM (%(behind)s) behind
         GROUP BY line_id
    ), line AS (
        SELECT line.id, line.move_id, move.state, move.currency_id,
               COALESCE(line.lead_count, 0) AS lead_count,
               COALESCE(ledger.rows, 0) AS rows, COALESCE(ledger.leads, 0) AS leads,
               CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END
                   * line.quantity * line.price_unit
                   * (1 - COALESCE(line.discount, 0) / 100)
                   - COALESCE(ledger.amount, 0) AS difference
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          LEFT JOIN ledger ON ledger.line_id = line.id
         WHERE line.lead_type_id IS NOT NULL AND move.lead_run_id IS NOT NULL
           AND move.company_id = ANY(%(companies)s) AND move.state != 'cancel'
    )
"""
# Documents whose lead lines are not the sum of their transactions. Where each line has
# as many transactions as it says, somebody changed a quantity, price or discount.
DIFFERENCES = f"""
    {LINES}
    SELECT line.move_id AS id
      FROM line
      JOIN res_currency currency ON currency.id = line.currency_id
     WHERE line.rows > 0
     GROUP BY line.move_id, currency.rounding
    HAVING abs(sum(line.difference)) >= currency.rounding / 2
       AND bool_and(line.leads = line.lead_count
                    OR abs(line.difference) < currency.rounding / 2) = %(is_edited)s
"""
# Transactions with the line and the document that bill them.
BILLED = """
    SELECT sale.id
      FROM lead_sale sale
      JOIN account_move_line line ON line.id = sale.invoice_line_id
      JOIN account_move move ON move.id = line.move_id
     WHERE sale.company_id = ANY(%(companies)s)
"""
# Of each document that was reversed: its total, none while it is not posted; what
# credit notes that people made gave back of it (less what undid those, and so on), and
# what returns of its leads on other documents did; tax included, which is rounded on
# each document.
GIVEN_BACK = """
    WITH RECURSIVE note AS (
        SELECT note.id, move.id AS move_id, note.amount_total AS amount, 1 AS sign
          FROM account_move move
          JOIN account_move note ON note.reversed_entry_id = move.id
         WHERE move.lead_run_id IS NOT NULL
           AND move.company_id = ANY(%(companies)s)
           AND note.lead_run_id IS NULL AND note.state = 'posted'
           AND note.move_type != move.move_type
           AND note.currency_id = move.currency_id
           AND note.commercial_partner_id = move.commercial_partner_id
         UNION ALL
        SELECT undone.id, note.move_id, undone.amount_total, -note.sign
          FROM note
          JOIN account_move undone ON undone.reversed_entry_id = note.id
         WHERE undone.lead_run_id IS NULL AND undone.state = 'posted'
    ), document AS (
        SELECT move.id, move.lead_credited,
               CASE WHEN move.state = 'posted' THEN move.amount_total ELSE 0 END
                   AS amount,
               COALESCE(reversal.amount, 0) AS reversed,
               COALESCE(returned.amount, 0)
                   * CASE WHEN move.move_type = 'out_refund' THEN -1 ELSE 1 END
                   AS returned,
               currency.rounding * (1 + COALESCE(returned.rows, 0))
                   + COALESCE(cash.rounding, 0) AS tolerance
          FROM account_move move
          JOIN res_currency currency ON currency.id = move.currency_id
          LEFT JOIN account_cash_rounding cash
            ON cash.id = move.invoice_cash_rounding_id
          LEFT JOIN (
               SELECT move_id, sum(sign * amount) AS amount
                 FROM note GROUP BY move_id) reversal ON reversal.move_id = move.id
          LEFT JOIN (
               SELECT line.lead_origin_move_id AS move_id, count(*) AS rows,
                      sum(line.price_total * CASE WHEN other.move_type = 'out_refund'
                                                  THEN 1 ELSE -1 END) AS amount
                 FROM account_move_line line
                 JOIN account_move other ON other.id = line.move_id
                WHERE line.lead_origin_move_id IS NOT NULL
                  AND line.lead_origin_move_id != line.move_id
                  AND other.state = 'posted' AND other.lead_credited IS NOT TRUE
                GROUP BY line.lead_origin_move_id) returned
               ON returned.move_id = move.id
         WHERE move.lead_run_id IS NOT NULL
           AND move.company_id = ANY(%(companies)s)
           AND (reversal.amount > 0 OR move.lead_credited)
    )
"""

RULES = [
    # Exactly once
    Rule(
        "transaction_on_canceled_document",
        "lead.sale",
        _lt(
            "Transactions are on a canceled document and will not be billed. Reset the"
            " document to draft and delete it, so that they go on the next one."
        ),
        BILLED + "AND move.state = 'cancel'",
    ),
    Rule(
        "transaction_outside_run",
        "lead.sale",
        _lt(
            "Transactions are on a document, or a line, that no run created for them."
            " Tell your administrator: something changed the data without using Lead"
            " Invoicing."
        ),
        BILLED
        + """
       AND (move.lead_run_id IS NULL OR line.lead_type_id IS NULL
            OR move.move_type NOT IN ('out_invoice', 'out_refund'))
        """,
    ),
    Rule(
        "transaction_waived_and_billed",
        "lead.sale",
        _lt(
            "Transactions are waived and also on a document. Undo the waiver, or"
            " correct the document with a credit note."
        ),
        """
        SELECT id FROM lead_sale
         WHERE company_id = ANY(%(companies)s)
           AND waived AND invoice_line_id IS NOT NULL
        """,
    ),
    Rule(
        "transaction_differs_from_line",
        "lead.sale",
        _lt(
            "Transactions are on a line of a different lead type, transaction type,"
            " currency or company. Correct the document with a credit note, and"
            " release its leads."
        ),
        BILLED
        + """
       AND move.lead_run_id IS NOT NULL AND line.lead_type_id IS NOT NULL
       AND (line.lead_type_id != sale.lead_type_id
            OR line.lead_transaction_type IS DISTINCT FROM sale.transaction_type
            OR COALESCE(line.lead_corrects, FALSE)
               != (sale.corrected_sale_id IS NOT NULL)
            OR move.currency_id != sale.currency_id
            OR move.company_id != sale.company_id)
        """,
    ),
    Rule(
        "transaction_outside_period",
        "lead.sale",
        _lt(
            "Transactions are on a document for a different billing period. Correct"
            " the document with a credit note, and release its leads."
        ),
        """
        SELECT sale.id
          FROM lead_sale sale
          JOIN account_move_line line ON line.id = sale.invoice_line_id
          JOIN account_move move ON move.id = line.move_id
          JOIN lead_invoice_run run ON run.id = move.lead_run_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND (sale.date >= move.lead_window_end
                OR run.include_earlier IS NOT TRUE
                   AND sale.date < move.lead_window_start)
        """,
    ),
    # A contact that joined another company, or left it, takes its documents along: by
    # their address where it is the contact's own, else by the buyer as it was billed.
    Rule(
        "transaction_of_another_buyer",
        "lead.sale",
        _lt(
            "Transactions are on a document of a different buyer. Correct it with a"
            " credit note, and release its leads."
        ),
        """
        SELECT sale.id
          FROM lead_sale sale
          JOIN account_move_line line ON line.id = sale.invoice_line_id
          JOIN account_move move ON move.id = line.move_id
          JOIN res_partner buyer ON buyer.id = sale.commercial_partner_id
          LEFT JOIN res_partner customer ON customer.id = move.commercial_partner_id
          LEFT JOIN res_partner address ON address.id = move.partner_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND customer.commercial_partner_id
               IS DISTINCT FROM buyer.commercial_partner_id
           AND address.commercial_partner_id
               IS DISTINCT FROM buyer.commercial_partner_id
        """,
    ),
    Rule(
        "line_outside_run",
        "account.move.line",
        _lt(
            "Lead lines are on documents that no run created. Tell your administrator:"
            " something changed the data without using Lead Invoicing."
        ),
        """
        SELECT line.id
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
         WHERE line.lead_type_id IS NOT NULL
           AND line.company_id = ANY(%(companies)s)
           AND (move.lead_run_id IS NULL OR line.display_type != 'product'
                OR line.lead_transaction_type IS NULL)
        """,
    ),
    Rule(
        "line_count",
        "account.move.line",
        _lt(
            "Lead lines show a different number of leads than there are behind them."
            " Correct the document with a credit note, and release its leads."
        ),
        LINES + "SELECT id FROM line WHERE rows > 0 AND leads != lead_count",
    ),
    Rule(
        "line_without_transactions",
        "account.move.line",
        _lt(
            "Posted lead lines have no leads behind them, which may also be billed"
            " elsewhere. Correct the document with a credit note."
        ),
        LINES + "SELECT id FROM line WHERE rows = 0 AND state = 'posted'",
    ),
    Rule(
        "draft_without_transactions",
        "account.move.line",
        _lt(
            "The leads of lines on drafts were released when the documents were"
            " canceled, and are billed elsewhere. Delete these drafts or lines."
        ),
        LINES + "SELECT id FROM line WHERE rows = 0 AND state = 'draft'",
    ),
    Rule(
        "line_state",
        "account.move.line",
        _lt(
            "Lead lines have a different status than their document. Tell your"
            " administrator: something changed the data without using Odoo."
        ),
        """
        SELECT line.id
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
         WHERE line.lead_type_id IS NOT NULL
           AND move.company_id = ANY(%(companies)s)
           AND line.parent_state IS DISTINCT FROM move.state
        """,
    ),
    Rule(
        "document_of_run",
        "account.move",
        _lt(
            "Documents do not match the run, or the buyer of the run, that created"
            " them. Tell your administrator: something changed the data without using"
            " Lead Invoicing."
        ),
        """
        SELECT move.id
          FROM account_move move
          JOIN lead_invoice_run run ON run.id = move.lead_run_id
          LEFT JOIN lead_invoice_run_buyer item ON item.id = move.lead_run_buyer_id
          LEFT JOIN res_partner buyer ON buyer.id = item.partner_id
          LEFT JOIN res_partner customer ON customer.id = move.commercial_partner_id
          LEFT JOIN res_partner address ON address.id = move.partner_id
         WHERE move.company_id = ANY(%(companies)s)
           AND (run.company_id != move.company_id
                OR item.run_id IS DISTINCT FROM run.id
                OR buyer.commercial_partner_id
                   IS DISTINCT FROM customer.commercial_partner_id
                   AND buyer.commercial_partner_id
                   IS DISTINCT FROM address.commercial_partner_id
                OR move.move_type NOT IN ('out_invoice', 'out_refund')
                OR move.lead_window_end IS DISTINCT FROM run.window_end)
        """,
    ),
    Rule(
        "posting_moment",
        "account.move",
        _lt(
            "Documents have no record of when they were posted, or are no longer"
            " posted but still have one. Reset them to draft and confirm them again."
        ),
        """
        SELECT id FROM account_move
         WHERE lead_run_id IS NOT NULL AND company_id = ANY(%(companies)s)
           AND (state = 'posted') != (lead_posted_at IS NOT NULL)
        """,
    ),
    Rule(
        "released_but_billed",
        "account.move",
        _lt(
            "The leads of documents were released to be billed again, but the"
            " documents have not been credited: the leads are billed twice. Create the"
            " credit notes."
        ),
        """
        SELECT DISTINCT move.id
          FROM lead_sale_release release
          JOIN account_move move ON move.id = release.invoice_id
         WHERE release.company_id = ANY(%(companies)s)
           AND move.state = 'posted' AND move.lead_credited IS NOT TRUE
        """,
    ),
    # The money ties out
    Rule(
        "tie_out",
        "account.move",
        _lt(
            "The lead lines of documents do not add up to their transactions. Correct"
            " the documents with a credit note, and release their leads."
        ),
        DIFFERENCES.replace("%(is_edited)s", "FALSE"),
    ),
    Rule(
        "edited",
        "account.move",
        _lt(
            "Someone changed a lead line on documents manually: they bill a different"
            " amount than their transactions. Check that this was agreed."
        ),
        DIFFERENCES.replace("%(is_edited)s", "TRUE"),
    ),
    # Windows tile
    Rule(
        "window_order",
        "lead.invoice.run",
        _lt(
            "Runs have a billing period that ends before it starts. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT id FROM lead_invoice_run
         WHERE company_id = ANY(%(companies)s) AND window_start >= window_end
        """,
    ),
    Rule(
        "windows_overlap",
        "lead.invoice.run",
        _lt(
            "Runs of one billing cycle have overlapping billing periods. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT later.id
          FROM lead_invoice_run later
         WHERE later.company_id = ANY(%(companies)s) AND EXISTS (
               SELECT FROM lead_invoice_run earlier
                WHERE earlier.cycle_id = later.cycle_id
                  AND earlier.id != later.id
                  AND earlier.window_end <= later.window_end
                  AND earlier.window_start < earlier.window_end
                  AND earlier.window_end > later.window_start)
        """,
    ),
    Rule(
        "cycle_overdue",
        "lead.billing.cycle",
        _lt(
            "Billing cycles have been due for days, and no invoices have been created."
            " Make sure that the scheduled action “Lead Invoicing: generate invoices”"
            " is active and running."
        ),
        f"""
        SELECT cycle.id
          FROM lead_billing_cycle cycle
         WHERE cycle.company_id = ANY(%(companies)s)
           AND (cycle.frequency = 'manual' AND cycle.next_generation_at IS NOT NULL
                OR cycle.active
                   AND cycle.next_generation_at < %(now)s - interval '{PATIENCE}'
                   AND NOT EXISTS (
                       SELECT FROM lead_invoice_run run
                        WHERE run.cycle_id = cycle.id
                          AND run.state IN ('running', 'stopped')))
        """,
    ),
    # Nothing is forgotten
    Rule(
        "unbilled_without_reason",
        "lead.sale",
        _lt(
            "Transactions wait to be billed, and Unbilled does not show them. Create an"
            " invoice for their buyers manually."
        ),
        """
        SELECT id FROM lead_sale
         WHERE company_id = ANY(%(companies)s)
           AND %(unbilled)s
        EXCEPT
        SELECT id FROM (%(waiting)s) waiting WHERE reason IS NOT NULL
        """,
    ),
    Rule(
        "forgotten",
        "lead.sale",
        _lt(
            "Transactions should have been billed by a run that did not include their"
            " buyers. They go on the next document; if not, create an invoice for"
            " their buyers manually."
        ),
        # Only what no run ever looked at, though one came after it was recorded, and
        # nothing has changed since about its buyer: all else may rightly wait.
        """
        SELECT waiting.id
          FROM (%(waiting)s) waiting
          JOIN lead_sale sale ON sale.id = waiting.id
          JOIN res_partner buyer ON buyer.id = waiting.partner_id
          JOIN LATERAL (
               SELECT run.*
                 FROM lead_invoice_run run
                WHERE run.cycle_id = waiting.cycle_id
                  AND run.state IN ('done', 'failed')
                  AND run.window_start IS NOT NULL
                ORDER BY run.window_end DESC
                LIMIT 1) run ON TRUE
          JOIN res_company company ON company.id = sale.company_id
         WHERE waiting.reason = 'window'
           AND sale.date < run.window_end
           AND (run.include_earlier OR sale.date >= run.window_start)
           AND sale.create_date < run.create_date
           AND buyer.write_date < run.create_date
           AND company.write_date < run.create_date
           AND NOT EXISTS (
               SELECT FROM lead_sale_waiver waiver WHERE waiver.sale_id = sale.id)
           AND NOT EXISTS (
               SELECT FROM lead_invoice_run_buyer item
                WHERE item.partner_id = waiting.partner_id
                  AND item.company_id = sale.company_id
                  AND item.window_end > sale.date)
        """,
    ),
    Rule(
        "work_left",
        "lead.invoice.run.buyer",
        _lt(
            "Buyers are still to be invoiced by runs that are closed. The scheduled"
            " action “Lead Invoicing: generate invoices” invoices them: make sure that"
            " it is running."
        ),
        """
        SELECT item.id
          FROM lead_invoice_run_buyer item
          JOIN lead_invoice_run run ON run.id = item.run_id
         WHERE item.company_id = ANY(%(companies)s)
           AND item.state = 'todo' AND run.state IN ('done', 'failed')
        """,
    ),
    Rule(
        "run_state",
        "lead.invoice.run",
        _lt(
            "Runs are open with nothing left to do, or their state does not show their"
            " failures. Retry them."
        ),
        """
        SELECT run.id
          FROM lead_invoice_run run
          LEFT JOIN (
               SELECT run_id, bool_or(state = 'todo') AS todo,
                      bool_or(state = 'failed') AS failed
                 FROM lead_invoice_run_buyer
                GROUP BY run_id) item ON item.run_id = run.id
         WHERE run.company_id = ANY(%(companies)s)
           AND (run.state = 'running' AND item.todo IS NOT TRUE
                OR run.state = 'done' AND item.failed
                OR run.state = 'failed' AND item.failed IS NOT TRUE
                   AND item.todo IS NOT TRUE)
        """,
    ),
    Rule(
        "silent_failure",
        "lead.invoice.run.buyer",
        _lt(
            "Buyers could not be invoiced, and nobody was notified: there is no"
            " reason, or no activity. Retry them."
        ),
        """
        SELECT item.id
          FROM lead_invoice_run_buyer item
         WHERE item.company_id = ANY(%(companies)s) AND item.state = 'failed'
           AND (COALESCE(item.message, '') = '' OR NOT EXISTS (
                SELECT FROM mail_activity activity
                 WHERE activity.res_model = 'res.partner'
                   AND activity.res_id = item.partner_id))
        """,
    ),
    Rule(
        "silent_stop",
        "lead.invoice.run",
        _lt("Runs are stopped without a reason. Retry them."),
        """
        SELECT id FROM lead_invoice_run
         WHERE company_id = ANY(%(companies)s)
           AND state = 'stopped' AND COALESCE(message, '') = ''
        """,
    ),
    # Recorded is frozen
    Rule(
        "transaction_amount",
        "lead.sale",
        _lt(
            "Transactions have an amount that does not match their price. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT id FROM lead_sale
         WHERE company_id = ANY(%(companies)s)
           AND (price IS NULL OR price < 0
                OR amount IS DISTINCT FROM
                   CASE transaction_type WHEN 'return' THEN -price ELSE price END)
        """,
    ),
    Rule(
        "return_of_sale",
        "lead.sale",
        _lt(
            "Returns do not match their sale: its buyer, currency, lead type, company"
            " or date. Waive them and record them again."
        ),
        """
        SELECT back.id
          FROM lead_sale back
          LEFT JOIN lead_sale sale ON sale.id = back.origin_id
          LEFT JOIN res_partner back_buyer ON back_buyer.id = back.commercial_partner_id
          LEFT JOIN res_partner buyer ON buyer.id = sale.commercial_partner_id
         WHERE back.company_id = ANY(%(companies)s)
           AND (back.origin_id IS NOT NULL OR back.transaction_type = 'return')
           AND (back.transaction_type != 'return'
                OR sale.transaction_type IS DISTINCT FROM 'sale'
                OR COALESCE(back.return_number, 0) < 1
                OR back_buyer.commercial_partner_id != buyer.commercial_partner_id
                OR back.currency_id != sale.currency_id
                OR back.lead_type_id != sale.lead_type_id
                OR back.company_id != sale.company_id
                OR back.date < sale.date)
        """,
    ),
    Rule(
        "returned_too_much",
        "lead.sale",
        _lt(
            "The returns of sales exceed their price. Waive the excess, or correct the"
            " document with an invoice."
        ),
        # What was reversed and billed again can be returned again.
        """
        SELECT sale.id
          FROM (SELECT origin_id, sum(price) AS returned
                  FROM lead_sale
                 WHERE company_id = ANY(%(companies)s) AND origin_id IS NOT NULL
                   AND (waived IS NOT TRUE OR waived_by_credit IS NOT TRUE)
                 GROUP BY origin_id) back
          JOIN lead_sale sale ON sale.id = back.origin_id
         WHERE back.returned > sale.price * (
               1 + (SELECT count(*) FROM lead_sale_release release
                     WHERE release.sale_id = sale.id AND back.returned > sale.price))
        """,
    ),
    Rule(
        "price_adjustment",
        "lead.sale",
        _lt(
            "Returns that credit only part of the price are counted as leads returned,"
            " or the other way around. Tell your administrator: something changed the"
            " data without using Lead Invoicing."
        ),
        """
        SELECT back.id
          FROM (SELECT id, origin_id, price, price_adjustment,
                       COALESCE(sum(price) OVER (
                           PARTITION BY origin_id ORDER BY return_number
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                           AS before
                  FROM lead_sale
                 WHERE company_id = ANY(%(companies)s) AND origin_id IS NOT NULL) back
          JOIN lead_sale sale ON sale.id = back.origin_id
         WHERE COALESCE(back.price_adjustment, FALSE)
               != (back.price < sale.price - back.before)
           AND NOT EXISTS (SELECT FROM lead_sale_release release
                            WHERE release.sale_id = sale.id)
         UNION ALL
        SELECT id FROM lead_sale
         WHERE company_id = ANY(%(companies)s)
           AND transaction_type = 'sale' AND price_adjustment
        """,
    ),
    Rule(
        "correction",
        "lead.sale",
        _lt(
            "Price corrections are not whole: the return of the price before and the"
            " sale at the new price do not match each other or the sale that they"
            " correct. Tell your administrator: something changed the data without"
            " using Lead Invoicing."
        ),
        # What was returned before stays returned: the price before less the return is
        # what the new price is above its sale.
        """
        SELECT half.id
          FROM lead_sale half
          LEFT JOIN lead_sale corrected ON corrected.id = half.corrected_sale_id
          LEFT JOIN lead_sale back ON back.corrected_sale_id = corrected.id
                                  AND back.transaction_type = 'return'
          LEFT JOIN lead_sale sale ON sale.corrected_sale_id = corrected.id
                                  AND sale.transaction_type = 'sale'
         WHERE half.company_id = ANY(%(companies)s)
           AND half.corrected_sale_id IS NOT NULL
           AND (back.id IS NULL OR sale.id IS NULL
                OR back.origin_id IS DISTINCT FROM corrected.id
                OR back.external_ref != sale.external_ref || '/return'
                OR corrected.transaction_type != 'sale'
                OR back.company_id != sale.company_id
                OR back.partner_id != sale.partner_id
                OR back.lead_type_id != sale.lead_type_id
                OR sale.lead_type_id != corrected.lead_type_id
                OR back.currency_id != sale.currency_id
                OR back.date != sale.date
                -- A clerk can have deleted one of their two lines.
                OR back.invoice_line_id IS NULL AND sale.invoice_line_id IS NULL
                   AND COALESCE(back.waived, FALSE) != COALESCE(sale.waived, FALSE)
                OR back.corrected_price
                   IS DISTINCT FROM COALESCE(corrected.corrected_price, corrected.price)
                OR sale.corrected_price - sale.price
                   IS DISTINCT FROM back.corrected_price - back.price)
        """,
    ),
    # Money is given back once
    Rule(
        "given_back_twice",
        "account.move",
        _lt(
            "Credit notes for documents and returns of their leads exceed the"
            " documents' totals. Correct this with an invoice."
        ),
        GIVEN_BACK
        + "SELECT id FROM document WHERE reversed + returned > amount + tolerance",
    ),
    Rule(
        "credited_in_part",
        "account.move",
        _lt(
            "Documents count as credited although part of them is not. Create a credit"
            " note for the rest, or cancel the existing one."
        ),
        GIVEN_BACK
        + """
        SELECT id FROM document
         WHERE lead_credited AND reversed + returned < amount - tolerance
        """,
    ),
    # A receipt is true, what is sent was sent
    Rule(
        "receipt_not_paid",
        "account.move",
        _lt(
            "Receipts are not paid, or are no longer paid. Reset them to draft, confirm"
            " them again, and tell their buyers."
        ),
        """
        SELECT id FROM account_move
         WHERE company_id = ANY(%(companies)s) AND lead_is_receipt
           AND (state != 'posted' OR move_type != 'out_invoice'
                OR lead_run_id IS NULL OR amount_residual != 0)
        """,
    ),
    Rule(
        "to_send_for_long",
        "account.move",
        _lt(
            "Documents have been waiting to be sent for days. Make sure that Odoo's"
            " scheduled action that sends invoices is active and running, or send them"
            " from their form."
        ),
        f"""
        SELECT id FROM account_move
         WHERE company_id = ANY(%(companies)s)
           AND lead_delivery_state = 'to_send'
           AND lead_posted_at < %(now)s - interval '{PATIENCE}'
        """,
    ),
    Rule(
        "delivery_of_draft",
        "account.move",
        _lt(
            "Documents are marked as sent, or wait to be sent, but were never posted."
            " Delete them and create them again."
        ),
        """
        SELECT id FROM account_move
         WHERE company_id = ANY(%(companies)s) AND lead_run_id IS NOT NULL
           AND state != 'posted' AND lead_delivery_state = 'to_send'
        """,
    ),
    Rule(
        "sent_without_attempt",
        "account.move",
        _lt(
            "Documents are marked as sent, but Odoo never sent them. Send them from"
            " their form."
        ),
        # Since attempts are recorded.
        """
        SELECT move.id
          FROM account_move move
         WHERE move.company_id = ANY(%(companies)s)
           AND move.lead_delivery_state IN ('handed_over', 'sent')
           AND move.lead_posted_at > (
               SELECT min(create_date) FROM lead_delivery_attempt)
           AND NOT EXISTS (
               SELECT FROM lead_delivery_attempt attempt
                WHERE attempt.move_id = move.id AND attempt.methods IS NOT NULL)
        """,
    ),
    # Statements chain, and are the books
    Rule(
        "statement_chain",
        "lead.statement",
        _lt(
            "Statements of prepaid buyers do not open as the one before closed, or do"
            " not add up. Tell your administrator: something changed the data without"
            " using Lead Invoicing."
        ),
        """
        SELECT statement.id
          FROM lead_statement statement
          LEFT JOIN lead_statement previous ON previous.id = statement.previous_id
         WHERE statement.company_id = ANY(%(companies)s)
           AND (statement.opening != COALESCE(previous.closing, statement.opening)
                OR previous.company_id != statement.company_id
                OR previous.currency_id != statement.currency_id
                OR statement.opening + statement.deposits + statement.purchases
                   + statement.returns + statement.tax + statement.refunds
                   + statement.other + statement.taken_back != statement.closing)
        """,
    ),
    Rule(
        "statement_books",
        "lead.statement",
        _lt(
            "Statements of prepaid buyers differ from the posted receivable that they"
            " carry. Tell your administrator: something changed the data without using"
            " Lead Invoicing."
        ),
        # The last one of each buyer, but for buyers that came to belong together.
        """
        WITH last AS (
            SELECT statement.*, contact.commercial_partner_id AS buyer_id,
                   count(*) OVER (
                       PARTITION BY contact.commercial_partner_id,
                                    statement.company_id, statement.currency_id)
                       AS chains
              FROM lead_statement statement
              JOIN res_partner contact ON contact.id = statement.partner_id
             WHERE statement.company_id = ANY(%(companies)s)
               AND NOT EXISTS (SELECT FROM lead_statement later
                                WHERE later.previous_id = statement.id)
        )
        SELECT last.id
          FROM last
          LEFT JOIN LATERAL (
               SELECT sum(line.amount_currency) AS amount
                 FROM lead_statement statement
                 JOIN account_move_line line ON line.lead_statement_id = statement.id
                WHERE statement.partner_id = last.partner_id
                  AND statement.company_id = last.company_id
                  AND statement.currency_id = last.currency_id) items ON TRUE
          LEFT JOIN LATERAL (
               SELECT sum(back.amount) AS amount
                 FROM lead_statement_taken_back back
                WHERE back.partner_id = last.partner_id
                  AND back.company_id = last.company_id
                  AND back.currency_id = last.currency_id
                  AND back.carried_id IS NULL) back ON TRUE
         WHERE last.chains = 1 AND NOT EXISTS (
               SELECT FROM lead_statement other
                 JOIN res_partner contact ON contact.id = other.partner_id
                WHERE contact.commercial_partner_id = last.buyer_id
                  AND other.partner_id != last.partner_id)
           AND last.closing + COALESCE(items.amount, 0) + COALESCE(back.amount, 0) != 0
        """,
    ),
    Rule(
        "statement_items",
        "account.move.line",
        _lt(
            "Items that are no longer in the books count on a prepaid buyer's"
            " statement. Tell your administrator: something changed the data without"
            " using Odoo."
        ),
        """
        SELECT line.id
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id
          JOIN lead_statement statement ON statement.id = line.lead_statement_id
         WHERE statement.company_id = ANY(%(companies)s)
           AND (line.parent_state != 'posted'
                OR account.account_type != 'asset_receivable'
                OR line.company_id != statement.company_id
                OR line.currency_id != statement.currency_id)
        """,
    ),
    # Companies
    Rule(
        "company_of_transaction",
        "lead.sale",
        _lt(
            "Transactions belong to a different company than their lead type. Tell"
            " your administrator: something changed the data without using Lead"
            " Invoicing."
        ),
        """
        SELECT sale.id
          FROM lead_sale sale
          JOIN lead_type ON lead_type.id = sale.lead_type_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND lead_type.company_id != sale.company_id
        """,
    ),
    Rule(
        "company_of_record",
        "lead.sale",
        _lt(
            "Records of transactions (releases, waivers, documents that are no longer"
            " posted) belong to a different company. Tell your administrator:"
            " something changed the data without using Lead Invoicing."
        ),
        """
        SELECT DISTINCT sale.id
          FROM (SELECT sale_id, company_id FROM lead_sale_release
                 UNION ALL SELECT sale_id, company_id FROM lead_sale_waiver
                 UNION ALL SELECT sale_id, company_id FROM lead_sale_past_billing) note
          JOIN lead_sale sale ON sale.id = note.sale_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND note.company_id != sale.company_id
        """,
    ),
    Rule(
        "company_of_run",
        "lead.invoice.run",
        _lt(
            "Runs belong to a different company than their billing cycle or their"
            " buyers' work items. Tell your administrator: something changed the data"
            " without using Lead Invoicing."
        ),
        """
        SELECT run.id
          FROM lead_invoice_run run
          JOIN lead_billing_cycle cycle ON cycle.id = run.cycle_id
         WHERE run.company_id = ANY(%(companies)s)
           AND cycle.company_id != run.company_id
         UNION
        SELECT run.id
          FROM lead_invoice_run_buyer item
          JOIN lead_invoice_run run ON run.id = item.run_id
         WHERE run.company_id = ANY(%(companies)s)
           AND (item.company_id != run.company_id
                OR item.window_end IS DISTINCT FROM run.window_end)
        """,
    ),
    Rule(
        "company_of_cycle",
        "lead.billing.cycle",
        _lt(
            "Billing cycles are assigned to companies, or to buyers of companies, that"
            " they do not belong to. Choose other cycles there."
        ),
        """
        SELECT cycle.id
          FROM res_company company
          JOIN lead_billing_cycle cycle ON cycle.id = company.lead_billing_cycle_id
         WHERE company.id = ANY(%(companies)s) AND cycle.company_id != company.id
         UNION
        SELECT cycle.id
          FROM res_partner partner
         CROSS JOIN jsonb_each_text(partner.lead_billing_cycle_id) AS own(company, id)
          JOIN res_company company
            ON company.id = ANY(%(companies)s) AND company.id::text = own.company
          JOIN lead_billing_cycle cycle ON cycle.id::text = own.id
         WHERE cycle.company_id != company.id
        """,
    ),
    # Agreed charges
    Rule(
        "charge_elsewhere",
        "lead.billed.charge",
        _lt(
            "Agreed charges are billed on a canceled document, or on a line or a"
            " document of a different charge, buyer, currency or company. Correct the"
            " document with a credit note, and release its leads."
        ),
        """
        SELECT billed.id
          FROM lead_billed_charge billed
          JOIN lead_billing_charge charge ON charge.id = billed.charge_id
          JOIN res_partner buyer ON buyer.id = billed.partner_id
          JOIN account_move_line line ON line.id = billed.invoice_line_id
          JOIN account_move move ON move.id = line.move_id
          LEFT JOIN res_partner customer ON customer.id = move.commercial_partner_id
          LEFT JOIN res_partner address ON address.id = move.partner_id
         WHERE billed.company_id = ANY(%(companies)s)
           AND (move.state = 'cancel' OR move.lead_run_id IS NULL
                OR line.lead_charge_id IS DISTINCT FROM charge.id
                OR move.company_id != billed.company_id
                OR charge.company_id != billed.company_id
                OR move.currency_id != charge.currency_id
                OR customer.commercial_partner_id
                   IS DISTINCT FROM buyer.commercial_partner_id
                   AND address.commercial_partner_id
                   IS DISTINCT FROM buyer.commercial_partner_id)
        """,
    ),
    Rule(
        "charge_line_alone",
        "account.move.line",
        _lt(
            "Lines bill agreed charges that may also be billed elsewhere: there is no"
            " billed period behind them. Correct the document with a credit note."
        ),
        """
        SELECT line.id
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
         WHERE line.lead_charge_id IS NOT NULL
           AND line.lead_billed_charge_id IS NULL
           AND move.company_id = ANY(%(companies)s)
           AND move.state = 'posted' AND move.lead_credited IS NOT TRUE
           AND NOT EXISTS (SELECT FROM lead_billed_charge billed
                            WHERE billed.invoice_line_id = line.id)
        """,
    ),
    Rule(
        "charge_shares",
        "lead.billed.charge",
        _lt(
            "What volume prices or discounts took off each lead does not add up to"
            " their line. Tell your administrator: something changed the data without"
            " using Lead Invoicing."
        ),
        """
        SELECT billed.id
          FROM lead_billed_charge billed
          JOIN lead_billing_charge charge ON charge.id = billed.charge_id
          JOIN res_currency currency ON currency.id = charge.currency_id
          LEFT JOIN (SELECT billed_id, sum(amount) AS amount
                       FROM lead_billed_charge_share
                      GROUP BY billed_id) share ON share.billed_id = billed.id
         WHERE billed.company_id = ANY(%(companies)s)
           AND charge.kind IN ('tier', 'discount')
           AND billed.invoice_line_id IS NOT NULL
           AND abs(billed.amount + COALESCE(share.amount, 0))
               > currency.rounding / 2
        """,
    ),
    Rule(
        "charge_share_of_lead",
        "lead.sale",
        _lt(
            "Volume prices and discounts took more off leads than their price. Tell"
            " your administrator: something changed the data without using Lead"
            " Invoicing."
        ),
        """
        SELECT sale.id
          FROM lead_sale sale
          JOIN lead_billed_charge_share share ON share.sale_id = sale.id
          JOIN lead_billed_charge billed ON billed.id = share.billed_id
          JOIN account_move_line line ON line.id = billed.invoice_line_id
          JOIN account_move move ON move.id = line.move_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND move.lead_credited IS NOT TRUE
         GROUP BY sale.id
        HAVING sum(share.amount) > sale.price
            OR min(share.amount) < 0 OR bool_or(share.amount > share.base)
        """,
    ),
    Rule(
        "charge_kept_twice",
        "lead.billed.charge",
        _lt(
            "More was kept of the price of returned leads than volume prices or"
            " discounts had taken off. Correct the document with a credit note."
        ),
        """
        SELECT billed.id
          FROM lead_billed_charge billed
          JOIN lead_billing_charge charge ON charge.id = billed.charge_id
          JOIN res_currency currency ON currency.id = charge.currency_id
          JOIN account_move_line line ON line.lead_billed_charge_id = billed.id
          JOIN account_move move ON move.id = line.move_id
         WHERE billed.company_id = ANY(%(companies)s)
           AND move.state = 'posted' AND move.lead_credited IS NOT TRUE
         GROUP BY billed.id, billed.amount, currency.rounding
        HAVING sum(line.price_subtotal * CASE WHEN move.move_type = 'out_refund'
                                              THEN -1 ELSE 1 END)
               > currency.rounding / 2 - billed.amount
        """,
    ),
]
