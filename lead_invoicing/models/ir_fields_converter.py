import ast
import json

from odoo import api, models


class IrFieldsConverter(models.AbstractModel):
    """Leave the dates, prices and lead data of an imported file to the validator of
    lead transactions."""

    _inherit = "ir.fields.converter"

    @api.model
    def to_field(self, model, field, fromtype=str, *, savepoint):
        if model._name == "lead.sale" and field.name in ("date", "price"):
            # Odoo takes a date for one in the zone of whoever imports it.
            return lambda value: (value, [])
        if model._name == "lead.sale" and field.name == "transaction_type":
            return self._get_lead_type_converter(
                super().to_field(model, field, fromtype, savepoint=savepoint)
            )
        return super().to_field(model, field, fromtype, savepoint=savepoint)

    @api.model
    def _get_lead_type_converter(self, convert):
        """Return a converter that knows price corrections, too: rows of a file that are
        stored as a sale and a return."""
        names = {"correction", self.env._("Price Correction").lower()}
        return lambda value: (
            ("correction", [])
            if isinstance(value, str) and value.strip().lower() in names
            else convert(value)
        )

    @api.model
    def _str_to_properties(self, model, field, value, savepoint):
        # Odoo takes the first definition of a name that it finds, perhaps another lead
        # type's, and does not check dates.
        if model._name == "lead.sale":
            if isinstance(value, str):
                try:
                    value = json.loads(value)
                except (ValueError, RecursionError):
                    value = None
            if isinstance(value, list) and all(isinstance(p, dict) for p in value):
                return value, []
            # It says so of what is no list of properties.
            value = {}
        return super()._str_to_properties(model, field, value, savepoint)

    @api.model
    def _str_to_properties_definition(self, model, field, value, savepoint):
        """Read the lead-data fields of a lead type as Odoo exports them, which does not
        import them itself; their model takes JSON, too, and checks both."""
        try:
            return ast.literal_eval(value), []
        except (SyntaxError, ValueError):
            return value, []
