from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_date

from odoo.addons.lead_invoicing.controllers.routing import report_route
from odoo.addons.lead_invoicing.recording.file_formats import FileFormats
from odoo.addons.lead_invoicing.tools.local_time import get_zone, local_day

from ..recording.lists import read_file
from ..report.comparison import Comparison
from .portal import SEPARATOR, LeadReturnPortal

URL = "/my/compare-leads"
# So many differences of a kind are shown.
MAX_SHOWN = 500
DECIMAL_SEPARATORS = (".", ",")


class LeadComparisonPortal(LeadReturnPortal):
    """A buyer compares its own list of leads with what it was charged for."""

    @report_route(URL, methods=["GET"])
    def portal_compare_leads(self, **params):
        """Show the form to compare a list."""
        return self._show_lead_comparison(params)

    @report_route(URL, files=("file",), methods=["POST"])
    def portal_compare_leads_with(self, **params):
        """Compare a list, and show the differences.

        :param file: CSV or XLSX
        :param date_from, date_to: the days to compare, both inclusive
        :param decimal: the decimal separator of its prices, if it is chosen
        """
        return self._show_lead_comparison(params, is_sent=True)

    def _show_lead_comparison(self, params, is_sent=False):
        buyer = self._require_lead_buyer()
        report, errors = self._open_leaving_out_errors(
            request.env["lead.invoicing.report"],
            buyer,
            {name: params.get(name) for name in ("date_from", "date_to")},
        )
        error = "\n".join(errors.values())
        comparison = None
        if is_sent and report and not error:
            try:
                comparison = self._compare_leads(buyer, report, params)
            except UserError as refused:
                error = str(refused)
        return self._render_lead_returns(
            "portal_compare_leads",
            buyer,
            page_name="lead_comparison",
            report=report,
            typed=params,
            error=error,
            comparison=comparison,
            max_shown=MAX_SHOWN,
            separator=SEPARATOR,
            get_day=lambda date: format_date(
                request.env, local_day(request.env, date, report.tz)
            ),
        )

    def _compare_leads(self, buyer, report, params):
        file = params.get("file")
        if not file:
            raise UserError(request.env._("Choose a file with your leads."))
        decimal = params.get("decimal")
        options = {}
        if decimal in DECIMAL_SEPARATORS:
            options = {"float_decimal_separator": decimal}
        # What is read is the buyer's own.
        return Comparison(
            request.env["lead.return.request"].sudo().env,
            buyer,
            read_file(request.env, file.read()),
            report.start,
            report.end,
            FileFormats(get_zone(request.env, report.tz), options),
        )
