"""Owns what is read of requests: what always holds of them, and the comparison of a
buyer's own list with the ledger.
"""

from . import lead_invoice_run
