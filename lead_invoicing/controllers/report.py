import tempfile

from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import content_disposition, request

from ..tools.report_params import read_id

MIME_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
# The data of people: in no cache, nor on the way.
NO_CACHE = "no-store, private"
FORMATS = f"<any({', '.join(MIME_TYPES)}):file_type>"


class InvoicingReportDownload(http.Controller):
    """Downloads of the Invoicing Report. What the reader may see is decided where it is
    opened, in ``lead.invoicing.report``; a read replica can serve them."""

    @http.route(
        f"/my/invoicing-report/{FORMATS}",
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
        readonly=True,
    )
    def portal_download(self, file_type, **params):
        """Download the report of the user's own commercial partner.

        :param params: see ``lead.invoicing.report._open``
        """
        return self._download(request.env.user.partner_id, file_type, params)

    @http.route(
        f"/lead-invoicing/report/{FORMATS}",
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
        readonly=True,
    )
    def download(self, file_type, partner_id=None, **params):
        """Download the report of a buyer, for internal users.

        :param partner_id: the buyer
        :param params: see ``lead.invoicing.report._open``
        """
        try:
            partner_id = read_id(request.env, "partner_id", partner_id)
        except UserError as error:
            return self._refuse(error)
        partner = request.env["res.partner"].browse(partner_id).exists()
        return self._download(partner, file_type, params)

    def _download(self, partner, file_type, params):
        try:
            report = request.env["lead.invoicing.report"]._open(partner, params)
            if request.httprequest.method == "HEAD":
                # Nothing is made to be thrown away; its length is not known, either.
                return self._respond(report, file_type, iter(()))
            return getattr(self, f"_respond_{file_type}")(report)
        except UserError as error:
            return self._refuse(error)

    def _respond_csv(self, report):
        return self._respond(report, "csv", report.iter_csv())

    def _respond_xlsx(self, report):
        # Closed, and with it deleted, when the response is.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        report.write_xlsx(file)
        length = file.tell()
        file.seek(0)
        content = wrap_file(request.httprequest.environ, file)
        return self._respond(report, "xlsx", content, length)

    def _respond_pdf(self, report):
        content = report.get_pdf()
        return self._respond(report, "pdf", content, len(content))

    def _respond(self, report, file_type, content, length=None):
        name = report.get_filename(file_type)
        headers = [
            ("Content-Type", MIME_TYPES[file_type]),
            ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", NO_CACHE),
        ]
        if length is not None:
            headers.append(("Content-Length", str(length)))
        return request.make_response(content, headers)

    def _refuse(self, error):
        """Return a page that says what is wrong, for people."""
        response = request.render("lead_invoicing.report_refused", {"message": error})
        response.status_code = 403 if isinstance(error, AccessError) else 400
        return response
