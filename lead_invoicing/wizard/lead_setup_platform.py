import json
import shlex

from odoo import api, fields, models

from odoo.addons.base.models.res_users import check_identity


class LeadSetup(models.TransientModel):
    """Connecting the distribution platform: its key, and a command to try it with."""

    _inherit = "lead.setup"

    api_line = fields.Text("Example", compute="_compute_api_line")

    @api.depends("company_id")
    def _compute_api_line(self):
        for setup in self:
            setup.api_line = setup._get_api_line()

    def _get_api_line(self):
        """Return a command that records a sale over the API, but for the key."""
        base_url = self.company_id.get_base_url()
        headers = (
            "Authorization: bearer $KEY",
            f"X-Odoo-Database: {self.env.cr.dbname}",
            "Content-Type: application/json",
        )
        body = json.dumps({"vals_list": [self._prepare_api_row()]})
        return " \\\n  ".join(
            [
                f"curl {base_url}/json/2/lead.sale/record_transactions",
                *(f'-H "{header}"' for header in headers),
                f"-d {shlex.quote(body)}",
            ]
        )

    def _prepare_api_row(self):
        sales = self.env["lead.sale"].with_company(self.company_id)
        lead_type = sales._get_sample_lead_type()
        moment = fields.Datetime.now().replace(microsecond=0)
        return {
            "external_ref": "TEST-1",
            "type": "sale",
            "occurred_at": f"{moment.isoformat()}Z",
            "buyer_ref": sales._get_sample_buyer_ref(),
            "lead_type": lead_type.code or "MORTGAGE",
            "price": "25.00",
        }

    @check_identity
    def action_create_api_key(self):
        """Make an API key for the platform's own user, and show it this once.

        :raises AccessError: for users who are no administrators
        """
        self._check_company_is_current()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("API Key of the Distribution Platform"),
            "res_model": "res.users.apikeys.show",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_key": self.company_id._make_lead_api_key()},
        }
