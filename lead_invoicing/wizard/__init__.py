from . import (
    account_move_reversal,
    base_partner_merge,
    lead_control_totals,
    lead_erasure_wizard,
    lead_invoice_wizard,
    lead_invoicing_report_column,
    lead_invoicing_report_wizard,
    lead_sale_release_wizard,
    lead_sale_waive_wizard,
    lead_setup,
    lead_unbilled_as_at_wizard,
)
