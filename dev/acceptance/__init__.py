"""The demonstration: the sample of lead sales, billed by a real Odoo."""
