from odoo import fields, models


class LeadInvoicingReportColumn(models.TransientModel):
    """A field of lead data that the report can have a column for."""

    _name = "lead.invoicing.report.column"
    _description = "Column of the Invoicing Report"
    _rec_name = "label"
    _order = "id"

    wizard_id = fields.Many2one(
        "lead.invoicing.report.wizard", required=True, ondelete="cascade"
    )
    lead_type_id = fields.Many2one("lead.type", required=True, ondelete="cascade")
    name = fields.Char(required=True)
    label = fields.Char(required=True)
