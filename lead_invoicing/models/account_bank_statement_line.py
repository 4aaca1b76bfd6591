from odoo import models

from ..tools.protected_fields import EngineGuard
from .account_move import ENGINE_FIELDS


class AccountBankStatementLine(EngineGuard, models.Model):
    """A bank transaction has the fields of its journal entry, and so their defaults:
    what Odoo creates as the superuser takes them from the caller's context, too."""

    _inherit = "account.bank.statement.line"
    _lead_engine_fields = ENGINE_FIELDS
