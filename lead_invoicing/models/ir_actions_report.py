from odoo import models
from odoo.exceptions import UserError

from ..tools.machine import PrinterError


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _run_wkhtmltopdf(self, *args, **kwargs):
        """Tell the end of the program that prints from an error of what is printed:
        that one shows earlier, when the page is written that the program is given."""
        try:
            return super()._run_wkhtmltopdf(*args, **kwargs)
        except UserError as error:
            raise PrinterError(*error.args) from error
