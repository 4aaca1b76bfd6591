import logging
import os
from contextlib import ExitStack

from werkzeug.wsgi import ClosingIterator

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import Stream, request

from ..report.as_csv import write_csv
from ..report.as_pdf import make_pdf
from ..report.as_xlsx import write_xlsx
from ..report.params import read_flag, read_id
from ..tools.downloads import FileTooLargeError, make_file, take_slot
from .routing import report_route

_logger = logging.getLogger(__name__)

MIME_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
# The data of people: in no cache, nor on the way.
NO_CACHE = "no-store, private"
FORMATS = f"<any({', '.join(MIME_TYPES)}):file_type>"
# When it is worth trying again (seconds) after too many downloads at a time.
RETRY_AFTER = 30


class InvoicingReportDownload(http.Controller):
    """Downloads of the Invoicing Report. What the reader may see is decided where it is
    opened, in ``lead.invoicing.report``; a read replica can serve them.

    A file is made first and then sent: no reader keeps a connection to the database,
    and a file that broke off is shorter than was said.
    """

    @report_route(f"/my/invoicing-report/{FORMATS}", methods=["GET"])
    def portal_download(self, file_type, **params):
        """Download the report of the user's own commercial partner.

        :param params: see ``lead.invoicing.report._open``; for CSV also ``plain``, 1
            for values as they were recorded, without lines of totals
        """
        return self._download(request.env.user.partner_id, file_type, params)

    @report_route(f"/lead-invoicing/report/{FORMATS}", methods=["GET"])
    def download(self, file_type, partner_id=None, **params):
        """Download the report of a buyer, for internal users.

        :param partner_id: the buyer
        :param params: see :meth:`portal_download`
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
            report.check_limit(file_type)
            is_plain = file_type == "csv" and read_flag(
                request.env, "plain", params.get("plain")
            )
            if request.httprequest.method == "HEAD":
                # Nobody reads a file: none is made, and how long it would be is not
                # known.
                return self._add_headers(request.make_response(iter(())), file_type)
            return self._respond(report, file_type, is_plain)
        except UserError as error:
            return self._refuse(error)
        except OSError:
            _logger.exception("A file of the Invoicing Report could not be made.")
            return self._refuse(
                request.env._(
                    "The file could not be created: the server is out of space right"
                    " now. Please try again later."
                ),
                503,
            )

    def _respond(self, report, file_type, is_plain):
        """Make the file in one of the reader's slots, and send it."""
        directory = request.env["lead.invoicing.report"]._get_downloads_directory()
        with ExitStack() as stack:
            slot = take_slot(directory, request.env.uid)
            if not slot:
                return self._refuse_for_now()
            stack.push(slot)
            path = self._make(report, file_type, is_plain, directory)
            name = report.get_filename(file_type, "plain" if is_plain else None)
            response = self._send(path, name, file_type)
            # It is free again when all is read, or nobody reads any more.
            response.response = ClosingIterator(
                response.response, stack.pop_all().close
            )
            return response

    def _make(self, report, file_type, is_plain, directory):
        """Write the file; return its path."""
        limit = request.env["lead.invoicing.report"]._get_download_limit()
        try:
            with make_file(directory, limit * 1_000_000) as file:
                if file_type == "csv":
                    write_csv(report, file, is_plain)
                elif file_type == "xlsx":
                    write_xlsx(report, file)
                else:
                    file.write(make_pdf(report))
        except FileTooLargeError as error:
            raise UserError(
                request.env._(
                    "This file would be larger than %s MB. Choose fewer days or less"
                    " lead data.",
                    limit,
                )
            ) from error
        return file.raw.name

    def _send(self, path, name, file_type):
        """Return the response that sends a file, or has a proxy send it."""
        stream = Stream(
            type="path",
            path=path,
            mimetype=MIME_TYPES[file_type],
            download_name=name,
            # It is made anew for each request.
            conditional=False,
            etag=False,
        )
        response = stream.get_response(as_attachment=True)
        if "X-Sendfile" not in response.headers:
            # It is open already, and gone when it is closed, whatever happens.
            os.unlink(path)
        return self._add_headers(response, file_type)

    def _add_headers(self, response, file_type):
        response.headers["Content-Type"] = MIME_TYPES[file_type]
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = NO_CACHE
        return response

    def _refuse_for_now(self):
        """Return the page for whoever has too many downloads at a time."""
        response = self._refuse(
            request.env._(
                "Two of your downloads are still in progress. Please wait until one of"
                " them finishes, or cancel one in your browser, and try again."
            ),
            429,
        )
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    def _refuse(self, error, status=None):
        """Return a page that says what is wrong, for people."""
        response = request.render("lead_invoicing.report_refused", {"message": error})
        denied = 403 if isinstance(error, AccessError) else 400
        response.status_code = status or denied
        return response
