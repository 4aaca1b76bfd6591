"""What always holds for transactions: each is billed once, documents are their sum,
and what was recorded stays as it was.
"""

from odoo.tools.translate import LazyTranslate

from .books_rules import OTHER_BUYER, Rule

_lt = LazyTranslate(__name__)

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

TRANSACTION_RULES = [
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
        f"""
        SELECT sale.id
          FROM lead_sale sale
          JOIN account_move_line line ON line.id = sale.invoice_line_id
          JOIN account_move move ON move.id = line.move_id
          JOIN res_partner buyer ON buyer.id = sale.commercial_partner_id
          LEFT JOIN res_partner customer ON customer.id = move.commercial_partner_id
          LEFT JOIN res_partner address ON address.id = move.partner_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND {OTHER_BUYER}
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
        # What was reversed and billed again can be returned again, and what was given
        # back by a document that was reversed.
        """
        SELECT sale.id
          FROM (SELECT lead.origin_id, sum(lead.price) AS returned
                  FROM lead_sale lead
                  LEFT JOIN account_move_line line ON line.id = lead.invoice_line_id
                  LEFT JOIN account_move move ON move.id = line.move_id
                 WHERE lead.company_id = ANY(%(companies)s)
                   AND lead.origin_id IS NOT NULL
                   AND (lead.waived IS NOT TRUE OR lead.waived_by_credit IS NOT TRUE)
                   AND move.lead_credited IS NOT TRUE
                 GROUP BY lead.origin_id) back
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
            "Price corrections are incomplete: the return of the price before and the"
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
]
