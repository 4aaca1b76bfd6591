from odoo import api, fields, models
from odoo.exceptions import ValidationError

ACTIVITY_TYPE = "lead_invoicing_return.mail_activity_type_return_request"


class ResPartner(models.Model):
    """Up to which share a buyer's requests are accepted without anybody's look."""

    _inherit = "res.partner"

    lead_return_auto_share = fields.Float(
        "Accept Returns Up To (%)",
        company_dependent=True,
        groups="base.group_user",
        help="This buyer's return requests are accepted automatically as long as those"
        " accepted in the last 30 days stay within this share of the leads of the same"
        " type that it purchased in the last 30 days. Enter 0 to decide each request.",
    )

    @api.constrains("lead_return_auto_share")
    def _check_lead_return_auto_share(self):
        for partner in self:
            if not 0 <= partner.lead_return_auto_share <= 100:
                raise ValidationError(
                    self.env._(
                        "Accept Returns Up To: enter a share from 0 to 100 percent."
                    )
                )

    @api.model
    def _get_lead_billing_fields(self):
        return super()._get_lead_billing_fields() | {"lead_return_auto_share"}

    def _commercial_fields(self):
        return super()._commercial_fields() + ["lead_return_auto_share"]

    def action_view_lead_return_requests(self):
        """Open this buyer's return requests."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing_return.action_lead_return_request"
        )
        action["domain"] = [
            ("commercial_partner_id", "in", self._get_lead_buyers().ids),
            ("company_id", "=", self.env.company.id),
        ]
        action["context"] = {}
        return action

    def _update_return_activity(self, company):
        """Raise an activity for this buyer's requests of a company that are to be
        decided, or take it away when there are none; a team is mailed of the first
        ones."""
        self.ensure_one()
        # Only whether any wait is asked.
        requests = self.env["lead.return.request"].sudo()
        waiting = requests.search_count(
            [
                ("commercial_partner_id.commercial_partner_id", "=", self.id),
                ("company_id", "=", company.id),
                ("state", "=", "requested"),
            ],
            limit=1,
        )
        # Whoever asks or decides has the clerks' activity kept true.
        buyer = self.sudo().with_context(lang=company._get_lead_lang())
        activities = buyer.activity_search(
            [ACTIVITY_TYPE],
            additional_domain=[("lead_company_id", "in", [False, company.id])],
        )
        if not waiting:
            activities.unlink()
        elif not activities:
            buyer._schedule_lead_activity(
                buyer.env._("Return requests to decide"),
                buyer.env._(
                    "%(buyer)s asks for returns. Accept or decline them under Lead"
                    " Sales, Return Requests.",
                    buyer=self.display_name,
                ),
                company,
                company._get_lead_responsible(),
                ACTIVITY_TYPE,
                mail_team=True,
            )
