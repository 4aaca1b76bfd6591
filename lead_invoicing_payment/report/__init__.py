"""Owns what Check the Books asks of recharges."""

from . import lead_invoice_run
