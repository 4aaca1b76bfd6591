"""Guard what Lead Invoicing itself writes down on Odoo's documents."""

from odoo.exceptions import UserError


def check_engine_fields(records, engine_fields, vals):
    """Refuse to let anyone but Lead Invoicing itself write some fields.

    :param records: what is written to
    :param engine_fields: names of the fields that are the engine's
    :param vals: the values that are to be written
    :raises UserError: naming the fields
    """
    names = engine_fields & vals.keys()
    # Access rights and the context can be had from outside, this cannot.
    if records.env.su or not names:
        return
    labels = (records._fields[name]._description_string(records.env) for name in names)
    raise UserError(
        records.env._(
            "%s: Lead Invoicing decides this itself.", ", ".join(sorted(labels))
        )
    )
