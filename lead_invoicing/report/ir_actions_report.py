from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _get_layout(self):
        # Thousands of cells: Odoo's stylesheet makes wkhtmltopdf ten times as slow.
        if self.report_name == "lead_invoicing.report_invoicing":
            return self.env.ref("lead_invoicing.report_invoicing_layout")
        return super()._get_layout()
