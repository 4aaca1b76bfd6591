from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common.generation import GENERATION, WEEK, GenerationCommon
from .common.unbilled import SECOND, UnbilledCommon


@tagged("post_install", "-at_install")
class TestUnbilledReason(UnbilledCommon):
    """*Unbilled* says why each transaction waits."""

    def rows(self):
        """Return {(buyer, reason): (transactions, amount)} as a clerk sees it."""
        self.env.invalidate_all()
        rows = self.env["lead.unbilled"].with_user(self.billing_user).search([])
        return {
            (row.partner_id.name, row.reason): (row.sale_count, row.amount)
            for row in rows
        }

    def assert_reason(self, sale, reason):
        self.env.invalidate_all()
        self.assertEqual(sale.with_user(self.billing_user).unbilled_reason, reason)
        found = (
            self.env["lead.sale"]
            .with_user(self.billing_user)
            .search([("unbilled_reason", "=", reason)])
        )
        self.assertIn(sale, found)

    def test_waits_for_the_next_invoice(self):
        sale = self.new_sale(price="12.50")
        self.new_sale(price="7.50")
        self.assertEqual(self.rows(), {("Buyer A", "window"): (2, 20.0)})
        self.assert_reason(sale, "window")
        self.generate()
        self.assertFalse(self.rows())
        self.assertFalse(sale.unbilled_reason)

    def test_no_cycle(self):
        buyer = self.new_buyer("Buyer N", lead_billing_cycle_id=False)
        sale = self.new_sale(buyer)
        self.assert_reason(sale, "no_cycle")
        self.company.lead_billing_cycle_id = self.cycle
        self.assert_reason(sale, "window")

    def test_manual_and_archived_cycles_have_no_schedule(self):
        manual = self.env["lead.billing.cycle"].create(
            {"name": "Manual", "frequency": "manual", "tz": "UTC"}
        )
        sale = self.new_sale(self.new_buyer("Buyer M", lead_billing_cycle_id=manual.id))
        self.assert_reason(sale, "manual")

    def test_hold(self):
        sale = self.new_sale()
        self.buyer.lead_billing_hold = True
        self.assert_reason(sale, "hold")
        self.buyer.lead_billing_hold = False
        self.assert_reason(sale, "window")

    def test_below_the_minimum_until_the_next_run(self):
        self.buyer.lead_minimum_amount = 100
        sale = self.new_sale()
        self.set_created(sale, sale.date)
        self.generate()
        self.assert_reason(sale, "minimum")
        later = self.new_sale(at=SECOND)
        self.assert_reason(later, "window")
        # Recorded too late for that run, it goes with the next one.
        with freeze_time(GENERATION + timedelta(hours=1)):
            late = self.new_sale(price="1")
        self.assert_reason(late, "window")
        self.assertEqual(
            self.rows(),
            {("Buyer A", "minimum"): (1, 10.0), ("Buyer A", "window"): (2, 11.0)},
        )

    def test_zero_total_that_is_not_issued(self):
        self.company.lead_issue_zero = False
        sale = self.new_sale()
        self.set_created(sale + self.new_return(sale), sale.date)
        self.generate()
        self.assert_reason(sale, "minimum")

    def test_earlier_than_the_window_when_those_are_left_out(self):
        self.cycle.include_earlier = False
        self.generate()
        late, now = self.new_sale(), self.new_sale(at=SECOND)
        self.assert_reason(late, "earlier")
        self.assert_reason(now, "window")
        self.assertEqual(self.generate(GENERATION + WEEK).lead_sale_ids, now)
        self.cycle.include_earlier = True
        self.assert_reason(late, "window")

    def test_parked(self):
        receivable = self.buyer.property_account_receivable_id.copy()
        self.buyer.property_account_receivable_id = receivable
        receivable.active = False
        sale = self.new_sale()
        self.assertFalse(self.generate())
        self.assert_reason(sale, "parked")
        # It is tried again with its next window, and by a click.
        self.assert_reason(self.new_sale(at=SECOND), "window")
        receivable.active = True
        self.env["lead.invoice.run"].search([]).failure_ids.action_retry()
        self.assert_reason(sale, "window")

    def test_stopped_run(self):
        sale = self.new_sale()
        self.company.fiscalyear_lock_date = "2030-12-31"
        self.assertFalse(self.generate())
        self.assert_reason(sale, "stopped")

    def test_reason_and_rows_agree(self):
        self.buyer.lead_minimum_amount = 100
        first = self.new_sale()
        self.set_created(first, first.date)
        self.generate()
        second = self.new_sale(at=SECOND)
        degree = self.new_sale(at=SECOND, lead_type="AUTO")
        for row in self.env["lead.unbilled"].search([]):
            action = row.with_user(self.billing_user).action_view_sales()
            sales = self.env["lead.sale"].search(action["domain"])
            self.assertEqual(len(sales), row.sale_count)
            self.assertEqual(sum(sales.mapped("amount")), row.amount)
            first, second, degree = (rest - sales for rest in (first, second, degree))
        self.assertFalse(first + second + degree)

    def test_ages(self):
        now = datetime(2026, 11, 20, 12)
        for days in (0, 7, 8, 30, 31, 60, 61):
            at = now - timedelta(days=days)
            self.new_sale(at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        with freeze_time(now):
            rows = self.env["lead.unbilled"].search([])
            self.assertEqual(
                {
                    age: sum(some.mapped("sale_count"))
                    for age, some in rows.grouped("age").items()
                },
                {"0_7": 2, "8_30": 2, "31_60": 2, "over_60": 1},
            )
            for row in rows:
                sales = self.env["lead.sale"].search(row.action_view_sales()["domain"])
                self.assertEqual(len(sales), row.sale_count)
            old = self.env["lead.unbilled"].search([("age", "=", "over_60")])
            self.assertEqual(old.oldest_date, now - timedelta(days=61))

    def test_read_as_lists_and_pivots_do(self):
        self.new_sale()
        self.new_sale(at=SECOND, lead_type="AUTO")
        unbilled = self.env["lead.unbilled"].with_user(self.billing_user)
        groups = unbilled._read_group(
            [("reason", "=", "window")],
            ["partner_id"],
            ["amount:sum", "sale_count:sum", "oldest_date:min"],
        )
        self.assertEqual(groups, [(self.buyer, 20.0, 2, datetime(2026, 11, 4, 12))])
        for view in ("list", "kanban", "pivot", "search"):
            unbilled.get_view(view_type=view)

    def test_another_company_sees_nothing(self):
        self.new_sale()
        abroad = self._create_company(name="Other House")
        self.billing_user.company_ids = [Command.link(abroad.id)]
        unbilled = self.env["lead.unbilled"].with_user(self.billing_user)
        self.assertTrue(unbilled.search([]))
        self.assertFalse(
            unbilled.with_context(allowed_company_ids=abroad.ids).search([])
        )

    def test_only_billing_users_look(self):
        self.new_sale()
        for user in (self.plain_user, self.integrator, self.portal_user):
            for model in ("lead.unbilled", "lead.unbilled.as.at"):
                rows = self.env[model].search([]).with_user(user)
                with self.assertRaises(AccessError):
                    rows.search([])
                with self.assertRaises(AccessError):
                    rows.action_view_sales()


@tagged("post_install", "-at_install")
class TestWaiver(GenerationCommon):
    """A manager waives, and takes it back; the record of both stays."""

    def decide(self, sales, action, reason, user=None):
        """Do as the buttons of the list and the form do."""
        sales = sales.with_user(user or self.manager)
        action = getattr(sales, action)()
        wizard = (
            self.env[action["res_model"]]
            .with_user(user or self.manager)
            .with_context(**action["context"])
        )
        with Form(wizard) as form:
            form.reason = reason
        form.save().action_confirm()
        self.env.invalidate_all()

    def test_waive_and_take_back(self):
        sale = self.new_sale()
        self.decide(sale, "action_waive", "Goodwill")
        self.assertEqual((sale.billing_state, sale.reason), ("waived", "Goodwill"))
        self.assertFalse(self.generate())
        self.decide(sale, "action_unwaive", "Was a mistake")
        self.assertEqual((sale.billing_state, sale.reason), ("unbilled", False))
        self.assertEqual(
            [(log.waived, log.reason, log.create_uid) for log in sale.waiver_ids],
            [
                (False, "Was a mistake", self.manager),
                (True, "Goodwill", self.manager),
            ],
        )
        self.assertEqual(self.generate(GENERATION + WEEK).lead_sale_ids, sale)

    def test_a_return_keeps_its_own_reason(self):
        sale = self.new_sale()
        self.generate()
        back = self.new_return(sale, reason="wrong number")
        self.decide(back, "action_waive", "Agreed by phone")
        self.assertEqual(back.reason, "wrong number")
        self.decide(back, "action_unwaive", "They insist")
        self.assertEqual(back.reason, "wrong number")

    def test_a_sale_takes_its_returns_along(self):
        sale = self.new_sale()
        back = self.new_return(sale)
        self.decide(sale, "action_waive", "Goodwill")
        self.assertTrue(back.waived)
        with self.assertRaisesRegex(UserError, "Undo its waiver first"):
            self.decide(back, "action_unwaive", "x")
        late = self.new_return(self.new_sale(), price="4")
        self.decide(late, "action_waive", "Alone")
        self.decide(late.origin_id, "action_waive", "Goodwill")
        self.decide(sale + late.origin_id, "action_unwaive", "Mistake")
        self.assertFalse(sale.waived or back.waived)
        # What was waived by itself stays so.
        self.assertTrue(late.waived)

    def test_a_sale_whose_return_is_billed_cannot_be_waived(self):
        sale = self.new_sale()
        self.invoice(self.new_return(sale), post=False)
        with self.assertRaisesRegex(UserError, "on a draft"):
            self.decide(sale, "action_waive", "Goodwill")
        self.assertFalse(sale.waived)

    def test_what_a_credit_note_gave_back_stays_waived(self):
        sale = self.new_sale()
        back = self.new_return(sale, at="2026-11-10T12:00:00Z")
        invoice = self.generate()
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.reverse_moves()
        wizard.new_move_ids.action_post()
        self.env.invalidate_all()
        self.assertTrue(back.waived_by_credit)
        with self.assertRaisesRegex(UserError, "already been credited"):
            self.decide(back, "action_unwaive", "x")

    def test_history_can_be_billed_after_all(self):
        self.company.lead_billing_start = "2026-11-05"
        sale = self.new_sale()
        self.assertTrue(sale.waived)
        self.decide(sale, "action_unwaive", "Forgotten in the old system")
        self.assertEqual(sale.billing_state, "unbilled")

    def test_who_may(self):
        sale = self.new_sale()
        for user in (self.billing_user, self.integrator, self.plain_user):
            for method in ("action_waive", "action_unwaive"):
                with self.assertRaises(AccessError):
                    getattr(sale.with_user(user), method)()
            with self.assertRaises(AccessError):
                self.env["lead.sale.waive.wizard"].with_user(user).create(
                    {"sale_ids": sale.ids, "reason": "x"}
                )

    def test_the_record_cannot_be_changed(self):
        sale = self.new_sale()
        self.decide(sale, "action_waive", "Goodwill")
        log = sale.waiver_ids
        for user in (self.billing_user, self.manager):
            with self.assertRaises(UserError):
                log.with_user(user).write({"reason": "x"})
            with self.assertRaises(AccessError):
                log.with_user(user).unlink()
            with self.assertRaises(AccessError):
                log.with_user(user).create(
                    {"sale_id": sale.id, "company_id": 1, "reason": "x"}
                )
