from . import account_move_reversal, lead_invoice_wizard, lead_sale_release_wizard
