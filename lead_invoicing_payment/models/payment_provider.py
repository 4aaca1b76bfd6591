from odoo import models

# What Odoo sends them has a key made of the transaction's reference: a request that is
# repeated charges nothing again, and has the answer of the first one.
KNOWING_REFERENCES = {"adyen", "demo", "mercado_pago", "stripe", "worldline"}


class PaymentProvider(models.Model):
    """Which providers can be asked again."""

    _inherit = "payment.provider"

    def _lead_knows_references(self):
        """Hook: tell whether this provider charges nothing twice for one reference, so
        that an answer that never came can be asked for again."""
        self.ensure_one()
        return self.code in KNOWING_REFERENCES
