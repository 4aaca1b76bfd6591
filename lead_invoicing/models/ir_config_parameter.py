import re

from odoo import api, models


class IrConfigParameter(models.Model):
    """Numbers in the system parameters. Anybody who may change these may write anything
    there: nothing breaks for it."""

    _inherit = "ir.config_parameter"

    @api.model
    def _get_lead_number(self, key, default, most=999_999_999):
        """Return the whole number of a parameter, or the default where it has none from
        1 to the most that makes sense."""
        # A number that concerns everybody.
        text = self.sudo().get_param(key, "").strip()
        number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
        return number if 1 <= number <= most else default
