import functools
import re
from urllib.parse import urlencode

from werkzeug.datastructures import FileStorage

from odoo import http
from odoo.http import request

REPORT_URL = "/my/invoicing-report"
_PAGE = re.compile("[1-9][0-9]{0,8}", re.ASCII)


def get_report_url(**params):
    """Return the address of the buyer's Invoicing Report with these parameters, without
    the empty ones; ``to`` names a format to download.

    Pages always name the lead type that they show, so that a bookmark goes on showing
    it; without one it is all of them.
    """
    path = "/".join(filter(None, [REPORT_URL, params.pop("to", "")]))
    query = {name: value for name, value in params.items() if value is not None}
    return f"{path}?{urlencode(query)}" if query else path


def read_page(text):
    """Return the number of the page that an address names, 1 where it is none."""
    return int(text) if _PAGE.fullmatch(text) else 1


def get_company_env(company_ids):
    """Return the environment in some of the user's companies.

    Without it, an address is read in all of the user's companies, whichever are
    selected in the client: what it sends would differ from what a screen shows.

    :param company_ids: as an address has them, see ``write_companies``; None for none
    :raises NotFound: where one of them is not the user's
    """
    env = request.env
    if company_ids is None:
        return env
    own = {str(id_): id_ for id_ in env.user.company_ids.ids}
    asked = dict.fromkeys(company_ids.split("-"))
    if not asked.keys() <= own.keys():
        raise request.not_found()
    allowed = [own[id_] for id_ in asked]
    return env(context={**env.context, "allowed_company_ids": allowed})


def select_company(company):
    """Let the client that is opened next begin in a company, with those that are
    selected there beside it."""
    first = str(company.id)
    own = {str(id_) for id_ in request.env.user.company_ids.ids} - {first}
    # The client forgets all of them where it is told one that is not the user's.
    beside = [id_ for id_ in request.cookies.get("cids", "").split("-") if id_ in own]
    request.future_response.set_cookie("cids", "-".join([first, *beside]))


def report_route(routes, **routing):
    """Decorate a method as a page or file of the Invoicing Report: for people who are
    logged in, and only read, so that a replica can serve it."""
    return lead_route(
        routes, type="http", auth="user", website=True, readonly=True, **routing
    )


def lead_route(routes, files=(), **routing):
    """Decorate a method as Odoo's ``route`` does.

    Whatever an address or a form asks for is passed on by name. Odoo calls the
    controller itself ``self``, and fails where an address has that name, too: it is
    left out. So is a file in place of a text, or a text in place of a file; and texts
    come without NUL, which PostgreSQL does not take.

    :param files: names of the parameters that are files
    """

    def decorate(method):
        endpoint = http.route(routes, **routing)(method)

        @functools.wraps(endpoint)
        def with_readable(*args, **params):
            params = {
                name: value.replace("\0", "") if isinstance(value, str) else value
                for name, value in params.items()
                if isinstance(value, FileStorage) == (name in files) and name != "self"
            }
            return endpoint(*args, **params)

        return with_readable

    return decorate
