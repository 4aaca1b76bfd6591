"""Owns the addresses: the buyer's pages in the portal, and the files of the Invoicing
Report.

Who may see what is decided by `lead.invoicing.report`.
"""

from . import (
    dispute,
    home,
    import_template,
    portal,
    report,
    screens,
    statement,
    top_up,
)
