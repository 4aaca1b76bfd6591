"""Guard what only Lead Invoicing itself decides, on its own models and on Odoo's.

The ways to a field are many: create, copy, import, write, commands of other models'
lines, the defaults of a context and those that a user saved. All of them end in three
methods of the model, and these are guarded here, once.
"""

from contextlib import contextmanager
from contextvars import ContextVar

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.tools import clean_context

_at_work = ContextVar("lead_invoicing_engine_at_work", default=False)


@contextmanager
def engine_at_work(records):
    """Let what runs inside decide what only Lead Invoicing decides.

    Access rights, values and the context can be had from outside, this cannot. Keep
    values that a caller sends away from what runs inside.

    :param records: that are worked on; given back without the defaults of the caller's
        context, which Odoo's code would create others with
    """
    records = records.with_context(clean_context(records.env.context))
    token = _at_work.set(True)
    try:
        yield records
    finally:
        _at_work.reset(token)


def is_engine(env):
    """Tell whether this is Lead Invoicing itself; as the superuser, only code acts."""
    return env.su or _at_work.get()


def without_engine_values(model, vals):
    """Return values less those of engine fields, in commands for other records, too.

    :param model: whose values they are
    """
    kept = {}
    for name, value in vals.items():
        if isinstance(model, EngineGuard) and name in model._get_lead_engine_fields():
            continue
        field = model._fields.get(name)
        if field and field.type in ("one2many", "many2many"):
            other = model.env[field.comodel_name]
            value = [
                (*command[:2], without_engine_values(other, command[2]))
                if isinstance(command, list | tuple)
                and len(command) > 2
                and isinstance(command[2], dict)
                else command
                for command in value or []
            ]
        kept[name] = value
    return kept


class EngineGuard:
    """Base of models with fields that only Lead Invoicing writes.

    Defaults of these fields come from the model alone, whoever creates a record: as the
    superuser, Odoo's code acts with the caller's context.
    """

    __slots__ = ()
    # As Odoo's base model says of itself: this is no model, and of no addon.
    _name = _module = None

    # Their names.
    _lead_engine_fields = frozenset()

    @api.model
    def _get_lead_engine_fields(self):
        return self._lead_engine_fields

    @api.model
    def default_get(self, fields):
        """Leave out what a context, or the user, would have as the engine's values."""
        engine_fields = self._get_lead_engine_fields()
        defaults = super().default_get([n for n in fields if n not in engine_fields])
        defaults = without_engine_values(self, defaults)
        for name in engine_fields.intersection(fields):
            field = self._fields[name]
            if field.default:
                value = field.convert_to_cache(field.default(self), self)
                defaults[name] = field.convert_to_write(value, self)
        return defaults

    @api.model_create_multi
    def create(self, vals_list):
        """Create records, with the engine's values by the engine only.

        :raises UserError: naming the fields
        """
        # Saying of a new record that it is not so changes nothing.
        given = {name for vals in vals_list for name, value in vals.items() if value}
        self.browse()._check_lead_engine_fields(given, "create")
        return super().create(vals_list)

    def write(self, vals):
        """Write values, those of the engine by the engine only.

        :raises UserError: naming the fields
        """
        self._check_lead_engine_fields(vals.keys(), "write")
        return super().write(vals)

    def _check_lead_engine_fields(self, names, operation):
        names = self._get_lead_engine_fields().intersection(names)
        if not names or is_engine(self.env):
            return
        # Who may not do so at all is told that.
        self.check_access(operation)
        self._refuse_lead_engine_fields(names)

    @api.model
    def _refuse_lead_engine_fields(self, names):
        """Say that only Lead Invoicing decides these fields.

        :raises UserError: naming the fields
        """
        labels = (self._fields[name]._description_string(self.env) for name in names)
        raise UserError(
            self.env._(
                "%s: Lead Invoicing sets this itself.", ", ".join(sorted(labels))
            )
        )


class EngineOnly(EngineGuard):
    """Base of models that only Lead Invoicing writes, all of them."""

    __slots__ = ()

    # Nor do commands of another model's lines, where Odoo's code writes that one.
    _allow_sudo_commands = False

    @api.model
    def _get_lead_engine_fields(self):
        return set(self._fields)


class AppendOnly(EngineOnly):
    """Base of models that keep a record of the past, which nobody changes: neither
    people nor Lead Invoicing itself."""

    __slots__ = ()

    def write(self, vals):  # pylint: disable=unknown-option-value,method-required-super
        """Refuse to change the past.

        :raises UserError: always
        """
        # Who may not do so at all is told that.
        self.check_access("write")
        raise UserError(self.env._("This is a permanent record and cannot be changed."))


def changes(record, vals, names):
    """Tell whether values change one of these fields of a record.

    :param vals: as they are written
    :param names: a set
    """
    return any(
        record._fields[name].convert_to_write(record[name], record) != vals[name]
        for name in names & vals.keys()
    )


class CompanyGuard:
    """Base of models whose records people may move between their companies only."""

    __slots__ = ()
    # As Odoo's base model says of itself: this is no model, and of no addon.
    _name = _module = None

    def write(self, vals):
        """Write values; a company is one of the user's.

        :raises AccessError: for a company that the user is not in
        :raises UserError: for what is in use where it is
        """
        if "company_id" in vals:
            # Odoo checks the rules before a write, not what comes of it.
            self._check_can_work_in(vals["company_id"])
            self.filtered(
                lambda record: record.company_id.id != vals["company_id"]
            )._check_can_change_company()
        return super().write(vals)

    @api.model
    def _check_can_work_in(self, company_id):
        """Refuse a company that the user is not in.

        :raises AccessError: without its name
        """
        if not self.env.su and company_id not in self.env.companies.ids:
            raise AccessError(
                self.env._(
                    "Choose one of the companies that you are currently working in."
                )
            )

    def _check_can_change_company(self):
        """Refuse to take along what the records of a company rest on; models say what.

        :raises UserError: a sentence that names the record
        """
