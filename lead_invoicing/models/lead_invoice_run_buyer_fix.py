from odoo import models

from .account_move_delivery import TO_RESEND_DOMAIN


class LeadInvoiceRunBuyer(models.Model):
    """Of what kind the trouble of a buyer is, as it is now: asked of the rules that
    refuse it, so that nothing has to be remembered of an error."""

    _inherit = "lead.invoice.run.buyer"

    def _get_fixable_kinds(self):
        """Hook: return what a clerk can fix in the dialog, in its order.

        :return: {kind: the record that it is fixed on}, of the kinds ``hold``,
            ``receivable``, ``income``, ``email``, ``address``; empty: nothing that is
            known
        """
        self.ensure_one()
        kinds = {}
        if self.state == "failed":
            buyer = self._get_buyer()
            if buyer.lead_billing_hold:
                kinds["hold"] = buyer
            if not buyer.property_account_receivable_id.active:
                kinds["receivable"] = buyer
            if product := self._find_product_without_account():
                kinds["income"] = product
        if kind := self._get_undelivered_kind():
            kinds[kind] = self._get_unreached_contact()
        return kinds

    def _get_undelivered_kind(self):
        """Return which part of the address keeps documents from this buyer, if any."""
        document = self._get_undelivered_documents()[:1]
        if document.lead_delivery_state == "no_address":
            return "address" if self._is_sent_by("snailmail") else "email"
        return "email" if document and self._is_sent_by("email") else None

    def _get_unreached_contact(self):
        """Return the contact whose address keeps documents from this buyer, if any."""
        document = self._get_undelivered_documents()[:1]
        if document and self._is_sent_by("email"):
            return document._get_lead_unreached_contact()
        return document.partner_id

    def _get_undelivered_documents(self):
        """Return the posted documents of this buyer that a person has to send again,
        those without an address first."""
        undelivered = self.invoice_ids.filtered_domain(TO_RESEND_DOMAIN)
        return undelivered.sorted(lambda move: move.lead_delivery_state != "no_address")

    def _is_sent_by(self, method):
        return (self._get_buyer().invoice_sending_method or "email") == method

    def _get_buyer(self):
        """Return the buyer as the company of this item knows it."""
        return self.partner_id.with_company(self.company_id)

    def _find_product_without_account(self):
        """Return the product whose leads of this buyer cannot be booked, if any."""
        self.ensure_one()
        # sudo: planned as the run plans it, whatever the user may see; nothing is made,
        # and only the product is told.
        item = self.with_company(self.company_id).sudo()
        for document in item._plan_documents():
            for line in document.lines:
                if document.trouble and item._get_income_trouble(document, line):
                    lead_type = self.env["lead.type"].browse(line.lead_type_id)
                    return lead_type.product_id
        return self.env["product.product"]
