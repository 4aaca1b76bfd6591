# ruff: noqa: I001
"""Owns what is read of requests: what always holds of them, which ones wait, and the
comparison of a buyer's own list with the ledger.
"""

from . import lead_invoice_run
from . import lead_overview_card
