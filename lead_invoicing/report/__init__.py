# ruff: noqa: I001
"""Owns what people read: the Invoicing Report in its formats, the reports on unbilled
leads, what a document says to its buyer, and the check of the books.

Reads the models, by SQL where there are many rows, and changes nothing of what it
reads. Only the job of Check the Books writes: an activity that says what it found.
"""

from . import lead_unbilled
from . import lead_unbilled_as_at
from . import lead_sale
from . import lead_sale_measures
from . import account_invoice_report
from . import lead_balance_level
from . import lead_overview_card
from . import lead_overview_card_tiles
from . import lead_overview_card_graphs
from . import lead_sale_close
from . import lead_sale_template
from . import res_partner_template
from . import account_move
from . import account_move_corrections
from . import account_move_paper
from . import account_move_settled
from . import account_move_dispute
from . import account_move_charges
from . import res_partner_bank
from . import lead_invoicing_report
from . import as_pdf
from . import lead_account_statement
from . import lead_top_up
from . import lead_buyer_home
from . import report_statement
from . import report_screen
from . import ir_actions_report
from . import res_users_settings
from . import lead_invoice_run_books
from . import lead_invoice_run_books_disputes
from . import lead_invoice_run_books_top_ups
