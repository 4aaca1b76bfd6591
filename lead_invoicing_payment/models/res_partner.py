from odoo import api, fields, models
from odoo.exceptions import AccessError


class ResPartner(models.Model):
    """Automatic recharge of a buyer: what it consented to, and what happens where a
    charge is declined."""

    _inherit = "res.partner"

    lead_recharge_failure = fields.Selection(
        [("go_on", "Let the buyer go on buying"), ("hold", "Put on buying hold")],
        "When a Recharge Is Declined",
        company_dependent=True,
        groups="base.group_user",
        help="The consent ends in either case, and the buyer and the clerk are"
        " notified. Leave empty to let the buyer go on buying.",
    )
    lead_recharge_consent_id = fields.Many2one(
        "lead.recharge.consent",
        "Automatic Recharge",
        compute="_compute_lead_recharge_consent_id",
        groups="lead_invoicing.group_user",
        help="What the buyer consented to in its portal.",
    )
    lead_recharge_text = fields.Text(
        "Consented To",
        compute="_compute_lead_recharge_consent_id",
        groups="lead_invoicing.group_user",
    )

    @api.depends_context("company")
    def _compute_lead_recharge_consent_id(self):
        consents = self.env["lead.recharge.consent"]._get_current(
            self.commercial_partner_id
        )
        by_buyer = {consent.partner_id: consent for consent in consents}
        for partner in self:
            consent = by_buyer.get(partner.commercial_partner_id, consents.browse())
            partner.lead_recharge_consent_id = consent
            partner.lead_recharge_text = consent.text

    @api.model
    def _get_lead_billing_fields(self):
        return super()._get_lead_billing_fields() | {"lead_recharge_failure"}

    def _commercial_fields(self):
        return super()._commercial_fields() + ["lead_recharge_failure"]

    def action_end_lead_recharge(self):
        """End automatic recharge of this buyer; only the buyer can begin it again.

        :raises AccessError: for users who do not bill
        """
        self.ensure_one()
        if not self.env.user.has_group("lead_invoicing.group_user"):
            raise AccessError(
                self.env._("Only users of Lead Invoicing can end automatic recharge.")
            )
        self.check_access("read")
        # The record is written by the engine; who did it is on it.
        consent = self.lead_recharge_consent_id.sudo()
        if consent:
            consent._end("ended", self.env._("Ended by %s.", self.env.user.name))

    def action_view_lead_recharges(self):
        """Open this buyer's recharges."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing_payment.action_lead_recharge"
        )
        action["domain"] = [
            ("partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "=", self.env.company.id),
        ]
        return action
