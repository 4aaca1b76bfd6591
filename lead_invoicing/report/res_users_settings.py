from odoo import fields, models

from .params import TRANSACTION_TYPES


class ResUsersSettings(models.Model):
    _inherit = "res.users.settings"

    lead_report_choices = fields.Json(
        help="What the user last chose in the Invoicing Report."
    )

    def _get_lead_report_choices(self):
        """Return the choices, a dict: ``lead_type_id``, ``transaction_type`` and
        ``columns``, {id of a lead type as text: names of its lead data}. Users write
        their settings themselves: what makes no sense is left out."""
        choices = self.lead_report_choices
        if not isinstance(choices, dict):
            return {"columns": {}}
        result = {"columns": {}}
        if type(choices.get("lead_type_id")) is int:
            result["lead_type_id"] = choices["lead_type_id"]
        if choices.get("transaction_type") in TRANSACTION_TYPES:
            result["transaction_type"] = choices["transaction_type"]
        columns = choices.get("columns")
        if isinstance(columns, dict):
            result["columns"] = {
                lead_type: names
                for lead_type, names in columns.items()
                if isinstance(names, list)
            }
        return result
