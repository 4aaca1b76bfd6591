from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _get_layout(self):
        # It has many pages and more cells than any other.
        if self.report_name == "lead_invoicing.report_invoicing":
            return self.env.ref("lead_invoicing.report_invoicing_layout")
        return super()._get_layout()
