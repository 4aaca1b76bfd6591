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
        """Leave out invoices for leads that their own pages do not ask to pay online:
        this is what is counted, and paid, as overdue."""
        return self._leave_out_lead_invoices(
            super()._get_overdue_invoices_domain(partner_id),
            lambda move: not move._has_to_be_paid(),
        )

    def _get_account_searchbar_filters(self):
        """List as overdue what is to be paid by bank transfer, too."""
        filters = super()._get_account_searchbar_filters()
        filters["overdue_invoices"]["domain"] = self._leave_out_lead_invoices(
            PortalAccount._get_overdue_invoices_domain(self),
            lambda move: not move._get_lead_amount_to_pay(),
        )
        return filters

    def _leave_out_lead_invoices(self, domain, is_left_out):
        # Only of the partner that the domain names, and only to leave them out.
        moves = request.env["account.move"].sudo()
        leads = moves.search([*domain, ("lead_run_id", "!=", False)])
        left_out = leads.filtered(is_left_out)
        return [*domain, ("id", "not in", left_out.ids)] if left_out else domain

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
