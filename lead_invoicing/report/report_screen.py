from datetime import date

from odoo import api, models
from odoo.exceptions import UserError

from .screen_document import Money, ScreenDocument


class ReportScreen(models.AbstractModel):
    """Prints a screen with dates and totals."""

    _name = "report.lead_invoicing.report_screen"
    _description = "Printed Screen with Totals"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template needs.

        :param data: ``document``, the screen, which nobody can send from outside
        :raises UserError: where there is none
        """
        document = (data or {}).get("document")
        if not isinstance(document, ScreenDocument):
            raise UserError(self.env._("Print this from its own screen."))
        return {
            "doc_ids": document.company.ids,
            "doc_model": "res.company",
            "docs": document.company,
            "company": document.company,
            "document": document,
            "is_day": lambda value: isinstance(value, date),
            "is_money": lambda value: isinstance(value, Money),
            "is_number": lambda value: isinstance(value, int | Money),
        }
