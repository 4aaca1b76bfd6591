from odoo.addons.account_payment.controllers.portal import PortalAccount


class LeadInvoicePortal(PortalAccount):
    """A buyer pays an own invoice by whatever address it has opened it."""

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        # Odoo's payment form needs the token, which only Odoo's own links have. Whoever
        # comes here without may see the invoice by right, and got its links as well.
        if invoice.lead_run_id and not access_token:
            access_token = invoice._portal_ensure_token()
        return super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
