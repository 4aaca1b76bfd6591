from odoo import api, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import formatLang

from ..tools.parsing import as_float
from ..tools.protected_fields import is_engine
from ..tools.storable import check_storable_numbers

# How a buyer is billed: money, and not everybody who keeps contacts decides it.
BILLING_FIELDS = {
    "lead_auto_settle",
    "lead_balance_alerts",
    "lead_balance_early",
    "lead_balance_empty",
    "lead_balance_low",
    "lead_billing_cycle_id",
    "lead_billing_hold",
    "lead_billing_mode",
    "lead_buying_hold",
    "lead_buying_hold_reason",
    "lead_invoice_recipient_ids",
    "lead_invoice_split",
    "lead_minimum_amount",
    "lead_po_number",
    "lead_reminder_days_1",
    "lead_reminder_days_2",
    "lead_reminder_days_3",
    "lead_reminders",
}
# No invoice is worth more, in any currency.
MAX_AMOUNT = 1e12


class ResPartner(models.Model):
    """Who decides how a buyer is billed: users of Lead Invoicing. Others keep contacts,
    and read it."""

    _inherit = "res.partner"

    @api.constrains("lead_minimum_amount")
    def _check_lead_minimum_amount(self):
        for partner in self:
            self._check_lead_amount(partner.lead_minimum_amount)

    @api.model
    def _check_lead_amount(self, amount):
        # What is not a number is in no range.
        if not 0 <= amount <= MAX_AMOUNT:
            raise ValidationError(
                self.env._(
                    "The amount below which invoices are held must be a number from 0,"
                    " which holds none, to %s.",
                    formatLang(self.env, MAX_AMOUNT, digits=0),
                )
            )

    @api.model
    def _get_lead_billing_fields(self):
        """Hook: return the names of the fields that say how a buyer is billed."""
        return BILLING_FIELDS

    @api.model
    def _get_lead_billing_guarded(self):
        """Return the names of the fields that the user may not decide."""
        allowed = is_engine(self.env) or self.env.user.has_group(
            "lead_invoicing.group_user"
        )
        return frozenset() if allowed else self._get_lead_billing_fields()

    @api.model
    def default_get(self, fields):
        """Leave out what the user may not decide."""
        guarded = self._get_lead_billing_fields().intersection(fields)
        if guarded:
            guarded &= self.with_user(self.env.user)._get_lead_billing_guarded()
        return super().default_get([name for name in fields if name not in guarded])

    @api.model_create_multi
    def create(self, vals_list):
        """Create contacts; how they are billed is decided by users of Lead Invoicing.

        :raises AccessError: naming the fields
        """
        given = {name for vals in vals_list for name, value in vals.items() if value}
        self._check_lead_billing_fields(given)
        for vals in vals_list:
            # Before PostgreSQL refuses to store what is not a number.
            self._check_lead_amount(as_float(vals.get("lead_minimum_amount")))
            check_storable_numbers(self, vals, self._get_lead_billing_fields())
        return super().create(vals_list)

    def write(self, vals):
        """Change contacts; how they are billed is decided by users of Lead Invoicing.

        :raises AccessError: naming the fields
        """
        check_storable_numbers(self, vals, self._get_lead_billing_fields())
        changed = {
            name
            for name in self._get_lead_billing_fields() & vals.keys()
            if any(partner._changes_lead_billing(name, vals[name]) for partner in self)
        }
        self._check_lead_billing_fields(changed)
        return super().write(vals)

    def _changes_lead_billing(self, name, value):
        """Tell whether a value is another one: forms and imports send others along."""
        field = self._fields[name]
        if field.type == "many2many":
            return bool(value)
        return field.convert_to_cache(value, self) != field.convert_to_cache(
            self[name], self
        )

    @api.model
    def _check_lead_billing_fields(self, names):
        if not names:
            return
        if names := self._get_lead_billing_guarded().intersection(names):
            labels = (
                self._fields[name]._description_string(self.env) for name in names
            )
            raise AccessError(
                self.env._(
                    "%s: only users of Lead Invoicing can change how a buyer is"
                    " billed. Ask one of them, or leave it out.",
                    ", ".join(sorted(labels)),
                )
            )
