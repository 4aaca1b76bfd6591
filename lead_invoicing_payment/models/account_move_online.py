from bisect import bisect_left

from odoo import fields, models


class AccountMove(models.Model):
    """Paying online is offered for an invoice for leads where it works."""

    _inherit = "account.move"

    lead_is_payable_online = fields.Boolean(
        compute="_compute_lead_is_payable_online",
        compute_sudo=True,
        groups="base.group_user",
    )

    def _compute_lead_is_payable_online(self):
        groups = self.grouped(
            lambda move: (move.company_id, move.partner_id, move.currency_id)
        )
        for moves in groups.values():
            # Providers have a maximum only: who takes a total takes each smaller one.
            rising = moves.sorted("amount_total")
            count = len(rising)
            if not rising[-1]._has_online_provider():
                count = bisect_left(
                    rising, True, key=lambda move: not move._has_online_provider()
                )
            rising[:count].lead_is_payable_online = True
            rising[count:].lead_is_payable_online = False

    def _has_online_provider(self):
        self.ensure_one()
        # Asked as Odoo's page asks, for the total, whatever is left to pay of it.
        providers = self.env["payment.provider"]._get_compatible_providers(
            self.company_id.id,
            self.partner_id.id,
            self.amount_total,
            currency_id=self.currency_id.id,
        )
        return bool(providers)

    def _has_to_be_paid(self):
        return (
            super()._has_to_be_paid()
            and not self._is_lead_transfer_only()
            and self._has_lead_rest_to_pay()
        )

    def _is_lead_transfer_only(self):
        """Tell whether this is an invoice for leads that cannot be paid online."""
        self.ensure_one()
        # What it is for, and how it is paid, is told to whoever may see the invoice.
        move = self.sudo()
        return bool(move.lead_run_id) and not move.lead_is_payable_online

    def _get_online_payment_error(self):
        return super()._get_online_payment_error() or self.env._(
            "This invoice cannot be paid online. Its page says how to pay it by bank"
            " transfer."
        )
