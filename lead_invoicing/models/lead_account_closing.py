from odoo import api, fields, models

from ..tools.protected_fields import EngineOnly


class LeadAccountClosing(EngineOnly, models.Model):
    """That a buyer's account was closed, and how it was billed before, so that it can
    be opened again."""

    _name = "lead.account.closing"
    _description = "Closed Buyer Account"
    _order = "id desc"
    _rec_name = "partner_id"

    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    run_id = fields.Many2one(
        "lead.invoice.run", "Last Invoice Run", ondelete="set null"
    )
    owed = fields.Text(
        "Balance at Closing", help="What was owed, either way, once all was billed."
    )
    payment_ids = fields.Many2many("account.payment", string="Payments to the Buyer")
    cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle Since",
        ondelete="restrict",
        help="A manual cycle: what comes in late is on Unbilled, and is invoiced"
        " manually.",
    )
    cycle_before_id = fields.Many2one(
        "lead.billing.cycle", "Billing Cycle Before", ondelete="restrict"
    )
    hold_before = fields.Boolean("On Buying Hold Before")
    hold_reason = fields.Char(help="The reason of the buying hold that was set.")
    hold_reason_before = fields.Char()
    reopened_at = fields.Datetime("Reopened On")
    is_merged = fields.Boolean(
        "Ended by a Merge",
        help="Its buyer was merged into another contact, whose account was not closed"
        " by that.",
    )
    reopened_by_id = fields.Many2one("res.users", ondelete="set null")

    # Is the account of this buyer closed?
    _open_idx = models.Index("(partner_id, company_id) WHERE reopened_at IS NULL")

    @api.depends("partner_id", "create_date")
    def _compute_display_name(self):
        for closing in self:
            closing.display_name = self.env._(
                "Account of %s", closing.partner_id.display_name
            )

    def action_reopen(self):
        """Open this account again.

        :raises UserError: when it is open
        """
        self.ensure_one()
        return self.partner_id.with_company(self.company_id).action_reopen_account()

    def _get_vals_before(self):
        """Return how the buyer was billed before its account was closed, as far as
        nothing else was decided since; its cycle is the company's default one where
        that before was archived.

        :return: values of the buyer, in this company
        """
        self.ensure_one()
        buyer = self.partner_id.with_company(self.company_id)
        vals = {}
        if buyer.lead_billing_cycle_id == self.cycle_id:
            cycle = self.cycle_before_id
            vals["lead_billing_cycle_id"] = cycle.id if cycle.active else False
        # Another reason to hold the buyer came since: it stays.
        if buyer.lead_buying_hold_reason == self.hold_reason:
            vals["lead_buying_hold"] = self.hold_before
            vals["lead_buying_hold_reason"] = self.hold_reason_before
        return vals

    def _end(self, **vals):
        """Bill the buyer as before, and record that its account is open.

        :param vals: further values of this record
        """
        self.ensure_one()
        buyer = self.partner_id.with_company(self.company_id)
        buyer.write(self._get_vals_before())
        self.write(
            {
                "reopened_at": fields.Datetime.now(),
                "reopened_by_id": self.env.user.id,
                **vals,
            }
        )

    def _end_by_merge(self, partner):
        """Record that the buyer is merged into another contact, which takes over
        neither the closing nor its buying hold and manual cycle. Payments that send
        the buyer's money back stay.

        :param partner: the other contact
        """
        self._end(is_merged=True)
        partner.with_company(self.company_id)._log_lead_account(
            self.env._(
                "%s, whose account was closed, was merged into this contact. This does"
                " not close the account of this contact.",
                self.partner_id.display_name,
            )
        )

    def action_view_payments(self):
        """Open the payments that send the buyer's money back."""
        self.ensure_one()
        return self.payment_ids._get_records_action(
            name=self.env._("Payments to %s", self.partner_id.display_name)
        )
