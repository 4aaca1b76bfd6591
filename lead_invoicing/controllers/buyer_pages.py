from odoo.exceptions import UserError
from odoo.http import request

from .file_responses import NO_CACHE
from .routing import get_report_url


class BuyerPages:
    """What the buyer's pages in the portal share: whose they are, and how they are
    shown."""

    def _render_lead_page(self, template, page_name, **values):
        """Show a page with a buyer's data, which stays in no cache.

        :param page_name: of the breadcrumbs, beginning with ``lead_``
        """
        response = request.render(
            template,
            {
                **self._prepare_portal_layout_values(),
                "page_name": page_name,
                **values,
            },
        )
        response.headers["Cache-Control"] = NO_CACHE
        return response

    def _prepare_portal_layout_values(self):
        return {
            **super()._prepare_portal_layout_values(),
            "html_data": self._get_lead_html_data(),
        }

    def _get_lead_html_data(self):
        """Return the attributes of a page: the language that it is read in."""
        return {"lang": (request.env.lang or "en_US").replace("_", "-")}

    def _get_lead_buyer(self):
        """Return the buyer that a portal user belongs to, with all rights; None for
        who is no buyer's."""
        user = request.env.user
        if not user._is_portal():
            return None
        # Safe: it is the user's own commercial partner, and nobody else's.
        return user.partner_id.commercial_partner_id.sudo()

    def _require_lead_buyer(self):
        """Return the buyer that the user belongs to; for others there is no such page.

        :raises NotFound: for who is no buyer's
        """
        buyer = self._get_lead_buyer()
        if not buyer:
            raise request.not_found()
        return buyer

    def _get_last_lead_sale(self):
        """Return the buyer's last transaction, in any company."""
        # Safe: the ledger is closed to portal users; these are the buyer's own rows.
        sales = request.env["lead.sale"].sudo()
        buyer = self._get_lead_buyer()
        if not buyer:
            return sales
        domain = [("commercial_partner_id", "in", buyer._get_lead_buyers().ids)]
        return sales.search(domain, limit=1)

    def _has_lead_sales(self):
        """Return 1 where the user is a buyer of leads, else 0: to count them all takes
        long, and a card on the home page shows no number."""
        return len(self._get_last_lead_sale())

    def _get_lead_outlooks(self, buyer, companies):
        """Return what comes next, of each of these companies that sold the buyer
        leads."""
        # Buyers see neither cycles nor companies, but when their own invoice comes.
        buyer = buyer.sudo()
        return [
            buyer.with_company(company)._get_upcoming_lead_invoice()
            for company in companies.sudo()
        ]

    def _get_lead_invoice_urls(self, ids):
        """Return {id: address} of documents of the buyer: their pages; and the leads of
        those of a company that the user has no other business with, of which Odoo shows
        no page.

        :param ids: of documents that the user may know of
        """
        documents = request.env["account.move"].browse(ids)
        shown = documents._filtered_access("read")
        return {
            document.id: f"/my/invoices/{document.id}"
            if document in shown
            else get_report_url(invoice_id=document.id)
            for document in documents
        }

    def _open_leaving_out_errors(self, model, buyer, params):
        """Open what a page shows; return it, and {name: sentence} of the parameters
        that are not right.

        These are left out then, so that there is something to choose from again. There
        is nothing for whoever may not see any.

        :param model: with an ``_open`` for a buyer and parameters
        """
        params, errors = dict(params), {}
        while True:
            try:
                return model._open(buyer, params), errors
            except UserError as error:
                name = getattr(error, "param", None)
                if not name:
                    return None, {**errors, "": str(error)}
                del params[name]
                errors[name] = str(error)
