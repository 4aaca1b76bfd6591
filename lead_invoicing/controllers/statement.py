from urllib.parse import urlencode

from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

from ..report.statement_files import make_statement_pdf, write_statement_xlsx
from .buyer_pages import BuyerPages
from .file_responses import FileResponses, get_asked_buyer, sends_file
from .routing import report_route

URL = "/my/lead-statement"
FORMATS = "<any(xlsx, pdf):file_type>"


class LeadStatementPortal(BuyerPages, FileResponses, CustomerPortal):
    """The statement of account: the buyer's page, and its files for buyers and staff.
    Who may see what is decided where it is opened, in ``lead.account.statement``."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "lead_statement_count" in counters:
            values["lead_statement_count"] = self._is_lead_buyer()
        return values

    def _is_lead_buyer(self):
        """Return 1 where the user is a buyer of leads, or prepays for them, else 0."""
        buyer = self._get_lead_buyer()
        if buyer and buyer.lead_billing_mode == "prepaid":
            return 1
        return self._has_lead_sales()

    @report_route(URL, methods=["GET"])
    def portal_my_lead_statement(self, **params):
        """Show the statement of account of the user's own commercial partner.

        :param params: see ``lead.account.statement._open``
        """
        buyer = request.env.user.partner_id.commercial_partner_id
        statements = request.env["lead.account.statement"]
        statement, errors = self._open_leaving_out_errors(statements, buyer, params)
        values = {
            "statement": statement,
            "errors": errors,
            "typed": params,
            "url": URL,
        }
        if statement:
            values["query"] = urlencode(statement.get_params())
            values["balances"] = self._get_lead_balances_now(buyer)
        return self._render_lead_page(
            "lead_invoicing.portal_lead_statement", "lead_statement", **values
        )

    def _get_lead_balances_now(self, buyer):
        """Return what the buyer is told of its money now: a list of dicts with
        ``company``, ``is_prepaid``, ``balances`` and ``forecast``, of each company
        that it buys from.

        :param buyer: the user's own commercial partner
        """
        # Safe: it is the user's own, and no other buyer's money is told.
        buyer = buyer.sudo()
        rows = []
        for company in request.env["lead.type"]._get_lead_companies():
            own = buyer.with_company(company)
            if balances := own._get_lead_balances().get(buyer.id):
                rows.append(
                    {
                        "company": company,
                        "is_prepaid": own.lead_billing_mode == "prepaid",
                        "balances": balances,
                        "forecast": own._get_lead_forecast_text(),
                    }
                )
        return rows

    @report_route(f"{URL}/{FORMATS}", methods=["GET"])
    @sends_file
    def portal_download_lead_statement(self, file_type, **params):
        """Download the statement of the user's own commercial partner.

        :param params: see ``lead.account.statement._open``
        """
        buyer = request.env.user.partner_id
        return self._download_lead_statement(buyer, file_type, params)

    @report_route(f"/lead-invoicing/statement/{FORMATS}", methods=["GET"])
    @sends_file
    def download_lead_statement(
        self, file_type, partner_id=None, company_ids=None, **params
    ):
        """Download the statement of a buyer, for internal users.

        :param partner_id: the buyer
        :param company_ids: those of the user's companies that it is of, by default all
        :param params: see ``lead.account.statement._open``
        """
        partner = get_asked_buyer(partner_id, company_ids)
        return self._download_lead_statement(partner, file_type, params)

    def _download_lead_statement(self, partner, file_type, params):
        def write(file):
            if file_type == "xlsx":
                write_statement_xlsx(statement, file)
            else:
                file.write(make_statement_pdf(statement))

        statement = partner.env["lead.account.statement"]._open(partner, params)
        name = statement.get_filename(file_type)
        return self._respond_with_file(write, name, file_type)
