"""Owns the addresses of the buyer's return requests and of the comparison. What a buyer
may ask for is decided by `lead.return.request`.
"""

from . import comparison, portal
