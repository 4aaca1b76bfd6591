from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from .common.at_once import AtOnceCommon

NAME = "MONEY AT ONCE"


@tagged("post_install", "-at_install")
class TestMoneyAtOnce(AtOnceCommon):
    """Two jobs at one moment decide on a buyer's money."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.buyer_id = (
                env["res.partner"]
                .create(
                    {
                        "name": NAME,
                        "email": "money@example.com",
                        "lead_billing_mode": "prepaid",
                        "lead_balance_alerts": True,
                    }
                )
                .id
            )

    def remove(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
            buyers = env["res.partner"].search([("name", "=", NAME)])
            self.get_mails(env).unlink()
            self.get_levels(env).unlink()
            buyers.unlink()

    def get_mails(self, env):
        return env["mail.mail"].search([("email_to", "ilike", "money@example.com")])

    def get_levels(self, env):
        return env["lead.balance.level"].search([("partner_id.name", "=", NAME)])

    def follow(self, env):
        return env["res.partner"].browse(self.buyer_id)._follow_lead_balances()

    def test_two_jobs_tell_a_crossing_once(self):
        self.assertFalse(self.at_once(self.follow, self.follow))
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(self.get_levels(env).mapped("level"), ["empty"])
            self.assertEqual(len(self.get_mails(env)), 1)
