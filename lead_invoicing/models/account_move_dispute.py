from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    """What of an invoice is disputed, and what that keeps from happening."""

    _inherit = "account.move"

    lead_dispute_ids = fields.One2many(
        "lead.dispute", "move_id", "Disputes", groups="lead_invoicing.group_user"
    )
    lead_dispute_count = fields.Integer(
        "Number of Disputes",
        compute="_compute_lead_dispute_count",
        groups="lead_invoicing.group_user",
    )
    lead_disputed_amount = fields.Monetary(
        "Disputed",
        compute="_compute_lead_disputed_amount",
        # The amount is told to whoever may see the invoice, nothing else.
        compute_sudo=True,
        help="Including tax: what is in dispute, and accepted returns that are not"
        " credited yet. Nobody is asked to pay it.",
        groups="base.group_user",
    )

    @api.depends("lead_dispute_ids")
    def _compute_lead_dispute_count(self):
        for move in self:
            move.lead_dispute_count = len(move.lead_dispute_ids)

    @api.depends("lead_dispute_ids.state", "lead_dispute_ids.amount")
    def _compute_lead_disputed_amount(self):
        for move in self:
            move.lead_disputed_amount = move._get_lead_disputed_amount()

    def _get_lead_disputed_amount(self, but=()):
        """Return what of this invoice nobody is asked to pay, tax included: what is in
        dispute, and the accepted returns that no document credits yet.

        :param but: disputes that are left out
        """
        self.ensure_one()
        # Amounts only, for whoever holds the invoice.
        disputes = self.sudo().lead_dispute_ids.filtered(lambda one: one not in but)
        accepted = disputes.filtered(lambda one: one.state == "accepted")
        return sum(
            disputes.filtered(lambda one: one.state == "open").mapped("amount")
        ) + sum(row.amount for row in accepted.row_ids if row._is_pending())

    def _get_lead_amount_to_pay(self):
        """Return what the buyer is asked to pay of this invoice: what is open, less
        what is disputed."""
        self.ensure_one()
        rest = self.amount_residual - self._get_lead_disputed_amount()
        return self.currency_id.round(max(rest, 0.0))

    def _is_lead_rest_disputed(self):
        """Tell whether something of what is open of this invoice is disputed."""
        self.ensure_one()
        return bool(
            self.move_type == "out_invoice"
            and self.amount_residual
            and self._get_lead_disputed_amount()
        )

    def _has_lead_rest_to_pay(self):
        """Tell whether anything of this invoice is asked for: not while all that is
        open of it is disputed."""
        # Whoever sees a document may know that.
        move = self.sudo()
        return not move._is_lead_rest_disputed() or bool(move._get_lead_amount_to_pay())

    def _is_lead_settlement_suspended(self):
        """Tell whether nothing settles this invoice by itself: a payment that a person
        registers for it still does. The one place that decides it."""
        self.ensure_one()
        # Whether there is one, for whatever settles.
        disputes = self.sudo().lead_dispute_ids
        return self.payment_state == "blocked" or any(
            dispute.state == "open" for dispute in disputes
        )

    def _check_lead_disputable(self):
        """Refuse to dispute what is no invoice for leads in the books.

        :raises UserError: naming it
        """
        self.ensure_one()
        if (
            not self.lead_run_id
            or self.move_type != "out_invoice"
            or self.state != "posted"
            or self.lead_credited
        ):
            raise UserError(
                self.env._(
                    "%s cannot be disputed: only a posted lead invoice that has not"
                    " been credited in full can be.",
                    self.display_name,
                )
            )

    # What else ends a dispute

    def _update_given_back(self):
        res = super()._update_given_back()
        for move in self.filtered("lead_credited"):
            # Whoever may credit an invoice ends its disputes.
            move.sudo().lead_dispute_ids._close_with_invoice(
                "accepted", self.env._("The invoice was credited in full.")
            )
        return res

    def _after_lead_documents_unposted(self):
        res = super()._after_lead_documents_unposted()
        # Whoever may take an invoice back ends its disputes.
        self.sudo().lead_dispute_ids._close_with_invoice(
            "withdrawn",
            self.env._("The invoice was canceled, or reset to draft to be changed."),
        )
        return res

    def _close_lead_disputes_of_replaced(self):
        """Close the disputes of invoices that are about to be reversed and invoiced
        again: nothing is given back, and the buyer can dispute the new invoice."""
        # Whoever may reverse an invoice ends its disputes.
        self.sudo().lead_dispute_ids._close_with_invoice(
            "withdrawn",
            self.env._("The invoice was reversed, and its leads are invoiced again."),
        )

    def action_view_lead_disputes(self):
        """Open the disputes of this invoice."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_dispute"
        )
        action["domain"] = [("move_id", "=", self.id)]
        action["context"] = {"default_move_id": self.id}
        return action

    def action_lead_dispute(self):
        """Ask what of this invoice is disputed, and why.

        :raises UserError: for what cannot be disputed
        """
        self.ensure_one()
        self._check_lead_disputable()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Dispute %s", self.name),
            "res_model": "lead.dispute",
            "view_mode": "form",
            "context": {"default_move_id": self.id},
        }
