from . import account_move_reversal, lead_sale_release_wizard
