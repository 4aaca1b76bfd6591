"""The closing table of the demonstration, asked in SQL."""

from dev.acceptance import scenario

# Of the sample: what was billed.
DOCUMENTS = f"""
    SELECT count(*) FILTER (WHERE move_type = 'out_invoice'),
           count(*) FILTER (WHERE move_type = 'out_refund'),
           coalesce(sum(amount_total_signed)
               FILTER (WHERE move_type = 'out_invoice'), 0)::numeric(20, 2),
           coalesce(-sum(amount_total_signed)
               FILTER (WHERE move_type = 'out_refund'), 0)::numeric(20, 2),
           coalesce(sum(amount_total_signed), 0)::numeric(20, 2),
           count(*) FILTER (WHERE lead_is_receipt),
           coalesce(sum(amount_total_signed)
               FILTER (WHERE lead_is_receipt), 0)::numeric(20, 2)
      FROM account_move
     WHERE state = 'posted' AND id IN ({scenario.SAMPLE_DOCUMENTS})
"""
LEADS = f"""
    SELECT count(*) FILTER (WHERE transaction_type = 'sale'),
           count(*) FILTER (WHERE transaction_type = 'return'),
           count(DISTINCT partner_id),
           count(DISTINCT partner_id)
               FILTER (WHERE partner_id != commercial_partner_id)
      FROM lead_sale WHERE invoice_line_id IS NOT NULL AND {scenario.OF_SAMPLE}
"""
# Of all that is there now: what prepaid buyers paid in, and what of it is left; what
# waits for a person.
DEPOSITS = """
    SELECT count(*), coalesce(sum(-line.balance), 0)::numeric(20, 2),
           count(*) FILTER (WHERE NOT line.reconciled),
           coalesce(sum(-line.amount_residual), 0)::numeric(20, 2)
      FROM account_payment AS payment
      JOIN account_move_line AS line ON line.move_id = payment.move_id
      JOIN account_account AS account ON account.id = line.account_id
     WHERE account.account_type = 'asset_receivable' AND line.parent_state = 'posted'
"""
UNCOVERED = """
    SELECT count(*), coalesce(sum(amount_residual), 0)::numeric(20, 2)
      FROM account_move AS move
     WHERE state = 'posted' AND move_type = 'out_invoice' AND amount_residual > 0
       AND lead_run_id IS NOT NULL
       AND commercial_partner_id IN (SELECT partner_id FROM account_payment)
"""
UNBILLED = """
    SELECT count(*), coalesce(sum(amount), 0)::numeric(20, 2)
      FROM lead_sale WHERE invoice_line_id IS NULL AND NOT waived
"""
TO_REVIEW = """
    SELECT count(*), coalesce(sum(amount_total_signed), 0)::numeric(20, 2)
      FROM account_move WHERE lead_run_id IS NOT NULL AND state = 'draft'
"""
FAILED = "SELECT count(*) FROM lead_invoice_run_buyer WHERE state = 'failed'"
NOT_DELIVERED = """
    SELECT count(*), coalesce(sum(amount_total_signed), 0)::numeric(20, 2)
      FROM account_move
     WHERE lead_delivery_state IN ('failed', 'no_address', 'by_hand')
"""
ACTIVITIES = """
    SELECT count(*)
      FROM mail_activity AS activity
      JOIN ir_model_data AS data
        ON data.model = 'mail.activity.type' AND data.res_id = activity_type_id
     WHERE data.module = 'lead_invoicing' AND activity.active
"""


def get_lines(instance):
    """Return (title, number, text) of what was billed."""
    documents = instance.rows(DOCUMENTS)[0]
    invoices, notes, charged, credited, net, receipts, received = documents
    sales, returns, buyers, branches = instance.rows(LEADS)[0]
    return [
        ("invoices", invoices, f"{charged} USD"),
        ("  of these, paid from balance", receipts, f"{received} USD"),
        ("credit notes", notes, f"{credited} USD"),
        ("net", "", f"{net} USD"),
        ("buyers", buyers, ""),
        ("  of these, branches", branches, ""),
        ("leads purchased", sales, ""),
        ("leads returned", returns, ""),
    ]


def get_open_lines(instance):
    """Return (title, number, text) of deposits, and of what waits for a person."""
    deposits, paid_in, left, rest = instance.rows(DEPOSITS)[0]
    return [
        ("deposits of prepaid buyers", deposits, f"{paid_in} USD"),
        ("  of these, with a rest", left, f"{rest} USD"),
        ("due from prepaid buyers", *_count(instance, UNCOVERED)),
        ("unbilled transactions", *_count(instance, UNBILLED)),
        ("drafts to review", *_count(instance, TO_REVIEW)),
        ("buyers not invoiced", *_count(instance, FAILED)),
        ("documents not delivered", *_count(instance, NOT_DELIVERED)),
        ("activities", *_count(instance, ACTIVITIES)),
    ]


def _count(instance, query):
    count, *amount = instance.rows(query)[0]
    return count, f"{amount[0]} USD" if amount else ""


def print_lines(lines):
    for title, number, text in lines:
        print(f"{title:<34}{number:>8} {text:>16}")
