from odoo import models


class PaymentToken(models.Model):
    """A payment method that is removed is charged no more."""

    _inherit = "payment.token"

    def _handle_archiving(self):
        """End the consents to charge these payment methods."""
        result = super()._handle_archiving()
        # Whoever removes a payment method has this follow.
        consents = self.env["lead.recharge.consent"].sudo()
        for consent in consents.search(
            [("token_id", "in", self.ids), ("kind", "=", "given")]
        ):
            consent._end("ended", self.env._("The payment method was removed."))
        return result

    def get_linked_records_info(self):
        """Say on the page of payment methods that this one is used for recharges."""
        self.ensure_one()
        # Only whether there is one, for whoever may see the payment method.
        consents = self.env["lead.recharge.consent"].sudo()
        current = consents.search(
            [("token_id", "=", self.id), ("kind", "=", "given")]
        ).filtered(lambda consent: consent._is_current())
        return super().get_linked_records_info() + [
            {
                "description": self.env._("Automatic Recharge"),
                "id": consent.id,
                "name": consent.company_id.name,
                "url": "/my/lead-recharge",
            }
            for consent in current
        ]
