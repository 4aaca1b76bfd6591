from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.http import request, route

from odoo.addons.account.controllers.portal import PortalAccount
from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..report.invoicing_report import LIMITS, format_count
from ..tools.local_time import local_day
from .buyer_pages import BuyerPages
from .file_responses import MIME_TYPES, NO_CACHE
from .routing import REPORT_URL as URL
from .routing import get_report_url, read_page, report_route

ROWS_PER_PAGE = 50


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
        page = read_page(page)
        params = self._complete_lead_report_params(params)
        return self._render_lead_page(
            "lead_invoicing.portal_invoicing_report",
            "lead_report",
            **self._prepare_lead_report_values(page, params),
        )

    def _complete_lead_report_params(self, params):
        """Return the parameters as the report takes them. Lead data needs one type: an
        address that names some and no type shows the type that was sold last."""
        params = dict(params)
        if "fields" in params:
            # Browsers send one parameter for each box that is ticked.
            params["fields"] = ",".join(request.httprequest.args.getlist("fields"))
        chosen = params.get("lead_type_id") or params.get("invoice_id")
        if params.get("fields", "").strip(",") and not chosen:
            params["lead_type_id"] = self._get_last_lead_sale().lead_type_id.id
        return params

    def _prepare_lead_report_values(self, page, params):
        """Return what the template needs to show a page of the report, or sentences
        that say what is wrong with what is asked for."""
        buyer = request.env.user.partner_id.commercial_partner_id
        reports = request.env["lead.invoicing.report"]
        report, errors = self._open_leaving_out_errors(reports, buyer, params)
        values = {
            "report": report,
            "errors": errors,
            "typed": params,
            "url": URL,
            "get_url": get_report_url,
        }
        if not report:
            return values
        values["asked"] = report.get_params()
        values["periods"] = self._get_lead_report_periods(buyer, report)
        if not report.invoice:
            companies = report.lead_types.company_id
            values["outlooks"] = self._get_lead_outlooks(buyer, companies)
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
            "invoice_urls": self._get_lead_invoice_urls(
                {row["invoice_id"] for row in rows if row["invoice_id"]}
            ),
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

    def _get_lead_report_periods(self, buyer, report):
        """Return what is one click away: a list of dicts with ``name``, ``label``,
        ``url`` and ``is_current``."""
        env, asked = request.env, report.get_params()
        today = local_day(env, fields.Datetime.now(), report.tz)
        this_month = today.replace(day=1)
        last_month = this_month - relativedelta(months=1)
        kept = ("lead_type_id", "transaction_type", "billing", "fields")
        kept = {name: asked[name] for name in kept if name in asked}
        if not report.lead_type or report.invoice:
            kept.pop("fields", None)
        periods = []
        for name, label, first, last in (
            ("this_month", env._("This month"), this_month, today),
            (
                "last_month",
                env._("Last month"),
                last_month,
                this_month - relativedelta(days=1),
            ),
        ):
            periods.append(
                {
                    "name": name,
                    "label": label,
                    "url": get_report_url(**kept, date_from=first, date_to=last),
                    "is_current": not report.invoice
                    and (report.date_from, report.date_to) == (first, last),
                }
            )
        if last := self._get_last_lead_document(buyer):
            periods.append(
                {
                    "name": "last_invoice",
                    "label": env._("Last invoice"),
                    "url": get_report_url(invoice_id=last.id),
                    "is_current": report.invoice == last,
                }
            )
        return periods

    def _get_last_lead_document(self, buyer):
        """Return the buyer's last document for leads, in any company."""
        # Safe: it is the buyer's own; the report opens it for nobody else.
        return (
            request.env["account.move"]
            .sudo()
            .search(
                [
                    ("commercial_partner_id", "=", buyer.id),
                    ("lead_run_id", "!=", False),
                    ("state", "=", "posted"),
                ],
                order="lead_window_end desc, id desc",
                limit=1,
            )
        )


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
