from odoo import api, models

from .account_statement import AccountStatement


class ReportStatement(models.AbstractModel):
    """Prints the statement of account, opened as the reader."""

    _name = "report.lead_invoicing.report_statement"
    _description = "Printed Statement of Account"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return what the template needs.

        :param docids: the id of the buyer
        :param data: the parameters, see ``lead.account.statement._open``; or the
            statement itself, which nobody can send from outside
        """
        partner = self.env["res.partner"].browse(docids or ())[:1]
        statement = (data or {}).get("statement")
        if not isinstance(statement, AccountStatement):
            statement = self.env["lead.account.statement"]._open(partner, data or {})
        companies = [section.company for section in statement.sections]
        return {
            "doc_ids": partner.ids,
            "doc_model": "res.partner",
            "docs": partner,
            "statement": statement,
            "company": companies[0] if companies else self.env.company,
        }
