"""Bill the sample of lead sales in a real Odoo: `bin/demo`."""

from demo.command import main

__all__ = ["main"]
