import functools
from urllib.parse import urlencode

from odoo import http
from odoo.http import request

REPORT_URL = "/my/invoicing-report"


def get_report_url(**params):
    """Return the address of the buyer's Invoicing Report with these parameters, without
    the empty ones; ``to`` names a format to download.

    Pages always name the lead type that they show, so that a bookmark goes on showing
    it; without one it is all of them.
    """
    path = "/".join(filter(None, [REPORT_URL, params.pop("to", "")]))
    query = {name: value for name, value in params.items() if value is not None}
    return f"{path}?{urlencode(query)}" if query else path


def get_company_env(company_id):
    """Return the environment in one of the user's companies, None where it is none.

    :param company_id: as an address has it, a text; None for the current company
    """
    env = request.env
    if company_id is None:
        return env
    ids = {str(id_): id_ for id_ in env.user.company_ids.ids}
    if company_id not in ids:
        return None
    return env(context={**env.context, "allowed_company_ids": [ids[company_id]]})


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
    logged in, and only read, so that a replica can serve it.

    Whatever an address asks for is passed on by name. Odoo calls the controller itself
    ``self``, and fails where an address has that name, too: it is left out.
    """

    def decorate(method):
        endpoint = http.route(
            routes, type="http", auth="user", website=True, readonly=True, **routing
        )(method)

        @functools.wraps(endpoint)
        def without_self(*args, **params):
            params.pop("self", None)
            return endpoint(*args, **params)

        return without_self

    return decorate
