"""Owns the dialogs, and the buttons that open them.

What a dialog decides is carried out by the models.
"""

# What screens share is there before them.
from . import lead_screen

# isort: split

from . import (
    account_move,
    account_move_reversal,
    account_move_send,
    account_payment_register,
    base_import_import,
    base_partner_merge_automatic_wizard,
    lead_account_closing_wizard,
    lead_books_finding,
    lead_control_totals,
    lead_control_totals_line,
    lead_erasure_wizard,
    lead_invoice_run_buyer,
    lead_invoice_run_fix,
    lead_invoice_wizard,
    lead_invoice_wizard_period,
    lead_invoicing_report_column,
    lead_invoicing_report_wizard,
    lead_month_close,
    lead_month_close_accrual,
    lead_month_close_line,
    lead_overview_card,
    lead_sale,
    lead_sale_release_wizard,
    lead_sale_waive_wizard,
    lead_setup,
    lead_setup_lead_type,
    lead_setup_platform,
    lead_setup_sample,
    lead_statement_wizard,
    lead_unbilled_as_at_wizard,
    res_partner,
)
