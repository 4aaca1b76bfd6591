# ruff: noqa: I001
"""Owns the ledger and its billing: lead types, cycles, runs and their work items, and
what becomes of a lead document from its draft until it is settled.

Does not own how a transaction is read and checked (`recording`), what people read of it
(`report`), nor any dialog (`wizard`).

The order is that of `super()`: of two rooms of one model, the later one is asked first.
It matters for `account.move`: `account_move_guard` stands before the timetable of
`write`, `_post` and `button_draft` in `account_move`, and a reversal is announced by
`account_move_settlement` before it is looked at by `account_move_reversal`; and for
`lead.invoice.run.buyer`, whose reasons for a review begin in `_review`.
"""

from . import mail_activity_mixin
from . import mail_activity

from . import lead_type
from . import lead_return_reason
from . import lead_buyer_ref
from . import lead_sale
from . import lead_sale_recording
from . import lead_sale_import
from . import lead_sale_lead_data
from . import lead_sale_waiving
from . import lead_sale_correction
from . import lead_sale_reason
from . import lead_sale_control
from . import lead_sale_entry
from . import lead_sale_sample
from . import lead_sale_past_billing
from . import lead_sale_release
from . import lead_sale_waiver
from . import lead_erasure

from . import account_move
from . import account_bank_statement_line
from . import account_move_review
from . import account_move_delivery
from . import account_move_delivery_mails
from . import account_move_approval
from . import account_move_sending
from . import account_move_networks
from . import account_move_given_back
from . import account_move_release
from . import account_move_reversal
from . import account_move_settlement
from . import lead_billed_charge_share
from . import lead_dispute
from . import lead_dispute_row
from . import lead_dispute_deciding
from . import account_move_dispute
from . import lead_reminder
from . import account_move_reminder
from . import lead_statement
from . import account_move_statement
from . import account_move_top_up
from . import account_move_credit_limit
from . import account_move_guard
from . import account_move_outcome
from . import account_move_chatter
from . import account_move_line
from . import account_move_line_settlement
from . import account_move_charges
from . import account_move_line_charges
from . import account_move_line_statement
from . import account_move_send
from . import account_partial_reconcile
from . import account_payment
from . import account_payment_top_up
from . import account_tax
from . import ir_actions_report
from . import ir_config_parameter
from . import ir_cron
from . import lead_delivery_attempt
from . import lead_balance_level
from . import lead_statement_taken_back
from . import lead_top_up
from . import mail_mail
from . import mail_notification

from . import lead_billing_cycle
from . import lead_billing_cycle_generation
from . import lead_billing_cycle_wording
from . import lead_billing_cycle_notice
from . import lead_billing_cycle_charges
from . import lead_billing_charge
from . import lead_billing_charge_tier
from . import lead_billed_charge
from . import lead_invoice_run
from . import lead_invoice_run_blocker
from . import lead_invoice_run_buttons
from . import lead_invoice_run_totals
from . import lead_invoice_run_next_steps
from . import lead_invoice_run_stopping
from . import lead_invoice_run_chatter
from . import lead_invoice_run_charges
from . import lead_invoice_run_returns
from . import lead_invoice_run_buyer
from . import lead_invoice_run_buyer_plan
from . import lead_invoice_run_buyer_trouble
from . import lead_invoice_run_buyer_documents
from . import lead_invoice_run_buyer_review
from . import lead_invoice_run_buyer_given_back
from . import lead_invoice_run_buyer_chatter
from . import lead_invoice_run_buyer_row
from . import lead_invoice_run_buyer_buttons
from . import lead_invoice_run_buyer_fix
from . import lead_invoice_run_buyer_charges
from . import lead_invoice_run_buyer_charge_lines
from . import lead_invoice_run_buyer_shares
from . import lead_invoice_run_buyer_totals

from . import res_company
from . import res_company_feed_watch
from . import res_company_dispute
from . import res_company_reminder
from . import res_company_accrual
from . import res_company_sample
from . import res_company_setup
from . import res_company_statement
from . import res_config_settings
from . import res_config_settings_reminder
from . import res_config_settings_accrual
from . import res_config_settings_statement
from . import res_config_settings_top_up
from . import res_partner
from . import res_partner_balance
from . import res_partner_unbilled_taxed
from . import res_partner_buying
from . import res_partner_guard
from . import res_partner_settlement
from . import res_partner_tracking
from . import res_partner_notice
from . import res_partner_charges
from . import res_partner_returns
from . import res_partner_reminder
from . import lead_account_closing
from . import lead_accrual
from . import res_partner_closing
from . import res_partner_thresholds
from . import res_partner_last_deposit
from . import res_partner_top_up
from . import res_company_top_up
from . import res_company_team
from . import res_config_settings_team
from . import res_users

from . import ir_fields_converter
