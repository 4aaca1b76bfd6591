from freezegun import freeze_time

from odoo import Command

from .settlement import SettlementCommon

NOON = "2026-11-12 12:00"


class DisputeCommon(SettlementCommon):
    def setUp(self):
        super().setUp()
        # A buyer on credit, unless a test says otherwise.
        self.buyer.lead_billing_mode = "credit"

    def dispute(self, move, user=None, **vals):
        with freeze_time(NOON):
            vals = {"move_id": move.id, "reason": "Wrong numbers", **vals}
            if isinstance(vals.get("sale_ids"), type(self.env["lead.sale"])):
                vals["sale_ids"] = [Command.set(vals["sale_ids"].ids)]
            return (
                self.env["lead.dispute"].with_user(user or self.env.user).create(vals)
            )

    def accept(self, dispute, user=None):
        with freeze_time(NOON):
            dispute.with_user(user or self.env.user).action_accept()
        self.env["account.move"]._get_sequence_cache().clear()

    def reject(self, dispute, user=None):
        with freeze_time(NOON):
            dispute = dispute.with_user(user or self.env.user)
            dispute.answer = "These numbers are right."
            dispute.action_reject()
