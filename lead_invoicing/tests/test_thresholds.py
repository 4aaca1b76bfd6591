from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .common.prepaid import PrepaidCommon


@tagged("post_install", "-at_install")
class TestThresholds(PrepaidCommon):
    """A balance that runs out is told once for each threshold."""

    def setUp(self):
        super().setUp()
        self.buyer.write(
            {
                "lead_balance_alerts": True,
                "lead_balance_early": 500,
                "lead_balance_low": 100,
            }
        )
        self.template = self.env.ref("lead_invoicing.mail_template_lead_balance")

    def follow(self):
        """Let the job look; return the subjects of new mails to the buyer, and the new
        levels."""
        mails = self.env["mail.mail"].sudo()
        levels = self.env["lead.balance.level"]
        before, had = mails.search([]), levels.search([])
        with self.enter_registry_test_mode():
            self.env.ref("lead_invoicing.ir_cron_tell_balances").method_direct_trigger()
        self.env.invalidate_all()
        new = mails.search([]) - before
        self.assertEqual(set(new.mapped("state")) or {"outgoing"}, {"outgoing"})
        return new, (levels.search([], order="id") - had).mapped("level")

    def test_each_is_told_once_when_it_is_crossed_downward(self):
        self.deposit(1000)
        self.assertEqual(self.follow()[1], [])
        self.new_sale(price="600.00")
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (1, ["early"]))
        self.assertIn(self.buyer.email, mails.email_to)
        self.assertIn("400.00", mails.body_html)
        self.assertEqual(self.buyer.lead_balance_level, "early")
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (0, []))
        self.new_sale(price="350.00")
        self.assertEqual(self.follow()[1], ["low"])
        self.new_sale(price="60.00")
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (1, ["empty"]))
        self.assertIn("used up", mails.subject)

    def test_again_only_after_it_was_left_upward(self):
        self.deposit(600)
        self.new_sale(price="200.00")
        self.assertEqual(self.follow()[1], ["early"])
        self.new_sale(price="10.00")
        self.assertEqual(self.follow()[1], [])
        self.deposit(500)
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (0, ["fine"]))
        self.new_sale(price="500.00")
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (1, ["early"]))

    def test_several_at_once_are_one_mail(self):
        self.deposit(600)
        self.follow()
        self.new_sale(price="600.00")
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (1, ["empty"]))

    def test_two_jobs_at_once_tell_once(self):
        # The second one sees the same books, and the first one's write.
        self.deposit(50)
        self.buyer._follow_lead_balances()
        self.assertFalse(self.buyer._follow_lead_balances())

    def test_nobody_else_is_told(self):
        self.buyer.lead_balance_alerts = False
        self.assertEqual(self.follow()[1], [])
        self.buyer.write({"lead_balance_alerts": True, "lead_billing_mode": "credit"})
        self.assertEqual(self.follow()[1], [])

    def test_a_closed_account_is_not_told(self):
        self.deposit(100)
        self.new_sale(price="60.00")
        self.follow()
        self.new_sale(price="40.00")
        self.buyer._close_lead_account(None, None)
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (0, []))
        self.buyer.action_reopen_account()
        self.assertEqual(self.follow()[1], ["empty"])

    def test_without_an_address_someone_is_told(self):
        self.buyer.email = False
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (0, ["empty"]))
        self.assertIn("running out", self.buyer.activity_ids.summary)

    def test_the_clerk_has_a_list(self):
        self.deposit(200)
        fine_buyer = self.new_buyer(
            "Fine", lead_billing_mode="prepaid", lead_balance_alerts=True
        )
        self.deposit(50, fine_buyer)
        self.follow()
        partners = self.env["res.partner"].with_user(self.billing_user)
        found = partners.search(
            [("lead_balance_level", "in", ["early", "low", "empty"])]
        )
        self.assertEqual(found, self.buyer)
        fine = partners.search([("lead_balance_level", "=", "fine")])
        self.assertNotIn(self.buyer, fine)
        self.assertIn(fine_buyer, fine)
        self.assertNotIn(self.other_buyer, fine)
        unwatched = partners.search([("lead_balance_level", "=", False)])
        self.assertNotIn(self.buyer + fine_buyer, unwatched)
        self.assertIn(self.other_buyer, unwatched)

    def test_who_has_no_alerts_has_no_level(self):
        self.assertEqual(self.buyer.lead_balance_level, "fine")
        self.deposit(200)
        self.follow()
        for values in (
            {"lead_balance_alerts": False},
            {"lead_balance_alerts": True, "lead_billing_mode": "credit"},
        ):
            self.buyer.write(values)
            self.assertFalse(self.buyer.lead_balance_level)
            at_level = self.env["res.partner"].search(
                [("lead_balance_level", "in", ["early", "low", "empty"])]
            )
            self.assertNotIn(self.buyer, at_level)

    def test_nobody_else_finds_out_who_is_running_dry(self):
        self.deposit(200)
        self.follow()
        for value in ("early", False):
            with self.assertRaises(AccessError):
                self.env["res.partner"].with_user(self.plain_user).search(
                    [("lead_balance_level", "=", value)]
                )
        partners = self.env["res.partner"].with_user(self.billing_user)
        self.assertIn(
            self.buyer, partners.search([("lead_balance_level", "!=", False)])
        )

    def test_without_its_template_someone_is_told(self):
        self.deposit(200)
        self.template.unlink()
        mails, levels = self.follow()
        self.assertEqual((len(mails), levels), (0, ["early"]))
        self.assertIn("was deleted", self.buyer.activity_ids.note)

    def test_thresholds_become_smaller(self):
        with self.assertRaises(ValidationError):
            self.buyer.lead_balance_low = 600
        with self.assertRaises(ValidationError):
            self.buyer.lead_balance_empty = 200
        with self.assertRaises(ValidationError):
            self.buyer.lead_balance_early = float("inf")

    def test_others_decide_no_thresholds_and_change_no_record(self):
        self.plain_user.group_ids += self.env.ref("base.group_partner_manager")
        with self.assertRaises(AccessError):
            self.buyer.with_user(self.plain_user).lead_balance_low = 5
        self.follow()
        record = self.env["lead.balance.level"].search([], limit=1)
        with self.assertRaises(AccessError):
            record.with_user(self.manager).write({"level": "fine"})

    def test_how_long_it_lasts(self):
        self.tax()
        self.deposit(1000)
        now = fields.Datetime.to_datetime("2026-11-25 17:00:00")
        with freeze_time(now):
            for number in range(1, 29):
                moment = now - timedelta(days=number)
                self.new_sale(price="10.00", at=f"{moment:%Y-%m-%dT%H:%M:%SZ}")
            buyer = self.buyer.with_user(self.billing_user)
            buyer.invalidate_recordset()
            # 1,000 less 28 times 11.50, at 11.50 a day.
            self.assertEqual(buyer.lead_prepaid_balance, 678)
            self.assertEqual(
                buyer.lead_forecast,
                "At the current pace ($\N{NO-BREAK SPACE}80.50 per week), the balance"
                " lasts until 01/23/2027 at 10:00\N{NARROW NO-BREAK SPACE}AM.",
            )
            self.new_sale(price="550.00", at="2026-11-25T16:00:00Z")
            buyer.invalidate_recordset()
            self.assertIn("lasts until Sunday", buyer.lead_forecast)
            self.deposit(10**7)
            buyer.invalidate_recordset()
            self.assertIn("for years", buyer.lead_forecast)

    def test_history_that_was_billed_elsewhere_is_no_pace(self):
        self.company.lead_billing_start = "2026-11-20"
        self.deposit(1000)
        with freeze_time("2026-11-25 17:00"):
            history = self.new_sale(price="100", at="2026-06-01T12:00:00Z")
            self.assertTrue(history.waived)
            self.new_sale(price="100", at="2026-11-23T12:00:00Z")
            self.buyer.invalidate_recordset()
            self.assertFalse(self.buyer.lead_forecast)

    def test_nothing_is_told_too_early_or_of_credit(self):
        self.deposit(1000)
        with freeze_time("2026-11-25 17:00:00"):
            self.new_sale(at="2026-11-20T12:00:00Z")
            self.assertFalse(self.buyer.lead_forecast)
            self.new_sale(at="2026-11-01T12:00:00Z")
            self.buyer.invalidate_recordset()
            self.assertTrue(self.buyer.lead_forecast)
            self.buyer.lead_billing_mode = "credit"
            self.buyer.invalidate_recordset()
            self.assertFalse(self.buyer.lead_forecast)
