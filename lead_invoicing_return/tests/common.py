from datetime import datetime

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.lead_invoicing.tests.common.generation import GenerationCommon

NOW = datetime(2026, 11, 6, 12)


@tagged("post_install", "-at_install")
class ReturnRequestCommon(GenerationCommon):
    """The world of generation with a clerk, the platform's user, and reasons."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_buyer = cls.new_buyer("Buyer B")
        cls.reason = cls.env["lead.return.reason"].create(
            {"name": "Wrong number", "code": "wrong_number"}
        )
        cls.platform = new_test_user(
            cls.env,
            login="return_platform",
            groups="base.group_user,lead_invoicing.group_integrator,"
            "lead_invoicing_return.group_integrator_returns",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.requests = cls.env["lead.return.request"]

    def new_request(self, sale=None, user=None, **vals):
        sale = sale or self.new_sale()
        requests = self.requests.with_user(user or self.billing_user)
        vals = {"sale_id": sale.id, "reason_id": self.reason.id, **vals}
        return requests.create(vals)

    def ask(self, *words, buyer=None, **values):
        """Ask for returns as the portal does; return {word: (state, sentence)}."""
        wishes = dict.fromkeys(words) if not isinstance(words[0], dict) else words[0]
        outcomes = self.requests.sudo()._ask_for_returns(
            buyer or self.buyer, wishes, **values
        )
        self.outcomes = outcomes
        return {outcome.word: outcome.state for outcome in outcomes}

    def record_return(self, sale, ref="R1", **vals):
        """Let the platform report its own return of a sale; return the answer."""
        row = {
            "external_ref": ref,
            "type": "return",
            "origin_external_ref": sale.external_ref,
            "occurred_at": "2026-11-05T12:00:00Z",
            "buyer_ref": sale.partner_id.ref,
            "lead_type": sale.lead_type_id.code,
            "price": str(sale.price),
            **vals,
        }
        ledger = self.env["lead.sale"].with_user(self.platform)
        (answer,) = ledger.record_transactions([row])
        return answer

    def mails_to(self, partner):
        return (
            self.env["mail.mail"].sudo().search([("recipient_ids", "in", partner.ids)])
        )
