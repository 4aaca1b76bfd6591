"""Owns the addresses: the page of the Invoicing Report in the portal, and its files.

Who may see what is decided by `lead.invoicing.report`.
"""

from . import dispute, portal, report, statement, top_up
