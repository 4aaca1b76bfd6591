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
        return super().to_field(model, field, fromtype, savepoint=savepoint)

    @api.model
    def _str_to_properties(self, model, field, value, savepoint):
        # Odoo takes the first definition of a name that it finds, perhaps another lead
        # type's, and does not check dates.
        if model._name == "lead.sale" and isinstance(value, list):
            return value, []
        return super()._str_to_properties(model, field, value, savepoint)
