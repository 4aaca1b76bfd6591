import itertools

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..recording.lead_data import LeadDataSchema, read_properties
from ..tools.parsing import RowError, shorten


class LeadSale(models.Model):
    """What a lead said about a person: values that fit their definition, for those who
    may see them, until they are erased."""

    _inherit = "lead.sale"

    lead_data_summary = fields.Char(
        compute="_compute_lead_data_summary",
        groups="lead_invoicing.group_lead_data",
    )

    @api.depends("lead_data")
    def _compute_lead_data_summary(self):
        for sale in self:
            # Whoever sees lead data may see in which order they are defined.
            definition = sale.lead_type_id.sudo().lead_properties_definition or []
            values = dict(sale.lead_data)
            texts = [values.get(prop["name"]) for prop in definition]
            sale.lead_data_summary = ", ".join(
                str(text) for text in texts if text not in (None, False, "", [])
            )

    def _check_lead_data_kept(self):
        """Refuse to enter lead data again that were erased, or are too old."""
        for sale in self:
            # Only how long data are kept is read of the company.
            kept_since = sale.company_id.sudo()._get_lead_data_cutoff()
            erased_at = sale.lead_data_erased_at or sale.origin_id.lead_data_erased_at
            if erased_at or (kept_since and sale.date < kept_since):
                raise UserError(
                    self.env._(
                        "The lead data of the transaction %s has been erased and"
                        " cannot be entered again.",
                        sale.external_ref,
                    )
                )

    def _check_lead_data(self, value):
        """Return corrected lead data as Odoo takes them.

        :param value: a dict of names to values, or the list of the web client, which
            has the definition along and may change it
        """
        if not value:
            return value
        lead_type = self.lead_type_id[:1]
        # Whoever may see a transaction may see how its lead type defines lead data;
        # whether they may enter any is checked by what writes it.
        definition = lead_type.sudo().lead_properties_definition
        if isinstance(value, list):
            properties = lead_type._check_properties(value)
            if any(prop.get("definition_changed") for prop in properties) or any(
                prop.get("definition_deleted") for prop in properties
            ):
                lead_type._name_new_properties(properties)
                lead_type._read_definition(lead_type._strip_values(properties))
                self._check_properties(properties)
                return properties
            value = self._get_values_by_name(properties)
        return self._read_lead_data(definition, value)

    @api.model
    def _get_values_by_name(self, properties):
        """Return {name: value} of a list of properties.

        :raises ValidationError: for one without a name
        """
        try:
            return read_properties(self.env, properties)
        except RowError as refused:
            raise ValidationError(
                self.env._("Lead Data: %s", refused.sentence)
            ) from None

    def _check_properties(self, properties):
        """Check, in place, the values of a list of properties with definitions."""
        kept = [prop for prop in properties if not prop.get("definition_deleted")]
        kept = [prop for prop in kept if prop.get("value") not in (None, False, "")]
        values = self._read_lead_data(
            kept, {prop["name"]: prop["value"] for prop in kept}
        )
        for prop in kept:
            prop["value"] = values[prop["name"]]

    def _read_lead_data(self, definition, values):
        schema = LeadDataSchema(self.env, definition or [])
        try:
            return schema.convert(values, false_is_empty=True)
        except RowError as refused:
            raise ValidationError(
                self.env._("Lead Data: %s", refused.sentence)
            ) from None

    @api.model
    def get_property_definition(self, full_name):
        """Return the definition of a lead-data field, of the lead types that the user
        may see. Odoo tells it of any company's, and to whoever reads a transaction.

        :param full_name: such as ``lead_data.first_name``
        :raises AccessError: for users who do not see lead data
        """
        # Whoever calls over the API can ask for anything.
        field_name, _dot, name = str(full_name).partition(".")
        if field_name != "lead_data":
            field = self._fields.get(field_name)
            if not field or field.type != "properties":
                raise UserError(
                    self.env._("“%s” is not a lead-data field.", shorten(full_name))
                )
            return super().get_property_definition(full_name)
        self.browse().check_access("read")
        self._check_field_access(self._fields[field_name], "read")
        lead_types = (
            self.env["lead.type"]
            .with_context(active_test=False)
            .search([("lead_properties_definition", "!=", False)])
        )
        for prop in itertools.chain(*lead_types.mapped("lead_properties_definition")):
            if prop["name"] == name:
                return prop
        return {}
