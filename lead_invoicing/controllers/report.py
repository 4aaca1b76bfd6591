from odoo import http
from odoo.http import request

from ..report.as_csv import write_csv
from ..report.as_pdf import make_pdf
from ..report.as_xlsx import write_xlsx
from ..report.params import read_flag
from .file_responses import MIME_TYPES, FileResponses, get_asked_buyer, sends_file
from .routing import report_route

FORMATS = f"<any({', '.join(MIME_TYPES)}):file_type>"


class InvoicingReportDownload(FileResponses, http.Controller):
    """Downloads of the Invoicing Report. What the reader may see is decided where it is
    opened, in ``lead.invoicing.report``; a read replica can serve them."""

    @report_route(f"/my/invoicing-report/{FORMATS}", methods=["GET"])
    @sends_file
    def portal_download(self, file_type, **params):
        """Download the report of the user's own commercial partner.

        :param params: see ``lead.invoicing.report._open``; for CSV also ``plain``, 1
            for values as they were recorded, without lines of totals
        """
        return self._download(request.env.user.partner_id, file_type, params)

    @report_route(f"/lead-invoicing/report/{FORMATS}", methods=["GET"])
    @sends_file
    def download(self, file_type, partner_id=None, company_ids=None, **params):
        """Download the report of a buyer, for internal users.

        :param partner_id: the buyer
        :param company_ids: those of the user's companies that it is of, by default all
        :param params: see :meth:`portal_download`
        """
        partner = get_asked_buyer(partner_id, company_ids)
        return self._download(partner, file_type, params)

    def _download(self, partner, file_type, params):
        report = partner.env["lead.invoicing.report"]._open(partner, params)
        report.check_limit(file_type)
        is_plain = file_type == "csv" and read_flag(
            request.env, "plain", params.get("plain")
        )
        name = report.get_filename(file_type, "plain" if is_plain else None)

        def write(file):
            if file_type == "csv":
                write_csv(report, file, is_plain)
            elif file_type == "xlsx":
                write_xlsx(report, file)
            else:
                file.write(make_pdf(report))

        return self._respond_with_file(write, name, file_type)
