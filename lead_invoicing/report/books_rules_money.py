"""What always holds for money: given back once, receipts and statements true, agreed
charges where they belong.
"""

from odoo.tools.translate import LazyTranslate

from .books_rules import OTHER_BUYER, PATIENCE, Rule

_lt = LazyTranslate(__name__)

# Of each document that was reversed: its total, none while it is not posted; what
# credit notes that people made gave back of it (less what undid those, and so on), and
# what returns of its leads on other documents did; tax included, which is rounded on
# each document.
GIVEN_BACK = """
    WITH RECURSIVE note AS (
        SELECT note.id, move.id AS move_id, note.amount_total AS amount, 1 AS sign
          FROM account_move move
          JOIN account_move note ON note.reversed_entry_id = move.id
          JOIN res_partner customer ON customer.id = move.commercial_partner_id
          JOIN res_partner credited ON credited.id = note.commercial_partner_id
         WHERE move.lead_run_id IS NOT NULL
           AND move.company_id = ANY(%(companies)s)
           AND note.lead_run_id IS NULL AND note.state = 'posted'
           AND note.move_type != move.move_type
           AND note.currency_id = move.currency_id
           AND (note.partner_id = move.partner_id
                OR credited.commercial_partner_id = customer.commercial_partner_id)
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

MONEY_RULES = [
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
        # The last one of each buyer, but for buyers that came to belong together. What
        # was taken back of a contact while it belonged to another buyer is told there.
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
                 LEFT JOIN lead_statement carried ON carried.id = back.carried_id
                WHERE back.partner_id = last.partner_id
                  AND back.company_id = last.company_id
                  AND back.currency_id = last.currency_id
                  AND (carried.id IS NULL
                       OR carried.id > last.id
                       AND carried.partner_id != last.partner_id)) back ON TRUE
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
    # Agreed charges
    Rule(
        "charge_elsewhere",
        "lead.billed.charge",
        _lt(
            "Agreed charges are billed on a canceled document, or on a line or a"
            " document of a different charge, buyer, currency or company. Correct the"
            " document with a credit note, and release its leads."
        ),
        f"""
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
                OR {OTHER_BUYER})
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
