"""The platform's own return of a sale that a request has already given back."""

from odoo.tools import SQL


class ReturnsOnRequest:
    """Mixed into the recorder. A request that was accepted has given its sale back."""

    def _get_decisions(self):
        return {
            **super()._get_decisions(),
            # Not those that were accepted with a return of the platform.
            "lead_return_request": SQL(
                """
                SELECT request.id, request.sale_id, request.return_id,
                       request.platform_ref
                  FROM lead_return_request request
                  JOIN lead_sale made ON made.id = request.return_id
                                     AND made.external_ref = 'REQ-' || request.id
                 WHERE request.state = 'accepted'
                """
            ),
        }
