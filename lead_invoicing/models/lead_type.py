import json
import re
from copy import deepcopy

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, remove_accents

from ..recording.lead_data import LAYOUT_TYPES, NAME_PATTERN, VALUE_TYPES
from ..tools.parsing import RowError, check_storable, shorten
from ..tools.platform_code import PlatformCode
from ..tools.protected_fields import CompanyGuard

# What Odoo's form calls a new field until somebody gives it a better name.
_GENERATED_NAME = re.compile(r"[0-9a-f]{16}")


class LeadType(PlatformCode, CompanyGuard, models.Model):
    """A kind of lead that is sold: its product (account, taxes) and its own data."""

    _name = "lead.type"
    _description = "Lead Type"
    _order = "sequence, name, id"
    _rec_names_search = ["code", "name"]
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="The platform's name for this type, unique per company.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    product_id = fields.Many2one(
        "product.product",
        required=True,
        check_company=True,
        ondelete="restrict",
        domain="[('type', '=', 'service')]",
        help="Gives the invoice lines their income account and taxes.",
    )
    lead_properties_definition = fields.PropertiesDefinition("Lead Data")
    # Odoo shows and edits a definition only beside values of it: the form of a lead
    # type edits its own through these example values.
    definition_type_id = fields.Many2one(
        "lead.type", compute="_compute_definition_type_id"
    )
    lead_data_example = fields.Properties(
        "Lead Data Fields",
        definition="definition_type_id.lead_properties_definition",
        copy=False,
    )

    _code_company_uniq = models.UniqueIndex(
        "(company_id, code)", "Another lead type of this company already has this code."
    )

    def _compute_definition_type_id(self):
        for lead_type in self:
            lead_type.definition_type_id = lead_type._origin

    @api.model
    def _read_definition(self, definition):
        """Return the definition of lead data that was given, as a list of dicts.

        :raises ValidationError: naming what is wrong with it
        """
        field = self._fields["lead_properties_definition"]
        try:
            if isinstance(definition, str):
                definition = json.loads(definition)
            properties = self._check_properties(definition or [])
            for prop in properties:
                self._check_property(prop)
            # It may write in what it checks.
            field._validate_properties_definition(deepcopy(properties), self.env)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValidationError(
                self.env._("The definition of the lead data is not valid: %s", error)
            ) from error
        return properties

    @api.model
    def _check_properties(self, properties):
        """Return what is a list of dicts, whatever they say.

        :raises ValidationError: for anything else
        """
        is_list = isinstance(properties, list | tuple)
        if not is_list or not all(isinstance(prop, dict) for prop in properties):
            raise ValidationError(
                self.env._(
                    "“%s” is not a list of lead-data fields; provide one definition"
                    " for each, with its name, type and label.",
                    shorten(properties),
                )
            )
        return properties

    @api.model
    def _check_property(self, prop):
        if prop.get("type") not in (*VALUE_TYPES, *LAYOUT_TYPES):
            raise ValidationError(
                self.env._(
                    "The lead-data field “%(label)s” cannot be of the type %(type)s."
                    " Leads can have plain values only: text, number, date, selection,"
                    " tags, checkbox.",
                    label=shorten(prop.get("string") or prop.get("name")),
                    type=shorten(prop.get("type")),
                )
            )
        if not NAME_PATTERN.fullmatch(str(prop.get("name") or "")):
            raise ValidationError(
                self.env._(
                    "“%s” is not a valid name for a lead-data field. Use lowercase"
                    " letters, digits and single underscores, such as “first_name”.",
                    shorten(prop.get("name")),
                )
            )
        if prop.get("default"):
            raise ValidationError(
                self.env._(
                    "The lead-data field “%s” has a default value. Lead data is only"
                    " what was recorded with the lead: remove the default value.",
                    shorten(prop.get("string") or prop["name"]),
                )
            )
        self._check_labels(prop)

    @api.model
    def _check_labels(self, prop):
        """Check that what people read of a field can be read and stored.

        :raises ValidationError: for a label or an option that is no text
        """
        options = prop.get(prop["type"]) or ()
        is_list = isinstance(options, list | tuple)
        if not is_list or not all(
            isinstance(option, list | tuple) and len(option) > 1 for option in options
        ):
            raise ValidationError(
                self.env._(
                    "The options of the lead-data field “%s” cannot be read. Provide a"
                    " list with a value and a label for each.",
                    prop["name"],
                )
            )
        labels = [prop.get("string") or "", *(t for o in options for t in o[:2])]
        try:
            for label in labels:
                if not isinstance(label, str):
                    raise RowError(
                        "label",
                        self.env._(
                            "“%s” is not text; send text.",
                            shorten(label),
                        ),
                    )
                check_storable(self.env, "label", label)
        except RowError as refused:
            raise ValidationError(
                self.env._(
                    "A label or option of the lead-data field “%(name)s” is not valid:"
                    " %(problem)s",
                    name=prop["name"],
                    problem=refused.sentence,
                )
            ) from None

    @api.model_create_multi
    def create(self, vals_list):
        """Check the definitions of lead data before Odoo does, which says less."""
        for vals in vals_list:
            self._read_definition(vals.get("lead_properties_definition"))
        return super().create(vals_list)

    def write(self, vals):
        """Keep the fields that transactions have data in: they explain invoices.

        :raises UserError: if such a field is deleted or gets another type
        """
        if isinstance(vals.get("lead_data_example"), list):
            # Odoo takes over what these say of the fields themselves.
            properties = self._check_properties(vals["lead_data_example"])
            self._name_new_properties(properties)
            self._read_definition(self._strip_values(properties))
        if "lead_properties_definition" in vals:
            definition = self._read_definition(vals["lead_properties_definition"])
            for lead_type in self:
                lead_type._check_properties_kept(definition)
        return super().write(vals)

    def _check_can_change_company(self):
        if not self:
            return
        # Whether there is one, in whatever company, is all that is told.
        sales = self.env["lead.sale"].sudo()
        if sale := sales.search([("lead_type_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "The lead type %s is used by transactions, so its company cannot"
                    " be changed. Create one in the other company.",
                    sale.lead_type_id.display_name,
                )
            )

    def _name_new_properties(self, properties):
        """Name, in place, the fields that were added in a form after their labels.

        :param properties: list of definitions with values, as Odoo's form sends it
        """
        known = {prop["name"] for prop in self.lead_properties_definition or []}
        names = [prop.get("name") for prop in properties]
        taken = known | {name for name in names if isinstance(name, str)}
        for prop, name in zip(properties, names, strict=True):
            # What is no name, or no label, is told to be none later.
            texts = (name, prop.get("string"))
            if not all(isinstance(text, str) for text in texts):
                continue
            if name in known or not _GENERATED_NAME.fullmatch(name):
                continue
            label = remove_accents(prop["string"]).lower()
            words = re.findall("[a-z0-9]+", label)
            better = "_".join(words)[:60].strip("_")
            if better and better not in taken:
                prop["name"] = better
                taken.add(better)

    def _save_definition(self, properties):
        """Take over the definition that Odoo's form sends along with values."""
        self._name_new_properties(self._check_properties(properties))
        self.lead_properties_definition = self._strip_values(properties)

    @api.model
    def _strip_values(self, properties):
        """Return the definitions of what Odoo's form sends along with values."""
        flags = {"value", "definition_changed", "definition_deleted"}
        return [
            {key: value for key, value in prop.items() if key not in flags}
            for prop in properties
            if not prop.get("definition_deleted")
        ]

    def _check_properties_kept(self, definition):
        types = {prop["name"]: prop["type"] for prop in definition}
        for prop in self.lead_properties_definition or []:
            name = prop["name"]
            if types.get(name) != prop["type"] and self._is_property_in_use(name):
                raise UserError(
                    self.env._(
                        "Transactions have data in “%(name)s” of the lead type"
                        " %(type)s, so it cannot be deleted or changed to another"
                        " type. Add another field instead.",
                        name=prop.get("string") or name,
                        type=self.display_name,
                    )
                )

    def _is_property_in_use(self, name):
        self.env["lead.sale"].flush_model(["lead_type_id", "lead_data"])
        # Has any transaction of this lead type a value under this name?
        return bool(
            self.env.execute_query(
                SQL(
                    """
                    SELECT 1
                      FROM lead_sale
                     WHERE lead_type_id = %(id)s AND lead_data ? %(name)s
                     LIMIT 1
                    """,
                    id=self.id,
                    name=name,
                )
            )
        )

    @api.model
    def _get_lead_companies(self):
        """Return the companies that sell leads, whoever asks."""
        # Which they are is no secret to their buyers.
        groups = (
            self.sudo().with_context(active_test=False)._read_group([], ["company_id"])
        )
        return self.env["res.company"].sudo().concat(*(row[0] for row in groups))

    def _is_priced_before_tax(self):
        """Tell whether leads of these types are all priced before tax, as far as it is
        known without their documents: no tax of their products is included in prices.
        """
        taxes = self.product_id.taxes_id.flatten_taxes_hierarchy()
        return not taxes.filtered("price_include")
