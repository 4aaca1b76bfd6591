from unittest import SkipTest

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.decisions import (
    CODE,
    DecisionsAtOnceCommon,
)

OF_BUYER = "partner_id IN (SELECT id FROM res_partner WHERE ref = %s)"


@tagged("post_install", "-at_install", "-clock")
class TestRechargeAtOnce(DecisionsAtOnceCommon):
    """Two jobs at one moment recharge once, post once and tell once."""

    def remove(self):
        with self.registry.cursor() as cr:
            recharges = f"SELECT id FROM lead_recharge WHERE {OF_BUYER}"
            for query in (
                f"DELETE FROM mail_message WHERE model = 'lead.recharge'"
                f" AND res_id IN ({recharges})",
                f"DELETE FROM lead_recharge WHERE {OF_BUYER}",
                f"DELETE FROM lead_recharge_consent WHERE {OF_BUYER}",
                f"UPDATE payment_transaction SET payment_id = NULL WHERE {OF_BUYER}",
                f"UPDATE account_move SET origin_payment_id = NULL WHERE {OF_BUYER}",
                f"DELETE FROM account_payment WHERE {OF_BUYER}",
                f"DELETE FROM payment_transaction WHERE {OF_BUYER}",
                f"DELETE FROM payment_token WHERE {OF_BUYER}",
            ):
                cr.execute(query, [CODE])
        return super().remove()

    def build(self):
        if "demo_simulated_state" not in self.registry["payment.token"]._fields:
            raise SkipTest("Odoo's payment_demo is not installed.")
        result = super().build()
        self.in_turn(self.consent)
        return result

    def consent(self, env):
        buyer = env["res.partner"].search([("ref", "=", CODE)])
        buyer.lead_billing_mode = "prepaid"
        provider = env.ref("payment.payment_provider_demo")
        provider.state = "test"
        token = env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": env.ref("payment_demo.payment_method_demo").id,
                "partner_id": buyer.id,
                "provider_ref": "x",
                "payment_details": "1234",
                "demo_simulated_state": "done",
            }
        )
        env["lead.recharge.consent"]._give(
            buyer.with_company(env.company),
            {
                "token_id": token.id,
                "currency_id": env.company.currency_id.id,
                "threshold": 100.0,
                "amount": 500.0,
                "daily_limit": 1000.0,
            },
        )

    def get(self, env, model):
        return env[model].search([("partner_id.ref", "=", CODE)])

    def given(self, env):
        consents = self.get(env, "lead.recharge.consent")
        return consents.filtered(lambda consent: consent.kind == "given")

    def open(self, env):
        env["lead.recharge"]._open(self.given(env))

    def ask(self, env):
        self.get(env, "lead.recharge").transaction_id._charge_with_token()

    def post(self, env):
        self.get(env, "lead.recharge")._post_answer()

    def carry_over(self, env):
        self.get(env, "lead.recharge")._carry_over()

    def withdraw(self, env):
        self.given(env)._end("withdrawn", "x")

    def count(self, model):
        with self.registry.cursor() as cr:
            return len(self.get(api.Environment(cr, SUPERUSER_ID, {}), model))

    def test_two_jobs_charge_post_and_tell_once(self):
        self.build()
        self.at_once(self.open, self.open)
        self.assertEqual(self.count("lead.recharge"), 1)
        self.assertEqual(self.count("payment.transaction"), 1)
        self.in_turn(self.ask)
        self.at_once(self.post, self.post)
        self.assertEqual(self.count("account.payment"), 1)
        self.at_once(self.carry_over, self.carry_over)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            recharge = self.get(env, "lead.recharge")
            self.assertEqual(recharge.state, "paid")
            mails = env["mail.mail"].search_count(
                [("model", "=", "lead.recharge"), ("res_id", "=", recharge.id)]
            )
            self.assertEqual(mails, 1)

    def test_a_withdrawal_at_the_same_moment_is_obeyed(self):
        self.build()
        self.at_once(self.withdraw, self.open)
        self.assertEqual(self.count("lead.recharge"), 0)

    def test_two_jobs_ask_again_once(self):
        self.build()
        self.in_turn(self.open)
        with self.registry.cursor() as cr:
            cr.execute("UPDATE lead_recharge SET asked_at = asked_at - interval '1 h'")
        claims = []

        def claim(env):
            claims.append(self.get(env, "lead.recharge")._claim_asking())

        self.at_once(claim, claim)
        # The second one was refused, and found nothing to ask then.
        self.assertEqual((claims[0], claims[-1]), (True, False))
