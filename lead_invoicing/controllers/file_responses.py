"""Files on their way to a reader, as responses: made first, then sent."""

import functools
import logging
import os
from contextlib import ExitStack

from werkzeug.wsgi import ClosingIterator

from odoo.exceptions import AccessError, UserError
from odoo.http import Stream, request

from ..report.params import read_id
from ..tools.downloads import FileTooLargeError, make_file, take_slot
from .routing import get_company_env

_logger = logging.getLogger(__name__)

MIME_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
# The data of people: in no cache, nor on the way.
NO_CACHE = "no-store, private"
# When it is worth trying again (seconds) after too many downloads at a time.
RETRY_AFTER = 30


def sends_file(method):
    """Decorate a method of :class:`FileResponses` that sends a file, below its route:
    what keeps the file from being made is told on a page."""

    @functools.wraps(method)
    def send_or_tell(self, *args, **params):
        try:
            return method(self, *args, **params)
        except UserError as error:
            return self._refuse(error)
        except OSError:
            return self._refuse_for_space()

    return send_or_tell


def get_asked_buyer(partner_id, company_ids):
    """Return the buyer that an internal user's address names, in its companies.

    :param partner_id: as an address has it
    :param company_ids: likewise, see :func:`~.routing.get_company_env`
    :raises UserError: for what is no id
    """
    env = get_company_env(company_ids)
    partner_id = read_id(env, "partner_id", partner_id)
    return env["res.partner"].browse(partner_id).exists()


class FileResponses:
    """What controllers share that send files. A file is made first and then sent: no
    reader keeps a connection to the database, and a file that broke off is shorter than
    was said."""

    def _respond_with_file(self, write, name, file_type):
        """Make a file in one of the reader's slots, and send it.

        :param write: a function that writes it to a file that can be sought in
        :param name: of the file, for the reader
        :raises UserError: for one that would be too large
        :raises OSError: where there is no space
        """
        if request.httprequest.method == "HEAD":
            # Nobody reads a file: none is made, and how long it would be is not known.
            return self._add_headers(request.make_response(iter(())), file_type)
        directory = request.env["lead.invoicing.report"]._get_downloads_directory()
        with ExitStack() as stack:
            slot = take_slot(directory, request.env.uid)
            if not slot:
                return self._refuse_for_now()
            stack.push(slot)
            path = self._make_file(write, directory)
            response = self._send(path, name, file_type)
            # It is free again when all is read, or nobody reads any more.
            response.response = ClosingIterator(
                response.response, stack.pop_all().close
            )
            return response

    def _make_file(self, write, directory):
        """Write the file; return its path."""
        limit = request.env["lead.invoicing.report"]._get_download_limit()
        try:
            with make_file(directory, limit * 1_000_000) as file:
                write(file)
        except FileTooLargeError as error:
            raise UserError(
                request.env._(
                    "This file would be larger than %s MB. Choose fewer days or less"
                    " lead data.",
                    limit,
                )
            ) from error
        return file.raw.name

    def _refuse_for_space(self):
        """Return the page for whoever meets a full disk; the log says more."""
        _logger.exception("A file of the Invoicing Report could not be made.")
        return self._refuse(
            request.env._(
                "The file could not be created: the server is out of space right"
                " now. Please try again later."
            ),
            503,
        )

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
