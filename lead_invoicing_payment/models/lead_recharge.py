from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.lead_invoicing.tools.protected_fields import EngineOnly


class LeadRecharge(EngineOnly, models.Model):
    """One charge of a buyer's saved payment method: one for each time that its balance
    falls below what it consented to.

    The row and its transaction, whose reference the provider knows, are committed
    before the provider is asked. What it answers is written on the transaction, by
    Odoo; what comes of it is carried over afterwards.
    """

    _name = "lead.recharge"
    _description = "Automatic Recharge"
    _order = "id desc"
    _rec_name = "reference"

    consent_id = fields.Many2one(
        "lead.recharge.consent", required=True, ondelete="restrict"
    )
    number = fields.Integer(
        required=True, help="Counts how often the balance fell below the threshold."
    )
    partner_id = fields.Many2one(
        related="consent_id.partner_id",
        string="Buyer",
        store=True,
        precompute=True,
        index=True,
    )
    company_id = fields.Many2one(
        related="consent_id.company_id", store=True, precompute=True
    )
    currency_id = fields.Many2one(
        related="consent_id.currency_id", store=True, precompute=True
    )
    amount = fields.Monetary(required=True)
    balance = fields.Monetary(help="What the balance was when it was decided.")
    transaction_id = fields.Many2one(
        "payment.transaction", required=True, ondelete="restrict"
    )
    reference = fields.Char(
        related="transaction_id.reference",
        help="By this reference the provider knows the charge.",
    )
    payment_id = fields.Many2one(related="transaction_id.payment_id")
    asked_at = fields.Datetime(
        "Requested On",
        required=True,
        help="When the provider was asked for the charge, for the last time.",
    )
    ask_count = fields.Integer("Requests to the Provider", default=1)
    state = fields.Selection(
        [
            ("asked", "Waiting for the provider"),
            ("paid", "Paid"),
            ("refused", "Declined"),
        ],
        required=True,
        default="asked",
    )
    refusal = fields.Text("Reason")
    is_told_late = fields.Boolean("No-Answer Alert Sent")
    left_at = fields.Datetime(
        "Balance Restored On",
        help="Until then the balance is below the threshold, and nothing more is"
        " charged for it.",
    )

    _crossing_uniq = models.UniqueIndex(
        "(consent_id, number)", "This has already been charged."
    )
    _transaction_uniq = models.UniqueIndex(
        "(transaction_id)", "This payment transaction belongs to another recharge."
    )
    # What is open?
    _asked_idx = models.Index("(id) WHERE state = 'asked'")

    def action_confirm_charged(self):
        """Write down that the provider did charge what no answer came for: the deposit
        is posted.

        :raises UserError: where the provider has answered
        """
        recharge = self._begin_confirming()
        message = self.env._("Confirmed by %s.", self.env.user.name)
        recharge.transaction_id._set_done(state_message=message)
        recharge._post_answer()
        recharge._carry_over()

    def action_confirm_not_charged(self):
        """Write down that the provider did not charge what no answer came for; the
        consent ends, as where a charge is refused.

        :raises UserError: where the provider has answered
        """
        recharge = self._begin_confirming()
        # Not canceled: a provider that says later that it was charged is heard.
        recharge.transaction_id._set_error(
            self.env._("%s confirmed that nothing was charged.", self.env.user.name)
        )
        recharge._carry_over()

    def _begin_confirming(self):
        """Check that a clerk may say what became of this charge; return it with the
        rights of the engine, which writes that down."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("lead_invoicing.group_user"):
            self.check_access("write")
        # Checked above; transactions are no clerk's to read or write otherwise.
        recharge = self.sudo()
        is_open = recharge.transaction_id.state in ("draft", "pending")
        if recharge.state != "asked" or not is_open:
            raise UserError(self.env._("The provider has answered already."))
        return recharge

    def _is_given_back(self):
        """Tell whether something of this charge was refunded by its provider, or its
        payment is no longer valid."""
        self.ensure_one()
        valid_states = ("draft", "in_process", "paid")
        refunds = self.transaction_id.child_transaction_ids.filtered(
            lambda child: child.operation == "refund" and child.state == "done"
        )
        return self.state == "paid" and (
            bool(refunds) or self.payment_id.state not in valid_states
        )

    @api.model
    def _get_last(self, consent):
        """Return the last recharge of a consent, if there is one."""
        return self.search([("consent_id", "=", consent.id)], limit=1)

    @api.model
    def _get_open(self, consent):
        """Return the recharges of a consent's buyer since which its balance was not
        seen above the threshold."""
        return self.search(
            [
                ("partner_id", "=", consent.partner_id.id),
                ("company_id", "=", consent.company_id.id),
                ("currency_id", "=", consent.currency_id.id),
                ("left_at", "=", False),
            ]
        )
