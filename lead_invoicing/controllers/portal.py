import re
from urllib.parse import urlencode

from odoo.http import request, route

from odoo.addons.account.controllers.portal import PortalAccount
from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..report.invoicing_report import LIMITS, format_count
from .buyer_pages import BuyerPages
from .file_responses import MIME_TYPES, NO_CACHE
from .routing import report_route

URL = "/my/invoicing-report"
ROWS_PER_PAGE = 50

_PAGE = re.compile("[1-9][0-9]{0,8}", re.ASCII)


class LeadPortal(BuyerPages, CustomerPortal):
    """The Invoicing Report in the buyer's portal."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "lead_sale_count" in counters:
            values["lead_sale_count"] = self._has_lead_sales()
        return values

    @report_route([URL, f"{URL}/page/<page>"])
    def portal_my_invoicing_report(self, page="1", **params):
        """Show the report of the user's own commercial partner.

        :param page: number of the page; the first one where it is none
        :param params: see ``lead.invoicing.report._open``; ``fields`` can also be
            given many times, with one name each
        """
        page = int(page) if _PAGE.fullmatch(page) else 1
        params = self._complete_lead_report_params(params)
        values = self._prepare_lead_report_values(page, params)
        response = request.render("lead_invoicing.portal_invoicing_report", values)
        response.headers["Cache-Control"] = NO_CACHE
        return response

    def _complete_lead_report_params(self, params):
        """Return the parameters as the report takes them, with the lead type that was
        sold last where none is asked for."""
        params = dict(params)
        if "fields" in params:
            # Browsers send one parameter for each box that is ticked.
            params["fields"] = ",".join(request.httprequest.args.getlist("fields"))
        if not params.get("lead_type_id") and not params.get("invoice_id"):
            params["lead_type_id"] = self._get_last_lead_sale().lead_type_id.id
        return params

    def _prepare_lead_report_values(self, page, params):
        """Return what the template needs to show a page of the report, or sentences
        that say what is wrong with what is asked for."""
        buyer = request.env.user.partner_id.commercial_partner_id
        reports = request.env["lead.invoicing.report"]
        report, errors = self._open_leaving_out_errors(reports, buyer, params)
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "lead_report",
            "report": report,
            "errors": errors,
            "typed": params,
            "url": URL,
            "get_url": self._get_lead_report_url,
        }
        if not report:
            return values
        values["asked"] = report.get_params()
        if not report.invoice:
            values["outlooks"] = self._get_lead_outlooks(buyer, report)
        if errors:
            # To choose anew: not what was asked for is shown, nor anything else.
            return values
        pager = portal_pager(
            url=URL,
            url_args=values["asked"],
            total=report.count,
            page=page,
            step=ROWS_PER_PAGE,
        )
        rows = report.get_page(ROWS_PER_PAGE, pager["offset"])
        return {
            **values,
            "pager": pager,
            "rows": rows,
            "position": request.env._(
                "%(first)s to %(last)s of %(all)s",
                first=format_count(request.env, pager["offset"] + 1),
                last=format_count(request.env, pager["offset"] + len(rows)),
                all=format_count(request.env, report.count),
            ),
            **self._get_lead_report_formats(report),
        }

    def _get_lead_report_formats(self, report):
        """Return the formats to download, and why others are missing."""
        missing = {
            name: limit for name, limit in LIMITS.items() if report.count > limit
        }
        return {
            "formats": [name for name in MIME_TYPES if name not in missing],
            "formats_notes": [
                request.env._(
                    "%(type)s: at most %(limit)s rows.",
                    type=name.upper(),
                    limit=format_count(request.env, limit),
                )
                for name, limit in missing.items()
            ],
        }

    def _get_lead_outlooks(self, buyer, report):
        """Return what comes next, of each company that sold the buyer leads."""
        # Buyers see neither cycles nor companies, but when their own invoice comes.
        buyer = buyer.sudo()
        return [
            buyer.with_company(company)._get_upcoming_lead_invoice()
            for company in report.lead_types.company_id
        ]

    def _get_lead_report_url(self, **params):
        """Return the address of the report with these parameters, without the empty
        ones; ``to`` names a format to download."""
        path = "/".join(filter(None, [URL, params.pop("to", "")]))
        query = {name: value for name, value in params.items() if value is not None}
        return f"{path}?{urlencode(query)}" if query else path


class LeadPortalAccount(PortalAccount):
    """The buyer's invoices, with what they say of its leads."""

    @route()
    def portal_my_invoice_detail(self, *args, report_type=None, **kwargs):
        """Show an invoice; it stays in no cache. Whoever asks for the headers of its
        file gets them without anything being printed."""
        is_head = request.httprequest.method == "HEAD" and report_type == "pdf"
        response = super().portal_my_invoice_detail(
            *args, report_type=None if is_head else report_type, **kwargs
        )
        response.headers["Cache-Control"] = NO_CACHE
        if is_head and response.status_code == 200:
            response.headers["Content-Type"] = MIME_TYPES["pdf"]
        return response
