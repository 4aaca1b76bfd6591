from odoo.http import request

from odoo.addons.account_payment.controllers.portal import PortalAccount


class LeadInvoicePortal(PortalAccount):
    """A buyer pays an own invoice by whatever address it has opened it, and is asked
    for nothing that is disputed."""

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        # Odoo's payment form needs the token, which only Odoo's own links have. Whoever
        # comes here without may see the invoice by right, and got its links as well.
        if invoice.lead_run_id and not access_token:
            access_token = invoice._portal_ensure_token()
        return super()._invoice_get_page_view_values(invoice, access_token, **kwargs)

    def _get_overdue_invoices_domain(self, partner_id=None):
        """Leave out invoices of which nothing is to be paid while it is disputed."""
        domain = super()._get_overdue_invoices_domain(partner_id)
        # Only of the partner that the domain names, and only to leave them out.
        moves = request.env["account.move"].sudo()
        overdue = moves.search([*domain, ("lead_run_id", "!=", False)])
        settled = overdue.filtered(lambda move: not move._get_lead_amount_to_pay())
        return [*domain, ("id", "not in", settled.ids)] if settled else domain

    def _overdue_invoices_get_page_view_values(self, overdue_invoices, **kwargs):
        """Ask for what is to be paid of invoices for leads, not for their totals."""
        values = super()._overdue_invoices_get_page_view_values(
            overdue_invoices, **kwargs
        )
        # What of it is disputed is told to whoever may see the invoice.
        leads = overdue_invoices.sudo().filtered("lead_run_id")
        if leads and "payment" in values:
            asked = values["amount"] - sum(
                move.amount_total - move._get_lead_amount_to_pay() for move in leads
            )
            values["amount"] = leads.currency_id.round(asked)
            values["payment"] = {**values["payment"], "amount": values["amount"]}
        return values
