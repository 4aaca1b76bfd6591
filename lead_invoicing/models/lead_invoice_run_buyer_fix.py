from odoo import models

UNSENT = ("failed", "no_address")


class LeadInvoiceRunBuyer(models.Model):
    """Of what kind the trouble of a buyer is, as it is now: asked of the rules that
    refuse it, so that nothing has to be remembered of an error."""

    _inherit = "lead.invoice.run.buyer"

    def _get_fixable_kinds(self):
        """Hook: return what a clerk can fix in the dialog, in its order.

        :return: list of ``hold``, ``receivable``, ``income``, ``email``, ``address``;
            empty: nothing that is known
        """
        self.ensure_one()
        kinds = []
        if self.state == "failed":
            buyer = self.partner_id.with_company(self.company_id)
            if buyer.lead_billing_hold:
                kinds.append("hold")
            if not buyer.property_account_receivable_id.active:
                kinds.append("receivable")
            if self._find_product_without_account():
                kinds.append("income")
        kinds += self._get_undelivered_kinds()
        return kinds

    def _get_undelivered_kinds(self):
        """Return which part of the address keeps documents from this buyer."""
        without_address = self._get_undelivered_documents().filtered(
            lambda move: move.lead_delivery_state == "no_address"
        )
        if not without_address:
            failed = self._get_undelivered_documents()
            return ["email"] if failed and self._is_sent_by("email") else []
        return ["address" if self._is_sent_by("snailmail") else "email"]

    def _is_sent_by(self, method):
        buyer = self.partner_id.with_company(self.company_id)
        return (buyer.invoice_sending_method or "email") == method

    def _get_undelivered_documents(self):
        """Return the posted documents of this buyer that a person has to send again."""
        return self.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.lead_delivery_state in UNSENT
        )

    def _find_product_without_account(self):
        """Return the product whose leads of this buyer cannot be booked, if any."""
        self.ensure_one()
        products = self.env["product.product"]
        if self.state != "failed":
            return products
        item = self.with_company(self.company_id)
        # What is to be billed is planned as the run does it; nothing is made.
        for document in item.sudo()._plan_documents():
            for line in document.lines:
                if document.trouble and item.sudo()._get_income_trouble(document, line):
                    lead_type = self.env["lead.type"].browse(line.lead_type_id)
                    return lead_type.product_id
        return products
