from . import lead_sale_release_wizard
