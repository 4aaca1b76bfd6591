import functools

from odoo import http


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
