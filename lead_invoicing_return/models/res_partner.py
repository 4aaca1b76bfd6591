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

    def _update_return_activity(self, company, changed):
        """Raise an activity for this buyer's requests that are to be decided, or take
        it away when there are none; a team is mailed of the first ones.

        :param changed: the company's requests that have just changed
        """
        self.ensure_one()
        responsible = company._get_lead_responsible()
        # Only whether any wait, in whichever company, is asked.
        requests = self.env["lead.return.request"].sudo()
        # Who is responsible in several companies has one activity for all of them.
        companies = self.env["lead.type"]._get_lead_companies()
        same = companies.filtered(
            lambda other: other._get_lead_responsible() == responsible
        )
        waiting = requests.search(
            [
                ("commercial_partner_id.commercial_partner_id", "=", self.id),
                ("company_id", "in", same.ids),
                ("state", "=", "requested"),
            ]
        )
        own = waiting.filtered(lambda request: request.company_id == company)
        # Whoever asks or decides has the others' activity kept true.
        buyer = self.sudo().with_context(lang=company._get_lead_lang())
        activities = buyer.activity_search(
            [ACTIVITY_TYPE], additional_domain=[("user_id", "=", responsible.id)]
        )
        if not waiting:
            activities.unlink()
            return
        summary = buyer.env._("Return requests to decide")
        reason = buyer.env._(
            "%(buyer)s asks for returns. Accept or decline them under Lead Sales,"
            " Return Requests.",
            buyer=self.display_name,
        )
        if not activities:
            buyer._schedule_lead_activity(
                summary, reason, responsible, ACTIVITY_TYPE, mail_team_of=company
            )
        elif not responsible and own and own <= changed:
            # Another company's team has the same activity.
            buyer._mail_lead_team(company, summary, reason)
