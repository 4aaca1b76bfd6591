from odoo import models


class AccountPayment(models.Model):
    """A payment that names a top-up request, and nobody: it is that buyer's."""

    _inherit = "account.payment"

    def action_post(self):
        """Confirm payments; one without a customer, whose reference is that of a top-up
        request, is its buyer's."""
        for payment in self:
            if (
                payment.state == "draft"
                and payment.payment_type == "inbound"
                and payment.partner_type == "customer"
                and not payment.partner_id
            ):
                # Whoever confirms payments has no rights on requests.
                request = (
                    self.env["lead.top.up"]
                    .sudo()
                    ._find_by_texts(
                        payment.company_id, [payment.memo, payment.payment_reference]
                    )
                )
                if len(request) == 1:
                    payment.partner_id = request.partner_id.commercial_partner_id.id
        return super().action_post()
