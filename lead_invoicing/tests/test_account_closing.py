from datetime import datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.charges import ChargesCommon
from .common.generation import GENERATION, WEEK
from .common.settlement import SettlementCommon

NOON = "2026-11-12 17:00"


class ClosingCommon(SettlementCommon):
    """Ways to close the buyer's account."""

    def open_wizard(self, user=None):
        with freeze_time(NOON):
            buyer = self.buyer.with_user(user or self.billing_user)
            action = buyer.action_close_account()
        return (
            self.env[action["res_model"]]
            .with_user(user or self.billing_user)
            .browse(action["res_id"])
        )

    def close(self, wizard):
        """Press the button, and return the closed account."""
        with (
            freeze_time(NOON),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            action = wizard.with_env(wizard.env(cr=cr)).action_close()
        self.env.invalidate_all()
        self.generated_at = NOON
        return self.env["lead.account.closing"].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestAccountClosing(ClosingCommon):
    """The end of a buyer's account."""

    def test_the_preview_shows_what_is_billed_and_owed(self):
        self.deposit(100)
        self.new_sale(price="30.00", at="2026-11-12T14:00:00Z")
        wizard = self.open_wizard()
        self.assertEqual(wizard.line_ids.purchased, 1)
        self.assertIn("You owe the buyer $\xa0100.00", wizard.owed)
        self.assertFalse(self.buyer.lead_closing_id)

    def test_closing_bills_everything_and_pays_the_balance_back(self):
        self.buyer.lead_minimum_amount = 1000
        self.deposit(100)
        sale = self.new_sale(price="30.00", at="2026-11-12T14:00:00Z")
        wizard = self.open_wizard()
        wizard.posting = "post"
        closing = self.close(wizard)
        self.assertEqual(sale.billing_state, "invoiced")
        self.assertEqual(sale.invoice_id.amount_residual, 0)
        self.assertEqual(closing.run_id, sale.invoice_id.lead_run_id)
        payment = closing.payment_ids
        self.assertEqual((payment.state, payment.payment_type), ("draft", "outbound"))
        self.assertEqual((payment.partner_id, payment.amount), (self.buyer, 70))
        self.assertIn("You owe the buyer $\xa070.00", closing.owed)
        # Sent, it takes the balance.
        bank = self.company_data["default_journal_bank"]
        bank.outbound_payment_method_line_ids.payment_account_id = (
            bank.inbound_payment_method_line_ids.payment_account_id[:1]
        )
        payment.action_post()
        self.buyer.invalidate_recordset()
        self.assertEqual(self.buyer._read_lead_owed(), {})

    def test_money_of_drafts_is_not_paid_back(self):
        self.deposit(100)
        self.new_sale(price="30.00", at="2026-11-12T14:00:00Z")
        wizard = self.open_wizard()
        wizard.posting = "draft"
        with self.assertRaisesRegex(UserError, "still has draft invoices"):
            self.close(wizard)

    def test_a_closed_account_leaves_the_schedule_and_buys_nothing(self):
        closing = self.close(self.open_wizard())
        self.assertEqual(self.buyer._get_lead_billing_cycle().frequency, "manual")
        self.assertTrue(self.buyer.lead_buying_hold)
        self.assertFalse(self.buyer.lead_billing_hold)
        self.assertEqual(self.buyer.lead_closing_id, closing)
        # What comes in late waits, visibly.
        self.new_sale(at="2026-11-12T18:00:00Z")
        self.assertFalse(self.generate())
        self.assertEqual(self.buyer.lead_unbilled_amount, 10)

    def test_what_the_buyer_owes_is_told(self):
        self.buyer.lead_billing_mode = "credit"
        self.new_sale(price="30.00")
        wizard = self.open_wizard()
        wizard.posting = "post"
        closing = self.close(wizard)
        self.assertIn("The buyer owes $\xa030.00", closing.owed)
        self.assertFalse(closing.payment_ids)

    def test_reopening_bills_as_before(self):
        self.deposit(50)
        self.buyer.write(
            {"lead_buying_hold": True, "lead_buying_hold_reason": "Complaints"}
        )
        closing = self.close(self.open_wizard())
        payment = closing.payment_ids
        self.assertTrue(payment)
        closing.with_user(self.billing_user).action_reopen()
        self.assertEqual(self.buyer.lead_billing_cycle_id, self.cycle)
        self.assertEqual(self.buyer.lead_buying_hold_reason, "Complaints")
        self.assertFalse(payment.exists())
        self.assertFalse(self.buyer.lead_closing_id)
        self.assertTrue(closing.reopened_at)
        with self.assertRaises(UserError):
            self.buyer.action_reopen_account()
        bodies = " ".join(self.buyer.message_ids.mapped("body"))
        self.assertIn("Account closed.", bodies)
        self.assertIn("Account reopened.", bodies)

    def test_reopening_with_an_archived_cycle_takes_the_default_one(self):
        other = self.cycle.copy({"name": "Other"})
        self.buyer.lead_billing_cycle_id = other
        closing = self.close(self.open_wizard())
        with freeze_time(NOON):
            other.active = False
            closing.with_user(self.billing_user).action_reopen()
        self.assertFalse(self.buyer.lead_billing_cycle_id)
        self.assertIn("Other, is archived", self.buyer.message_ids[0].body)

    def test_merged_into_another_contact_it_does_not_close_that(self):
        kept, leaver = self.new_buyer("Stays", lead_billing_cycle_id=False), self.buyer
        closing = self.close(self.open_wizard())
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((kept + leaver).ids, kept)
        self.env.invalidate_all()
        self.assertFalse(leaver.exists())
        self.assertFalse(kept.lead_closing_id)
        self.assertFalse(kept.lead_buying_hold)
        self.assertNotEqual(kept._get_lead_billing_cycle().frequency, "manual")
        self.assertEqual(closing.partner_id, kept)
        bodies = " ".join(kept.message_ids.mapped("body"))
        self.assertIn("does not close the account", bodies)

    def test_what_was_chosen_since_stays(self):
        self.close(self.open_wizard())
        self.buyer.lead_buying_hold_reason = "Fraud"
        self.buyer.lead_billing_cycle_id = False
        self.buyer.with_user(self.billing_user).action_reopen_account()
        self.assertTrue(self.buyer.lead_buying_hold)
        self.assertFalse(self.buyer.lead_billing_cycle_id)

    def test_a_buyer_on_billing_hold_is_not_closed(self):
        self.buyer.lead_billing_hold = True
        with self.assertRaisesRegex(UserError, "billing hold"):
            self.close(self.open_wizard())

    def test_what_cannot_be_invoiced_keeps_the_account_open(self):
        self.new_sale()
        wizard = self.open_wizard()
        account = self.buyer.property_account_receivable_id.copy()
        self.buyer.property_account_receivable_id = account
        account.active = False
        with self.assertRaisesRegex(UserError, "still open"):
            self.close(wizard)
        self.assertFalse(self.buyer.lead_closing_id)
        account.active = True

    def test_only_who_bills_closes_accounts(self):
        for user in (self.plain_user, self.portal_user, self.integrator):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.open_wizard(user)
        self.close(self.open_wizard())
        for user in (self.plain_user, self.portal_user, self.integrator):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.buyer.with_user(user).action_reopen_account()


@tagged("post_install", "-at_install")
class TestClosingWithCharges(ClosingCommon, ChargesCommon):
    """What was agreed beside the leads ends with the account."""

    def close(self, wizard):
        closing = super().close(wizard)
        self.env["account.move"]._get_sequence_cache().clear()
        return closing

    def test_closing_bills_the_charges_that_wait(self):
        self.buyer.lead_billing_mode = "credit"
        self.buyer.lead_minimum_amount = 500
        self.agree("fee", amount=25)
        self.agree("discount", percent=10)
        self.new_sale(price="100")
        self.assertFalse(self.generate())
        wizard = self.open_wizard()
        self.assertEqual(sum(wizard.line_ids.mapped("amount")), 115)
        wizard.posting = "post"
        document = self.close(wizard).run_id.invoice_ids
        self.assertEqual(self.charges_on(document), [("discount", -10), ("fee", 25)])

    def test_closing_takes_off_the_discounts_of_what_is_not_over(self):
        self.agree("fee", amount=25)
        self.agree("discount", percent=10)
        self.agree("tier", steps=[(2, {"percent": 50})], period="month")
        self.new_sale(price="100")
        document = self.generate()
        self.assertEqual(self.charges_on(document), [("discount", -10), ("fee", 25)])
        self.new_sale(price="40", at="2026-11-11T12:00:00Z")
        wizard = self.open_wizard()
        wizard.posting = "post"
        wizard.journal_id = False
        # Half of what both leads of the month cost by then, 90 and 40; a tenth of what
        # the last one costs after that.
        document = self.close(wizard).run_id.invoice_ids
        self.assertEqual(dict(self.charges_on(document)), {"tier": -65, "discount": -2})

    def test_months_while_the_account_was_closed_are_not_charged(self):
        self.buyer.lead_billing_mode = "credit"
        self.agree("fee", amount=9, period="month")
        self.new_sale()
        wizard = self.open_wizard()
        wizard.posting = "post"
        closing = self.close(wizard)
        self.assertFalse(self.generate(GENERATION + 11 * WEEK))
        with freeze_time("2027-02-10 12:00"):
            closing.with_user(self.billing_user).action_reopen()
        # Of February alone, not of November to January
        documents = self.generate(datetime(2027, 3, 8, 12))
        self.assertEqual(self.charges_on(documents), [("fee", 9)])
