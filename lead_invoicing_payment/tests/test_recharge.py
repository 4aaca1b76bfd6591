from datetime import timedelta
from unittest.mock import Mock, patch

import requests

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..hooks import post_init_hook
from ..models.payment_transaction import ChargeUnansweredError
from .common import RechargeCommon

MINUTE = timedelta(minutes=1)


@tagged("post_install", "-at_install")
class TestRecharge(RechargeCommon):
    """A balance below what the buyer consented to is recharged once, whatever
    happens."""

    def setUp(self):
        super().setUp()
        self.now = fields.Datetime.now()

    def spend(self, amount):
        self.new_sale(price=str(amount))

    def assert_charged(self, *amounts):
        """The provider charged this, and it is all in the books."""
        self.assertEqual(list(self.outside.charges.values()), list(amounts))
        self.assertEqual(sorted(self.payments.mapped("amount")), sorted(amounts))
        self.assertTrue(self.payments.move_id or not amounts)

    # Once for each crossing

    def test_a_balance_below_the_threshold_is_recharged(self):
        consent = self.consent()
        self.run_job()
        self.assert_charged(500)
        self.assertEqual(self.get_balance(), 500)
        recharge = self.recharges
        self.assertEqual((recharge.state, recharge.balance), ("paid", 0))
        self.assertTrue(recharge.left_at)
        self.assertEqual(recharge.reference, f"RECHARGE-{consent.id}-1")
        self.assertIn("was recharged", self.get_mails().subject)

    def test_a_new_installation_goes_on_with_other_references(self):
        consent = self.consent()
        self.run_job()
        charged = self.recharges.transaction_id
        self.consents._end("ended", "Uninstalled.")
        charged.reference = f"RECHARGE-{consent.id + 7}-1"
        self.env.flush_all()
        post_init_hook(self.env)
        self.assertGreater(self.consent().id, consent.id + 7)

    @mute_logger("odoo.addons.lead_invoicing_payment.models.lead_recharge_job")
    def test_a_balance_that_cannot_be_worked_out_holds_up_no_other(self):
        other = self.new_buyer("Broken", lead_billing_mode="prepaid")
        consents = self.env["lead.recharge.consent"].sudo()
        token = self.new_token(other)
        broken = consents._give(
            other.sudo().with_company(self.company),
            {
                "token_id": token.id,
                "currency_id": self.company.currency_id.id,
                "threshold": 100,
                "amount": 500,
                "daily_limit": 1000,
            },
        )
        self.consent()
        model = self.registry["lead.recharge.consent"]
        get_balances = model._get_balances

        def fail_for_other(consents):
            if broken in consents:
                raise ZeroDivisionError
            return get_balances(consents)

        self.patch(model, "_get_balances", fail_for_other)
        self.run_job()
        self.assert_charged(500)
        self.assertEqual(self.recharges.partner_id, self.buyer)

    def test_a_balance_above_the_threshold_is_left_alone(self):
        self.deposit(100)
        self.consent()
        self.run_job()
        self.assertFalse(self.recharges)

    def test_without_consent_nothing_is_charged(self):
        self.run_job()
        self.assertFalse(self.recharges)

    def test_it_is_charged_once_for_each_time_the_balance_falls(self):
        self.consent()
        self.run_job()
        self.run_job()
        self.assert_charged(500)
        self.spend(450)
        self.run_job()
        self.run_job()
        self.assert_charged(500, 500)
        self.assertEqual(self.get_balance(), 550)

    def test_too_small_a_charge_is_not_repeated_until_the_balance_was_above(self):
        self.consent(amount=50)
        self.run_job()
        self.run_job(self.now + timedelta(days=2))
        self.assert_charged(50)
        self.assertFalse(self.recharges.left_at)
        self.deposit(100)
        self.run_job()
        self.assertTrue(self.recharges.left_at)
        self.spend(100)
        self.run_job()
        self.assert_charged(50, 50)

    def test_a_day_has_a_limit(self):
        self.consent(daily_limit=500)
        self.run_job()
        self.spend(450)
        self.run_job()
        self.assert_charged(500)
        self.run_job(self.now + timedelta(days=1))
        self.assert_charged(500, 500)

    def test_another_consent_does_not_charge_the_same_crossing_again(self):
        self.consent(amount=50)
        self.run_job()
        self.consent(amount=60)
        self.run_job()
        self.assert_charged(50)

    # What the provider says

    def test_a_refused_charge_ends_it_and_tells(self):
        self.consent(self.new_token(self.person, "error"))
        self.run_job()
        self.run_job()
        self.assertEqual(self.recharges.state, "refused")
        self.assertFalse(self.payments)
        self.assertEqual(len(self.outside.asked), 1)
        self.assertEqual(self.consents.mapped("kind"), ["given", "ended"])
        self.assertIn("could not be recharged", self.get_mails().subject)
        self.assertEqual(self.get_mails().recipient_ids, self.person)
        activity = self.buyer.activity_ids
        self.assertIn(self.recharges.reference, activity.note)
        self.assertFalse(self.buyer.lead_buying_hold)
        # The buyer gives another payment method.
        self.consent()
        self.run_job()
        self.assertEqual(self.recharges.mapped("state"), ["refused", "paid"])
        self.assertEqual(self.get_balance(), 500)

    def test_a_mail_that_was_not_delivered_is_told(self):
        self.consent()
        self.run_job()
        self.get_mails().write({"state": "exception", "failure_reason": "No mailbox"})
        follow = self.env.ref("lead_invoicing.ir_cron_follow_deliveries")
        for _time in range(2):
            with self.enter_registry_test_mode():
                follow.method_direct_trigger()
        self.env.invalidate_all()
        self.assertIn("No mailbox", self.buyer.activity_ids.note)

    def test_what_somebody_deleted_holds_up_no_money(self):
        self.env.ref("lead_invoicing_payment.mail_template_recharge").unlink()
        self.consent()
        self.run_job()
        self.assertEqual(self.recharges.state, "paid")
        self.assertFalse(self.get_mails())
        self.assertIn("was deleted", str(self.buyer.message_ids.mapped("body")))
        self.job.unlink()
        self.consent()
        transaction = self.recharges.transaction_id
        self.recharges.write({"state": "asked"})
        transaction._post_process()

    def test_a_refused_charge_is_a_buying_hold_where_that_is_agreed(self):
        self.buyer.lead_recharge_failure = "hold"
        self.consent(self.new_token(self.person, "cancel"))
        self.run_job()
        self.assertTrue(self.buyer.lead_buying_hold)
        self.assertIn("recharge", self.buyer.lead_buying_hold_reason)

    def test_an_answer_an_hour_later_and_twice_is_one_deposit(self):
        self.consent(self.new_token(self.person, "pending"))
        self.run_job()
        self.run_job(self.now + 60 * MINUTE)
        self.assertEqual(self.recharges.state, "asked")
        self.assertEqual(len(self.outside.asked), 1)
        transaction = self.recharges.transaction_id
        for _time in range(2):
            transaction.action_demo_set_done()
            self.run_job(self.now + 61 * MINUTE)
        self.assert_charged(500)
        self.assertEqual(self.recharges.state, "paid")
        self.assertEqual(len(self.get_mails()), 1)

    def test_what_was_refused_and_is_paid_after_all_is_one_deposit(self):
        self.buyer.lead_recharge_failure = "hold"
        self.consent(self.new_token(self.person, "error"))
        self.run_job()
        self.recharges.transaction_id.action_demo_set_done()
        self.run_job()
        self.run_job()
        self.assert_charged(500)
        self.assertEqual(self.recharges.state, "paid")
        self.assertIn(
            "Declined charge was paid after all",
            self.buyer.activity_ids.mapped("summary"),
        )

    # Where something dies

    def test_dying_before_the_provider_is_asked(self):
        consent = self.consent()
        self.env["lead.recharge"].sudo()._open(consent)
        self.run_job()
        self.assertFalse(self.outside.asked)
        self.run_job(self.now + 11 * MINUTE)
        self.run_job(self.now + 30 * MINUTE)
        self.assert_charged(500)
        self.assertEqual(len(self.outside.asked), 1)

    def test_an_answer_that_never_came_is_asked_for_by_its_reference(self):
        self.consent()
        self.outside.is_silent = True
        with self.assertLogs("odoo.addons.lead_invoicing_payment", "WARNING"):
            self.run_job()
        self.assertEqual(self.recharges.state, "asked")
        self.run_job(self.now + 5 * MINUTE)
        self.assertEqual(len(self.outside.asked), 1)
        self.outside.is_silent = False
        self.run_job(self.now + 11 * MINUTE)
        self.run_job(self.now + 30 * MINUTE)
        self.assertEqual(self.outside.asked, [self.recharges.reference] * 2)
        self.assert_charged(500)

    def test_dying_between_the_answer_and_the_posting(self):
        consent = self.consent()
        recharge = self.env["lead.recharge"].sudo()._open(consent)
        self.do_as_job("_ask", recharge)
        self.assertEqual(recharge.transaction_id.state, "done")
        self.assertFalse(self.payments)
        # Both Odoo's job and ours go on.
        self.run_job()
        self.env.ref("payment.cron_post_process_payment_tx").active = True
        with self.enter_registry_test_mode():
            self.env.ref(
                "payment.cron_post_process_payment_tx"
            ).sudo().method_direct_trigger()
        self.run_job()
        self.assert_charged(500)
        self.assertEqual(len(self.outside.asked), 1)

    def test_dying_between_the_posting_and_what_is_told(self):
        consent = self.consent()
        recharge = self.env["lead.recharge"].sudo()._open(consent)
        self.do_as_job("_ask", recharge)
        recharge._post_answer()
        self.assertEqual(recharge.state, "asked")
        self.run_job()
        self.run_job()
        self.assert_charged(500)
        self.assertEqual(recharge.state, "paid")
        self.assertEqual(len(self.get_mails()), 1)

    def never_answered(self):
        """A provider that does not know its references does not answer."""
        self.consent()
        self.outside.is_silent = True
        with patch.object(
            self.registry["payment.provider"],
            "_lead_knows_references",
            lambda provider: False,
        ):
            with self.assertLogs("odoo.addons.lead_invoicing_payment", "WARNING"):
                self.run_job()
            for hours in (1, 25, 26):
                self.run_job(self.now + timedelta(hours=hours))
        self.assertEqual(len(self.outside.asked), 1)
        (activity,) = self.buyer.activity_ids
        self.assertIn("Look it up", activity.note)
        return self.recharges.with_user(self.billing_user)

    def test_who_cannot_be_asked_again_is_looked_up_and_was_charged(self):
        recharge = self.never_answered()
        with self.assertRaises(AccessError):
            recharge.with_user(self.plain_user).action_confirm_charged()
        recharge.action_confirm_charged()
        self.assert_charged(500)
        self.assertEqual(recharge.state, "paid")
        with self.assertRaisesRegex(UserError, "has answered"):
            recharge.action_confirm_not_charged()

    def test_who_cannot_be_asked_again_is_looked_up_and_was_not_charged(self):
        recharge = self.never_answered()
        recharge.action_confirm_not_charged()
        self.assertEqual(recharge.state, "refused")
        self.assertFalse(self.payments)
        self.assertEqual(self.consents[-1].kind, "ended")

    def test_a_deposit_that_cannot_be_posted_is_told(self):
        # No mock: Odoo would take it for a constraint of the model.
        def create_payment(_transaction, **_values):
            sentence = "No journal"
            raise UserError(sentence)

        self.consent()
        with (
            patch.object(
                self.registry["payment.transaction"], "_create_payment", create_payment
            ),
            mute_logger("odoo.addons.lead_invoicing_payment.models.lead_recharge_job"),
        ):
            self.run_job()
            self.run_job(self.now + timedelta(hours=25))
        self.assertIn("could not be posted", self.buyer.activity_ids.note)
        self.assertEqual(len(self.outside.asked), 1)
        self.run_job(self.now + timedelta(hours=26))
        self.assert_charged(500)

    def test_no_answer_is_no_refusal(self):
        consent = self.consent()
        recharge = self.env["lead.recharge"].sudo()._open(consent)
        transaction = recharge.transaction_id
        other = transaction.copy({"reference": "other"})
        answers = {
            500: ChargeUnansweredError,
            409: ChargeUnansweredError,
            402: ValidationError,
        }
        for status, expected in answers.items():
            response = requests.Response()
            response.status_code = status
            response._content = b"{}"
            with (
                self.subTest(status),
                patch("requests.request", Mock(return_value=response)),
            ):
                with self.assertRaises(expected):
                    transaction._send_api_request("POST", "x")
                with self.assertRaises(ValidationError):
                    other._send_api_request("POST", "x")
        timeout = Mock(side_effect=requests.exceptions.Timeout)
        with (
            patch("requests.request", timeout),
            self.assertRaises(ChargeUnansweredError),
        ):
            transaction._send_api_request("POST", "x")

    # Consent

    def test_a_consent_says_who_when_and_what(self):
        consent = self.consent()
        self.assertEqual(consent.user_id, self.portal_user)
        for text in ("Lead House", "1234", "500.00", "100.00", "1,000.00"):
            self.assertIn(text, consent.text)
        self.assertTrue(consent.create_date)
        with self.assertRaisesRegex(UserError, "permanent record"):
            consent.sudo().write({"amount": 5000})

    def test_nothing_is_charged_after_a_withdrawal(self):
        consent = self.consent()
        consent._end("withdrawn", "I withdraw my consent.")
        self.run_job()
        self.assertFalse(self.recharges)
        self.assertEqual(self.consents.mapped("kind"), ["given", "withdrawn"])
        self.assertEqual(self.consents[-1].user_id, self.portal_user)

    def test_nothing_is_asked_again_after_a_withdrawal(self):
        consent = self.consent()
        self.env["lead.recharge"].sudo()._open(consent)
        consent._end("withdrawn", "I withdraw my consent.")
        self.run_job(self.now + 11 * MINUTE)
        self.assertFalse(self.outside.asked)

    def test_a_removed_payment_method_ends_it(self):
        self.consent()
        self.token.active = False
        self.run_job()
        self.assertFalse(self.recharges)
        self.assertEqual(self.consents[-1].kind, "ended")

    def test_what_was_given_back_is_not_charged_again(self):
        def refund(recharge):
            transaction = recharge.transaction_id
            back = transaction._create_child_transaction(500, is_refund=True)
            back._set_done()
            back._post_process()

        def cancel(recharge):
            recharge.payment_id.action_draft()
            # It may be posted again.
            self.run_job()
            self.assertEqual(self.consents[-1].kind, "given")
            recharge.payment_id.action_cancel()

        for give_back in (refund, cancel):
            with self.subTest(give_back.__name__):
                self.consent()
                self.run_job()
                charged = len(self.recharges)
                give_back(self.recharges[-1])
                self.assertEqual(self.get_balance(), 0)
                self.run_job()
                self.assertEqual(len(self.recharges), charged)
                self.assertEqual(self.consents[-1].kind, "ended")
                self.assertIn("refunded or canceled", self.consents[-1].text)
        # Whoever wants it consents anew.
        self.consent(daily_limit=5000)
        self.run_job()
        self.assertEqual(self.get_balance(), 500)

    def test_its_end_is_told_in_the_language_of_the_clerk(self):
        self.env["res.lang"]._activate_lang("de_DE")
        # Nobody is responsible: the company is told.
        self.company.partner_id.lang = "de_DE"
        self.consent()
        self.buyer.lead_billing_mode = "credit"
        self.run_job()
        (activity,) = self.buyer.activity_ids
        self.assertEqual(activity.summary, "Automatische Aufladung beendet")
        self.assertIn("Es wurde nichts", activity.note)

    def test_who_prepays_no_more_is_not_charged(self):
        self.consent()
        self.buyer.lead_billing_mode = "credit"
        self.run_job()
        self.assertFalse(self.recharges)
        self.assertEqual(self.consents[-1].kind, "ended")
        self.assertEqual(len(self.buyer.activity_ids), 1)

    def test_a_payment_method_of_another_buyer_is_not_charged(self):
        self.consent()
        self.person.parent_id = self.new_buyer("Buyer B")
        self.run_job()
        self.assertFalse(self.outside.asked)

    def test_terms_that_make_no_sense_are_refused(self):
        self.company.lead_top_up_minimum = 20
        for vals in (
            {"amount": 10.0},
            {"amount": 0.0},
            {"threshold": -1.0},
            {"daily_limit": 499.0},
            {"amount": float("nan")},
        ):
            with self.subTest(vals), self.assertRaises(UserError):
                self.consent(**vals)
        self.assertFalse(self.consents)

    def test_a_clerk_ends_it_and_cannot_give_it(self):
        consent = self.consent()
        buyer = self.buyer.with_user(self.billing_user)
        self.assertEqual(buyer.lead_recharge_text, consent.text)
        vals = {
            "partner_id": self.buyer.id,
            "company_id": self.company.id,
            "kind": "given",
            "text": "x",
        }
        for user in (self.billing_user, self.manager, self.portal_user):
            consents = self.env["lead.recharge.consent"].with_user(user)
            with self.subTest(user.login), self.assertRaises(UserError):
                consents.create(vals)
        with self.assertRaises(UserError):
            self.buyer.with_user(self.plain_user).action_end_lead_recharge()
        buyer.action_end_lead_recharge()
        self.assertEqual(self.consents[-1].user_id, self.billing_user)
        self.run_job()
        self.assertFalse(self.recharges)

    def test_only_who_bills_decides_what_a_refused_charge_is(self):
        keeper = new_test_user(
            self.env, "recharge_keeper", "base.group_user,base.group_partner_manager"
        )
        with self.assertRaises(AccessError):
            self.buyer.with_user(keeper).lead_recharge_failure = "hold"
        self.buyer.with_user(self.manager).read(["lead_recharge_failure"])

    def test_only_who_bills_reads_recharges(self):
        self.consent()
        self.run_job()
        self.recharges.with_user(self.billing_user).read(["amount"])
        for user in (self.plain_user, self.portal_user, self.integrator):
            for records in (self.recharges, self.consents):
                with self.subTest(user.login), self.assertRaises(AccessError):
                    records.with_user(user).read(["amount"])

    def test_a_clerk_opens_the_screens(self):
        self.consent()
        self.run_job()
        for records in (self.recharges, self.consents, self.buyer):
            own = records.with_user(self.billing_user)
            own.get_views([(False, "list"), (False, "form"), (False, "search")])
            Form(own[0])
        action = self.buyer.with_user(self.billing_user).action_view_lead_recharges()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, self.recharges)

    # The books

    def test_check_the_books_finds_a_second_charge(self):
        self.consent(amount=50)
        self.run_job()
        self.env.cr.execute("UPDATE lead_recharge SET left_at = NULL")
        first = self.recharges
        self.env["lead.recharge"].sudo().create(
            {
                "consent_id": first.consent_id.id,
                "number": 2,
                "amount": 50,
                "asked_at": self.now,
                "transaction_id": first.transaction_id.copy({"reference": "2"}).id,
            }
        )
        self.env.flush_all()
        books = self.env["lead.invoice.run"].sudo().check_books()
        self.assertIn("recharged_twice", [finding["rule"] for finding in books])
        self.broken_rules = ("recharged_twice",)
