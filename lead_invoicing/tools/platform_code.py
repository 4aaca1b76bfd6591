"""Codes by which the platform names what is configured here."""

from odoo import api
from odoo.exceptions import ValidationError

from .parsing import RowError, read_reference


class ReadableCode:
    """Base of models with a code that the platform sends: it must be readable as a
    reference is. :meth:`_get_code_error` says what it is called."""

    __slots__ = ()
    # As Odoo's base model says of itself: this is no model, and of no addon.
    _name = _module = None
    _code_field = "code"

    @api.constrains(lambda self: [self._code_field])
    def _check_code(self):
        name = self._code_field
        for record in self:
            try:
                code = read_reference(self.env, name, record[name], required=True)
            except RowError as refused:
                raise ValidationError(self._get_code_error(refused.sentence)) from None
            if code != record[name]:
                raise ValidationError(self._get_code_error())

    @api.model
    def _get_code_error(self, sentence=None):
        """Return what is told of a wrong code.

        :param sentence: what is wrong; by default that there are spaces around it
        """
        if sentence:
            return self.env._("Code: %s", sentence)
        return self.env._("Code: remove leading and trailing spaces.")


class PlatformCode(ReadableCode):
    """Base of models with a ``code`` that the platform sends, of which a copy has
    another one."""

    __slots__ = ()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "code" not in (default or {}):
            for vals in vals_list:
                vals["code"] = self._get_free_code(vals["code"], vals["company_id"])
        return vals_list

    @api.model
    def _get_free_code(self, code, company_id):
        """Return the code of a copy, which no other record of the company has."""
        others = self.with_context(active_test=False)
        while True:
            code = self.env._("%s (copy)", code)
            taken = [("company_id", "=", company_id), ("code", "=ilike", code)]
            if not others.search_count(taken, limit=1):
                return code
