from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _get_layout(self):
        # Thousands of cells: Odoo's stylesheet makes wkhtmltopdf ten times as slow.
        if self.report_name == "lead_invoicing.report_invoicing":
            return self.env.ref("lead_invoicing.report_invoicing_layout")
        return super()._get_layout()

    def get_paperformat(self):
        # Screens are landscape, on the paper that the company has.
        company = self.env.company
        if (
            self.report_name == "lead_invoicing.report_screen"
            and company.paperformat_id.format == "Letter"
        ):
            return self.env.ref("lead_invoicing.paperformat_screen_letter")
        return super().get_paperformat()

    def _get_rendering_context(self, report, docids, data):
        data = super()._get_rendering_context(report, docids, data)
        if data.get("proforma") and report.model == "account.move":
            # Safe: whether what is printed was posted for leads.
            documents = self.env["account.move"].sudo().browse(docids)
            if all(document._is_posted_for_leads() for document in documents):
                # What was billed is that, whether or not its email was sent yet.
                data["proforma"] = False
        return data
