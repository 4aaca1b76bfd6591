"""Bill the sample of lead sales in a real Odoo: `bin/demo`."""

from dev.acceptance.command import main

__all__ = ["main"]
