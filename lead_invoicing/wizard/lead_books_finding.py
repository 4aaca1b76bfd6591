from odoo import api, fields, models


class LeadBooksFinding(models.TransientModel):
    """What *Check the Books* found, for its list."""

    _name = "lead.books.finding"
    _description = "Finding in the Books"
    _rec_name = "message"
    _order = "id"

    rule = fields.Char(readonly=True)
    model = fields.Char(readonly=True)
    message = fields.Text("What Was Found", readonly=True)
    record_ids = fields.Json(readonly=True)

    @api.model
    def action_check(self):
        """Check the books of the user's companies and list what was found.

        :raises AccessError: for users who do not manage lead invoicing
        """
        findings = self.create(
            [
                {
                    "rule": finding["rule"],
                    "model": finding["model"],
                    "message": finding["message"],
                    "record_ids": finding["ids"],
                }
                for finding in self.env["lead.invoice.run"].check_books()
            ]
        )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_books_finding"
        )
        action["domain"] = [("id", "in", findings.ids)]
        return action

    def action_view_records(self):
        """Open the records for which the rule does not hold."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Check the Books"),
            "res_model": self.model,
            "view_mode": "list,form",
            "domain": [("id", "in", self.record_ids)],
            "context": {"active_test": False, "create": False},
        }
