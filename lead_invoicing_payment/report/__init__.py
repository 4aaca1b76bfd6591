# ruff: noqa: I001
"""Owns what is read of recharges: what Check the Books asks, and which ones failed; and
what the link on an invoice asks for."""

from . import account_move
from . import lead_invoice_run
from . import lead_overview_card
