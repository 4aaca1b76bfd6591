import re
from urllib.parse import urlencode

from odoo.http import request

from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..report.buyer_home import STATUSES
from .routing import get_report_url, read_page, report_route
from .top_up import LeadTopUpPortal

URL = "/my/leads"
INVOICES_URL = f"{URL}/invoices"
LAST_DOCUMENTS = 6
DOCUMENTS_PER_PAGE = 40
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


class LeadHomePortal(LeadTopUpPortal):
    """The buyer's home in the portal: what it owes, gets and got, each figure with the
    way to what it is made of."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "lead_home_count" in counters:
            values["lead_home_count"] = self._is_lead_buyer()
        return values

    @report_route(URL, methods=["GET"])
    def portal_my_leads(self, **_params):
        """Show the home of the user's own commercial partner."""
        buyer = self._require_lead_buyer()
        return self._render_lead_page(
            "lead_invoicing.portal_lead_home",
            "lead_home",
            **self._prepare_lead_home_values(buyer),
        )

    def _prepare_lead_home_values(self, buyer):
        """Hook: return what the page shows.

        :param buyer: the user's own commercial partner
        """
        home = request.env["lead.buyer.home"]._open(buyer)
        accounts = [buyer.with_company(company) for company in home.companies]
        is_prepaid = any(one.lead_billing_mode == "prepaid" for one in accounts)
        documents = home.get_documents(LAST_DOCUMENTS)
        waiting = home.get_waiting()
        companies = home.companies.filtered(
            lambda company: any(
                lead_type.company_id == company
                for lead_type in (*home.lead_types, *(one.lead_type for one in waiting))
            )
        )
        return {
            "home": home,
            "owed": home.get_owed(),
            "waiting": waiting,
            "outlooks": self._get_lead_outlooks(buyer, companies),
            "is_prepaid": is_prepaid,
            "balances": self._get_lead_balances_now(buyer) if is_prepaid else [],
            "deposits": home.get_deposits() if is_prepaid else [],
            "can_top_up": bool(self._get_lead_top_up_accounts(buyer)),
            "documents": documents,
            "document_urls": self._get_lead_invoice_urls(documents.ids),
            "disputes": self._get_open_lead_disputes(home),
            "get_url": get_report_url,
            "get_invoices_url": self._get_lead_invoices_url,
        }

    def _get_open_lead_disputes(self, home):
        """Return the buyer's disputes that are not decided yet."""
        # Safe: of the buyer's own documents.
        disputes = request.env["lead.dispute"].sudo()
        domain = home.get_documents_domain()
        return disputes.search([("move_id", "any", domain), ("state", "=", "open")])

    def _get_lead_invoices_url(self, **params):
        """Return the address of the list of invoices, without empty parameters."""
        query = {name: value for name, value in params.items() if value}
        return f"{INVOICES_URL}?{urlencode(query)}" if query else INVOICES_URL

    @report_route([INVOICES_URL, f"{INVOICES_URL}/page/<page>"], methods=["GET"])
    def portal_my_lead_invoices(
        self, page="1", status="", currency="", company="", **_params
    ):
        """Show the invoices and credit notes of the user's own commercial partner.

        :param page: number of the page; the first one where it is none
        :param status: ``open``, ``overdue`` or ``credit``; all where it is none
        :param currency: a code such as USD; all where it is none
        :param company: id of the company that sells; all where it is none
        """
        home = request.env["lead.buyer.home"]._open(self._require_lead_buyer())
        status = status if status in STATUSES else None
        currency = self._find_lead_currency(currency)
        company = home.companies.filtered(lambda one: str(one.id) == company)
        pager = portal_pager(
            url=INVOICES_URL,
            url_args={
                "status": status or "",
                "currency": currency.name or "",
                "company": company.id or "",
            },
            total=home.documents.search_count(
                home.get_documents_domain(status, currency, company)
            ),
            page=read_page(page),
            step=DOCUMENTS_PER_PAGE,
        )
        documents = home.get_documents(
            DOCUMENTS_PER_PAGE, pager["offset"], status, currency, company
        )
        return self._render_lead_page(
            "lead_invoicing.portal_lead_invoices",
            "lead_invoices",
            home=home,
            documents=documents,
            document_urls=self._get_lead_invoice_urls(documents.ids),
            pager=pager,
            status=status,
            currency=currency,
            company=company,
            get_invoices_url=self._get_lead_invoices_url,
        )

    def _find_lead_currency(self, code):
        currencies = request.env["res.currency"].with_context(active_test=False)
        # Currencies are no secret.
        currencies = currencies.sudo()
        if not _CURRENCY.fullmatch(code):
            return currencies
        return currencies.search([("name", "=", code)])
