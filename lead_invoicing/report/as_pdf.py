from odoo import api, models

from .invoicing_report import InvoicingReport

# More columns than this do not fit across a page that is upright.
PORTRAIT_COLUMNS = 8


def make_pdf(report):
    """Return a report as PDF, as bytes.

    :raises UserError: if there are more rows than can be printed in good time
    """
    # Rendered as the reader, who has it open.
    content, _type = report.env["ir.actions.report"]._render_qweb_pdf(
        "lead_invoicing.action_report_invoicing",
        report.partner.ids,
        data={"report": report},
    )
    return content


class ReportInvoicing(models.AbstractModel):
    """Prints the Invoicing Report. It is opened as the reader, so that nobody prints
    what ``lead.invoicing.report`` would not show."""

    _name = "report.lead_invoicing.report_invoicing"
    _description = "Printed Invoicing Report"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template needs.

        :param docids: the id of the buyer
        :param data: the parameters of the report, see ``lead.invoicing.report._open``;
            or the report itself, which nobody can send from outside
        :raises UserError: if there are more rows than can be printed in good time
        """
        partner = self.env["res.partner"].browse(docids or ())[:1]
        report = (data or {}).get("report")
        if not isinstance(report, InvoicingReport):
            report = self.env["lead.invoicing.report"]._open(partner, data or {})
        report.check_limit("pdf")
        reports = self.env["lead.invoicing.report"]
        types = report.lead_type or report.lead_types
        # The layout is that of the company that sold the leads, whose name and address
        # its buyers read on each document.
        company = reports._get_company(report.invoice, types).sudo()
        return {
            "doc_ids": partner.ids,
            "doc_model": "res.partner",
            "docs": partner,
            "report": report,
            "rows": report.get_page(report.count),
            "company": company,
            "landscape": len(report.columns) > PORTRAIT_COLUMNS,
        }
