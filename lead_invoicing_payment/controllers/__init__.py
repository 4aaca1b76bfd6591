"""Owns the addresses of online top-ups and of automatic recharge. What a buyer may do
is decided by the models.
"""

from . import invoice, recharge, top_up
