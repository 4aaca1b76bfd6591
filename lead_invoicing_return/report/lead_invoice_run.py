from odoo import api, models
from odoo.tools.translate import LazyTranslate

from odoo.addons.lead_invoicing.report.books_rules import Rule

_lt = LazyTranslate(__name__)

RULES = [
    Rule(
        "request_without_return",
        "lead.return.request",
        _lt(
            "Return requests were accepted without a return of their sale, or have a"
            " return without being accepted, or one of another amount. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT request.id
          FROM lead_return_request request
          LEFT JOIN lead_sale back ON back.id = request.return_id
         WHERE request.company_id = ANY(%(companies)s)
           AND ((request.state = 'accepted') != (back.id IS NOT NULL)
                OR back.origin_id != request.sale_id
                OR back.external_ref = 'REQ-' || request.id
                   AND back.price != request.amount)
        """,
    ),
]


class LeadInvoiceRun(models.Model):
    """What always holds of return requests."""

    _inherit = "lead.invoice.run"

    @api.model
    def _get_books_rules(self):
        return [*super()._get_books_rules(), *RULES]
