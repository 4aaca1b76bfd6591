from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from ..tools.concurrency import TRY_AGAIN

NAME = "MONEY AT ONCE"


@tagged("post_install", "-at_install")
class TestMoneyAtOnce(BaseCase):
    """Two database connections, as two jobs have them, both begun before the first one
    decides on a buyer's money: the second is refused by PostgreSQL and repeated, and
    then sees what the first one did. What they store is removed."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.remove()  # what a run that was killed left
        self.addCleanup(self.remove)
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

    def test_two_jobs_tell_a_crossing_once(self):
        with self.registry.cursor() as one, self.registry.cursor() as two:
            envs = [api.Environment(cr, SUPERUSER_ID, {}) for cr in (one, two)]
            buyers = [env["res.partner"].browse(self.buyer_id) for env in envs]
            for cr in (one, two):
                cr.execute("SELECT count(*) FROM res_partner")
            self.assertEqual(buyers[0]._follow_lead_balances().level, "empty")
            one.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises(TRY_AGAIN):
                buyers[1]._follow_lead_balances()
            two.rollback()
            envs[1].invalidate_all(flush=False)
            self.assertFalse(buyers[1]._follow_lead_balances())
            two.commit()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(len(self.get_levels(env)), 1)
            self.assertEqual(len(self.get_mails(env)), 1)
