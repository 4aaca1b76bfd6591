from dateutil.relativedelta import relativedelta
from werkzeug.urls import url_encode

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.context_values import write_companies


class LeadStatementWizard(models.TransientModel):
    """Shows the statement of account of a buyer, and offers its files."""

    _name = "lead.statement.wizard"
    _description = "Statement of Account"

    partner_id = fields.Many2one("res.partner", "Buyer", required=True)
    date_from = fields.Date(
        "From",
        required=True,
        default=lambda self: (
            self.env.company._get_lead_today() + relativedelta(months=-1, day=1)
        ),
    )
    date_to = fields.Date(
        "Through",
        required=True,
        default=lambda self: self.env.company._get_lead_today(),
    )
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    @api.depends("partner_id", "date_from", "date_to")
    @api.depends_context("lang")
    def _compute_preview(self):
        for wizard in self:
            try:
                statement = wizard._open()
            except UserError as error:
                wizard.preview = str(error)
                continue
            wizard.preview = self.env["ir.qweb"]._render(
                "lead_invoicing.account_statement_sections", {"statement": statement}
            )

    def action_pdf(self):
        """Download the statement as PDF."""
        return self._get_download_action("pdf")

    def action_xlsx(self):
        """Download the statement as XLSX."""
        return self._get_download_action("xlsx")

    def _get_download_action(self, file_type):
        statement = self._open()
        query = url_encode(
            {
                "partner_id": self.partner_id.id,
                "company_ids": write_companies(self.env),
                **statement.get_params(),
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/lead-invoicing/statement/{file_type}?{query}",
            "target": "download",
        }

    def _open(self):
        """Return the statement that was chosen.

        :raises UserError: a sentence, if something was not chosen rightly
        """
        self.ensure_one()
        return self.env["lead.account.statement"]._open(
            self.partner_id,
            {
                "date_from": self.date_from and str(self.date_from),
                "date_to": self.date_to and str(self.date_to),
            },
        )
