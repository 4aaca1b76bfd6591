from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..tools.local_time import local_day


class ResPartner(models.Model):
    """What a clerk should know before trusting the next date of a buyer: lasting, not
    only at the moment when something is changed."""

    _inherit = "res.partner"

    lead_billing_notice = fields.Text(
        "Billing Notice",
        compute="_compute_lead_billing_notice",
        groups="lead_invoicing.group_user",
    )

    @api.depends("lead_billing_cycle_id")
    @api.depends_context("company", "lang")
    def _compute_lead_billing_notice(self):
        for partner in self:
            buyer = partner._origin.commercial_partner_id
            notices = [
                buyer._get_lead_failure_notice(),
                partner._get_lead_cycle_notice(buyer),
            ]
            partner.lead_billing_notice = "\n".join(filter(None, notices)) or False

    def _get_lead_failure_notice(self):
        """Say that the last invoice of this buyer could not be created, and why."""
        failure = self.env["lead.invoice.run.buyer"].search(
            Domain("partner_id", "in", self.ids)
            & Domain("company_id", "=", self.env.company.id)
            & Domain("state", "=", "failed"),
            order="window_end desc, id desc",
            limit=1,
        )
        return failure and self.env._("The last invoice failed: %s", failure.message)

    def _get_lead_cycle_notice(self, buyer):
        """Say that this buyer was invoiced by another cycle until now."""
        cycle = self._get_lead_billing_cycle()
        last = self.env["account.move"].search(
            Domain("commercial_partner_id", "in", buyer.ids)
            & Domain("company_id", "=", self.env.company.id)
            & Domain("lead_run_id.cycle_id", "!=", False)
            & Domain("state", "!=", "cancel"),
            order="lead_window_end desc, id desc",
            limit=1,
        )
        before = last.lead_run_id.cycle_id
        if not last or before == cycle:
            return None
        return self.env._(
            "The billing cycle has changed: the last invoice was created by"
            " %(cycle)s, through %(date)s. The next billing period starts there.",
            cycle=before.name,
            date=format_date(
                self.env,
                local_day(
                    self.env,
                    last.lead_window_end - timedelta.resolution,
                    last.lead_run_id.tz,
                ),
            ),
        )
