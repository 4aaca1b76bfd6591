"""Break what can break around a real Odoo, and see that the books still hold."""
