"""What a clerk sees and does on a run: all as a user with the Billing role alone."""

from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError

from ..models import lead_invoice_run_next_steps
from .common.generation import GENERATION
from .common.rights import RightsCommon


class WorkbenchCommon(RightsCommon):
    """A run of drafts and failures, seen by a clerk."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.new_user("workbench", "lead_invoicing.group_user")

    @property
    def desk(self):
        """The environment of the clerk's browser."""
        return self.env(user=self.clerk, su=False)

    def as_clerk(self, records):
        return records.with_user(self.clerk)

    def bill_drafts(self, *buyers, **cycle_values):
        """Bill a sale to each of these buyers, posting as the cycle is told."""
        self.cycle.write({"posting": "draft", **cycle_values})
        for buyer in buyers:
            self.new_sale(buyer)
        documents = self.generate()
        return self.as_clerk(documents.lead_run_id)

    def row_of(self, run, buyer):
        return run.buyer_ids.filtered(lambda item: item.partner_id == buyer)


class TestRunTable(WorkbenchCommon):
    """Each figure opens the records behind it, and they add up to it."""

    def test_row_says_what_a_buyer_bought_and_what_became_of_it(self):
        sale = self.new_sale(price="30.00")
        self.new_sale(price="20.00")
        self.new_return(sale)
        self.cycle.posting = "post"
        document = self.generate()
        row = self.as_clerk(document.lead_run_buyer_id)
        self.assertEqual((row.purchased_count, row.returned_count), (2, 1))
        self.assertEqual(row.document_names, document.name)
        self.assertEqual(row.document_state, "posted")
        self.assertIn("20.00", row.amount_summary)
        self.assertFalse(row.problem)
        action = row.action_view_invoices()
        opened = self.desk[action["res_model"]].search(action["domain"])
        self.assertEqual(opened, document)

    def test_row_of_two_documents_says_what_is_to_be_done(self):
        self.buyer.lead_invoice_split = "lead_type"
        self.new_sale(price="30.00")
        self.new_sale(price="20.00", lead_type="AUTO")
        documents = self.generate().sudo()
        documents[0].button_draft()
        row = self.as_clerk(documents.lead_run_buyer_id)
        self.assertEqual(row.document_state, "draft")
        self.assertIn("50.00", row.amount_summary)

    def test_failed_row_says_why(self):
        self.bill()
        row = self.as_clerk(self.failure)
        self.assertIn("archived", row.problem)
        self.assertFalse(row.amount_summary or row.document_names)
        self.assertFalse(row.document_state or row.delivery_state)

    def test_undelivered_row_says_what_to_do(self):
        self.cycle.posting = "send"
        self.buyer.email = False
        self.new_sale()
        document = self.generate().sudo()
        document._set_lead_delivery(*document._get_lead_reason_not_sent())
        row = self.as_clerk(document.lead_run_buyer_id)
        self.assertEqual(row.delivery_state, "no_address")
        self.assertIn("no email address", row.problem)

    def test_totals_are_what_their_buttons_open(self):
        self.company.lead_review_zero_price = True
        self.cycle.posting = "post"
        kept = self.new_sale(self.other_buyer, price=0)
        self.new_sale(self.other_buyer, price="7.00")
        self.new_sale(price="12.00")
        small = self.new_buyer("Small", lead_minimum_amount=100)
        self.new_sale(small, price="1.00")
        run = self.as_clerk(self.generate().lead_run_id)
        self.assertTrue(kept.invoice_id.lead_review_reason)
        for count, amounts, button, total in (
            ("posted_count", "posted_amounts", "action_view_posted", "12.00"),
            ("review_count", "review_amounts", "action_review", "7.00"),
        ):
            with self.subTest(count):
                documents = self.open(run, button)
                self.assertEqual(run[count], len(documents))
                self.assertEqual(len(documents), 1)
                self.assertIn(total, run[amounts])
                self.assertAlmostEqual(
                    sum(documents.mapped("amount_total_in_currency_signed")),
                    float(total),
                )
        left_out = self.open(run, "action_view_left_out")
        self.assertEqual(run.left_out_count, len(left_out))
        self.assertEqual(left_out.partner_id, small)
        self.assertIn("Hold Invoices Below", run.left_out_reasons)
        self.assertEqual(run.outcome, "review")

    def test_what_is_not_invoiced_has_its_amount(self):
        self.bill()
        small = self.new_buyer("Small", lead_minimum_amount=100)
        self.new_sale(small, price="3.00")
        self.new_sale(self.other_buyer, price="4.00")
        self.new_sale(self.other_buyer, price="50.00", at="2026-11-12T12:00:00Z")
        self.failure.sudo().action_retry()
        self.run.sudo()._add_buyers()
        self.generate()
        run = self.as_clerk(self.run)
        failed, left_out = (
            self.open(run, button)
            for button in ("action_view_failures", "action_view_left_out")
        )
        self.assertEqual(
            (failed.partner_id, left_out.partner_id), (self.other_buyer, small)
        )
        self.assertIn("14.00", failed.not_invoiced_summary)
        self.assertEqual(run.failed_amounts, failed.not_invoiced_summary)
        self.assertIn("3.00", left_out.not_invoiced_summary)
        self.assertEqual(run.left_out_amounts, left_out.not_invoiced_summary)
        self.assertFalse(self.row_of(run, self.buyer).not_invoiced_summary)

    def test_who_failed_is_not_left_out_besides(self):
        self.bill()
        self.failure.sudo().held_back = True
        run = self.as_clerk(self.run)
        self.assertEqual((run.failed_count, run.left_out_count), (1, 0))
        self.assertFalse(self.open(run, "action_view_left_out"))
        self.assertFalse(run.left_out_amounts)

    def test_drafts_wait_to_be_posted(self):
        run = self.bill_drafts(self.buyer, self.other_buyer)
        self.assertEqual(run.draft_count, 2)
        self.assertEqual(len(self.open(run, "action_view_drafts")), 2)
        self.assertIn("20.00", run.draft_amounts)
        self.assertEqual(run.outcome, "draft")
        self.assertFalse(run.posted_count or run.posted_amounts)

    def test_not_sent_is_no_done(self):
        self.cycle.posting = "send"
        self.new_sale()
        document = self.generate().sudo()
        run = self.as_clerk(document.lead_run_id)
        document._set_lead_delivery("failed", "The mail server is down.")
        self.assertEqual(run.state, "done")
        self.assertEqual(run.outcome, "not_sent")
        documents = self.open(run, "action_view_not_sent")
        self.assertEqual(run.not_sent_count, len(documents))
        self.assertEqual(run.not_sent_amounts, run.buyer_ids._sum_amounts(documents))

    def assert_figures_open_what_they_count(self, run, purchased, returned, documents):
        """The figures of a run, and of the row of its only buyer, are these, and open
        as many records."""
        run.invalidate_recordset()
        row = run.buyer_ids
        for number, figure, button in (
            (purchased, "purchased_count", "action_view_purchased"),
            (returned, "returned_count", "action_view_returned"),
            (documents, "invoice_count", "action_view_invoices"),
            (1, "buyer_count", "action_view_buyers"),
            (0, "todo_count", "action_view_waiting"),
        ):
            with self.subTest(figure):
                self.assertEqual(run[figure], number)
                self.assertEqual(len(self.open(run, button)), number)
                if figure in row._fields:
                    self.assertEqual(row[figure], number)
        posted = self.open(run, "action_view_posted")
        self.assertEqual(run.action_view_posted()["display_name"], "Posted")
        self.assertEqual(run.posted_count, len(posted))
        self.assertEqual(
            run.posted_amounts,
            row._sum_amounts(posted),
        )

    def bill_two(self):
        """Bill a sale, and another one with its return; return the run."""
        self.new_sale(price="30.00")
        self.new_return(self.new_sale(price="20.00"))
        self.document = self.generate()
        return self.as_clerk(self.document.lead_run_id)

    def test_figures_after_a_reversal(self):
        run = self.bill_two()
        self.assert_figures_open_what_they_count(run, 2, 1, 1)
        self.reverse().action_post()
        self.assert_figures_open_what_they_count(run, 2, 1, 1)
        self.assertIn("30.00", run.posted_amounts)

    def test_figures_after_a_release(self):
        run = self.bill_two()
        self.reverse().action_post()
        self.document._release_credited_lead_sales("Wrong price")
        self.assertFalse(self.document.lead_sale_ids.invoice_id)
        self.assert_figures_open_what_they_count(run, 2, 1, 1)

    def test_figures_after_a_document_is_invoiced_again(self):
        run = self.bill_two()
        again = self.reverse(modify=True)
        self.assertTrue(self.document.lead_credited)
        for post in (False, True):
            with self.subTest(post=post):
                if post:
                    again.action_post()
                self.assert_figures_open_what_they_count(run, 2, 1, 2)
                self.assertEqual(run.posted_count, int(post))
                self.assertIn("30.00", run.amount_summary)
                self.assertIn("30.00", run.buyer_ids.amount_summary)

    def test_what_was_reversed_needs_no_delivery(self):
        self.cycle.posting = "send"
        self.buyer.email = False
        self.new_sale()
        self.document = self.generate().sudo()
        self.document._set_lead_delivery(*self.document._get_lead_reason_not_sent())
        run = self.as_clerk(self.document.lead_run_id)
        self.assertEqual((run.not_sent_count, run.resend_count), (1, 1))
        self.assertTrue(self.document.activity_ids)
        self.assertTrue(self.document.lead_not_delivered)
        self.reverse().action_post()
        self.env.invalidate_all()
        self.assertFalse(self.document.activity_ids)
        self.assertFalse(self.document.lead_not_delivered)
        self.assertFalse(
            self.desk["account.move"].search([("lead_not_delivered", "=", True)])
        )
        self.assertEqual((run.not_sent_count, run.resend_count), (0, 0))
        self.assertEqual(run.outcome, "done")
        row = run.buyer_ids
        self.assertFalse(row.delivery_state or row.problem)
        self.assertFalse(row._get_undelivered_documents())
        with self.assertRaises(UserError):
            run.action_resend()
        # What its last attempt comes to is no exception either.
        self.document._set_lead_delivery("failed", "The mail server is down.")
        self.assertFalse(self.document.activity_ids)

    def test_manual_run_has_a_name(self):
        run = self.env["lead.invoice.run"].sudo()
        run = run.create(
            {"company_id": self.company.id, "window_end": GENERATION, "tz": "UTC"}
        )
        self.assertIn("Manual", self.as_clerk(run).display_name)

    def test_table_has_a_fixed_number_of_queries(self):
        buyers = [self.new_buyer(f"Many {number}") for number in range(12)]
        run = self.bill_drafts(*buyers)
        names = [
            "purchased_count",
            "returned_count",
            "amount_summary",
            "document_names",
            "document_state",
            "delivery_state",
            "not_invoiced_summary",
            "problem",
        ]

        def count(items):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            items.read(names)
            return self.cr.sql_log_count - before

        rows = run.buyer_ids.browse(run.buyer_ids.ids)
        count(rows[:1])
        self.assertEqual(count(rows[:3]), count(rows))

    def open(self, run, button):
        action = getattr(run, button)()
        return self.desk[action["res_model"]].search(action["domain"])


class TestNotInvoiced(WorkbenchCommon):
    """What is shown as not invoiced is what a retry bills."""

    def fail(self, now=GENERATION):
        """Let a run of the buyer fail, and return it."""
        self.good = self.buyer.property_account_receivable_id
        self.buyer.property_account_receivable_id = self.good.copy({"active": False})
        self.assertFalse(self.generate(now))
        domain = [("partner_id", "=", self.buyer.id), ("state", "=", "failed")]
        return self.desk["lead.invoice.run.buyer"].search(domain)

    def assert_retry_bills(self, failure, sales, amount):
        self.assertIn(amount, failure.not_invoiced_summary)
        self.assertEqual(failure.run_id.failed_amounts, failure.not_invoiced_summary)
        self.buyer.property_account_receivable_id = self.good
        failure.action_retry()
        document = self.generate(self.generated_at)
        self.assertEqual(document.lead_sale_ids, sales)
        self.assertIn(amount, self.as_clerk(document.lead_run_buyer_id).amount_summary)

    def change_cycle(self, today):
        """Bill a week, then let the buyer be billed by the month, what is earlier left
        out."""
        self.new_sale()
        self.generate()
        with freeze_time(today):
            self.buyer.lead_billing_cycle_id = self.cycle.create(
                {
                    "name": "Monthly",
                    "frequency": "monthly",
                    "tz": "America/New_York",
                    "posting": "post",
                    "include_earlier": False,
                }
            )

    def test_after_a_change_of_cycle_it_begins_where_the_last_document_ended(self):
        self.change_cycle("2026-12-02")
        between = self.new_sale(price="7.00", at="2026-11-20T12:00:00Z")
        sale = self.new_sale(price="4.00", at="2026-12-03T12:00:00Z")
        failure = self.fail(datetime(2027, 1, 1, 11))
        self.assert_retry_bills(failure, between + sale, "11.00")

    def test_after_a_change_of_cycle_what_came_late_is_left_out(self):
        self.change_cycle("2026-11-12")
        with freeze_time("2026-11-13"):
            self.new_sale(price="7.00")
        sale = self.new_sale(price="4.00", at="2026-11-20T12:00:00Z")
        failure = self.fail(datetime(2026, 12, 1, 11))
        self.assert_retry_bills(failure, sale, "4.00")

    def test_a_return_of_a_sale_that_is_left_out_is_left_out(self):
        self.cycle.include_earlier = False
        late = self.new_sale(price="7.00", at="2026-10-28T12:00:00Z")
        self.new_return(late)
        sale = self.new_sale()
        self.assert_retry_bills(self.fail(), sale, "10.00")

    def test_what_has_nothing_to_give_back_is_left_out(self):
        waived = self.new_sale(price="7.00")
        back = self.new_return(waived)
        sale = self.new_sale()
        waived._waive("Goodwill")
        self.env.flush_all()
        # As another transaction may leave it, that did not see the waiver.
        self.env.cr.execute(
            "UPDATE lead_sale SET waived = FALSE WHERE id = %s", [back.id]
        )
        self.env.invalidate_all()
        self.assert_retry_bills(self.fail(), sale, "10.00")

    def test_a_buyer_that_was_added_again_counts_once(self):
        small = self.new_buyer("Small", lead_minimum_amount=100)
        self.new_sale(small, price="3.00")
        self.new_sale()
        run = self.as_clerk(self.generate().lead_run_id)
        run.sudo()._add_buyers()
        run.sudo().state = "running"
        self.generate()
        first, last = run.buyer_ids.filtered(lambda item: item.partner_id == small)
        self.assertFalse(first.not_invoiced_summary)
        self.assertIn("3.00", last.not_invoiced_summary)
        self.assertEqual(run.left_out_amounts, last.not_invoiced_summary)

    def test_it_is_told_of_a_buyer_that_belongs_to_another_company_by_now(self):
        self.new_sale()
        failure = self.fail()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET company_id = %s WHERE id = %s",
            [self.abroad.id, self.buyer.id],
        )
        self.env.invalidate_all()
        self.assertIn("10.00", failure.not_invoiced_summary)


class TestRunSteps(WorkbenchCommon):
    """Each step is the rule that documents and buyers have for it already."""

    def test_drafts_of_a_run_are_posted(self):
        run = self.bill_drafts(self.buyer, self.other_buyer)
        run.action_post()
        self.assertEqual(set(run.invoice_ids.mapped("state")), {"posted"})
        self.assertEqual(run.outcome, "done")
        with self.assertRaises(UserError):
            run.action_post()

    def test_a_step_says_how_many_documents_are_left(self):
        run = self.bill_drafts(self.buyer, self.other_buyer)
        with patch.object(lead_invoice_run_next_steps, "MAX_POSTED", 1):
            params = run.action_post()["params"]
            self.assertIn("Documents left: 1.", params["message"])
            self.assertTrue(params["sticky"])
            self.assertNotIn("left", run.action_post()["params"]["message"])
        self.assertFalse(run.draft_count)

    def test_rows_are_posted_and_sent(self):
        run = self.bill_drafts(self.buyer, self.other_buyer)
        row = self.row_of(run, self.buyer)
        row.action_post_and_send()
        self.assertEqual(row.document_state, "posted")
        self.assertEqual(row.delivery_state, "to_send")
        self.assertEqual(self.row_of(run, self.other_buyer).document_state, "draft")

    def test_a_row_that_waits_to_be_confirmed_has_a_button_for_it(self):
        rows = self.desk["lead.invoice.run.buyer"]
        for kind, place in (("list", "/list"), ("kanban", "//t[@t-name='card']//div")):
            view = self.env.ref(f"lead_invoicing.lead_invoice_run_buyer_view_{kind}")
            arch = etree.fromstring(rows.get_view(view.id, kind)["arch"])
            (button,) = arch.xpath(f"{place}/button[@name='action_post']")
            with self.subTest(kind):
                self.assertEqual(button.get("invisible"), "document_state != 'draft'")
        row = self.bill_drafts(self.buyer).buyer_ids
        row.action_post()
        self.assertEqual(row.document_state, "posted")

    def test_what_is_to_be_reviewed_is_posted_once_it_is_approved(self):
        self.company.lead_review_zero_price = True
        self.new_sale(price=0)
        run = self.bill_drafts(self.buyer, posting="post")
        row = self.row_of(run, self.buyer)
        self.assertEqual(row.document_state, "review")
        with self.assertRaises(UserError):
            run.action_post()
        self.assertEqual(
            self.desk["account.move"].search(row.action_review()["domain"]),
            row.invoice_ids,
        )
        row.action_approve()
        self.assertEqual(row.document_state, "draft")
        self.assertFalse(row.problem)
        self.assertFalse(row.invoice_ids.sudo().activity_ids)
        self.assertIn("approved", row.invoice_ids.sudo().message_ids[0].body)
        with self.assertRaises(UserError):
            row.action_approve()
        run.action_post()
        self.assertEqual(row.document_state, "posted")

    def test_review_leads_to_the_leads_in_question(self):
        self.company.lead_review_zero_price = True
        self.company.lead_review_same_lead = True
        free = self.new_sale(price=0)
        twice = self.new_sale(lead_ref="L1") + self.new_sale(lead_ref="L1")
        returned = self.new_sale(lead_ref="L2")
        self.new_return(returned)
        self.new_sale(lead_ref="L2")
        run = self.bill_drafts(self.buyer, posting="post")
        document = run.invoice_ids
        self.assertIn("more than once: 1 (L1)", document.lead_review_reason)
        action = document.action_lead_view_doubtful()
        self.assertEqual(self.desk["lead.sale"].search(action["domain"]), free + twice)

    def test_what_did_not_arrive_is_sent_again_once(self):
        run = self.bill_drafts(self.buyer, posting="send")
        document = run.invoice_ids
        document.sudo()._set_lead_delivery("failed", "The mail server is down.")
        document.sudo().sending_data = False
        row = self.row_of(run, self.buyer)
        row.action_resend()
        self.assertEqual(row.delivery_state, "to_send")
        self.assertTrue(document.sudo().sending_data)
        with self.assertRaises(UserError):
            row.action_resend()

    def test_a_run_sends_again_what_failed_not_what_is_queued(self):
        run = self.bill_drafts(self.buyer, self.other_buyer, posting="send")
        queued, failed = run.invoice_ids.sudo().sorted("id")
        self.assertEqual(queued.lead_delivery_state, "to_send")
        self.assertFalse(run.resend_count)
        with self.assertRaises(UserError):
            run.action_resend()
        with self.assertRaises(UserError):
            self.as_clerk(queued.lead_run_buyer_id).action_fix()
        failed._set_lead_delivery("failed", "The mail server is down.")
        failed.sending_data = False
        self.assertEqual((run.not_sent_count, run.resend_count), (2, 1))
        with patch.object(lead_invoice_run_next_steps, "MAX_POSTED", 1):
            action = run.action_resend()
        self.assertNotIn("left", action["params"]["message"])
        self.assertTrue(failed.sending_data)
        self.assertFalse(run.resend_count)

    def test_others_can_do_nothing(self):
        run = self.bill_drafts(self.buyer)
        for user in (self.plain_user, self.accountant, self.stranger):
            for name in ("action_post", "action_stop", "action_go_on", "action_retry"):
                with (
                    self.subTest(user=user.login, name=name),
                    self.assertRaises(AccessError),
                ):
                    getattr(run.with_user(user), name)()
            with self.assertRaises(AccessError):
                run.buyer_ids.with_user(user).action_post()
        self.assertEqual(run.invoice_ids.state, "draft")


class TestRunFix(WorkbenchCommon):
    """A dialog with just what failed, which retries on saving."""

    def open_dialog(self, row):
        action = row.action_fix()
        dialog = row.env[action["res_model"]].with_context(**action["context"])
        return dialog.create({})

    def leave_undelivered(self, buyer):
        """Bill this buyer by a document that no way of sending applies to; return its
        row."""
        run = self.bill_drafts(buyer, posting="send")
        document = run.invoice_ids.sudo()
        document.sending_data = False
        document._set_lead_delivery(*document._get_lead_reason_not_sent())
        return self.row_of(run, buyer)

    def fix(self, row, **values):
        wizard = self.open_dialog(row)
        kinds = wizard.kinds
        wizard.write(values)
        wizard.action_save()
        return kinds

    def test_archived_account(self):
        self.bill()
        row = self.as_clerk(self.failure)
        other = self.receivable.copy({"active": True})
        self.assertEqual(self.fix(row, receivable_account_id=other.id), "receivable")
        self.assertEqual(row.state, "todo")
        invoice = self.generate(GENERATION)
        self.assertEqual(invoice.partner_id, self.other_buyer)

    def test_hold(self):
        self.cycle.posting = "post"
        self.new_sale()
        run = self.env["lead.invoice.run"]
        run = run.sudo()._open_scheduled_run(
            self.cycle, *self.cycle._get_window(GENERATION)
        )
        self.buyer.lead_billing_hold = True
        self.generate()
        row = self.row_of(self.as_clerk(run), self.buyer)
        self.assertEqual(row.state, "failed")
        self.assertEqual(self.fix(row), "hold")
        self.assertFalse(self.buyer.lead_billing_hold)
        self.assertEqual(row.state, "todo")

    def test_hold_of_another_company(self):
        self.cycle.posting = "post"
        self.new_sale()
        run = self.env["lead.invoice.run"].sudo()
        run = run._open_scheduled_run(self.cycle, *self.cycle._get_window(GENERATION))
        self.buyer.lead_billing_hold = True
        self.generate()
        abroad = self.buyer.with_company(self.abroad)
        abroad.lead_billing_hold = True
        self.clerk.company_ids += self.abroad
        both = [self.abroad.id, self.company.id]
        row = self.row_of(self.as_clerk(run), self.buyer)
        self.fix(row.with_context(allowed_company_ids=both))
        self.assertFalse(self.buyer.lead_billing_hold)
        self.assertTrue(abroad.lead_billing_hold)

    def test_product_without_account(self):
        product = self.edu_product.sudo().with_company(self.company)
        account = product._get_product_accounts()["income"]
        bad = account.copy()
        product.property_account_income_id = bad
        bad.active = False
        self.new_sale()
        self.generate()
        row = self.desk["lead.invoice.run.buyer"].search([("state", "=", "failed")])
        self.assertEqual(self.fix(row, income_account_id=account.id), "income")
        self.assertEqual(product.property_account_income_id, account)
        self.assertTrue(self.generate(GENERATION))

    def test_only_what_is_broken_can_be_changed(self):
        """The dialog of one trouble cannot be used to change another thing."""
        self.bill()
        row = self.as_clerk(self.failure)
        product = self.edu_product.sudo().with_company(self.company)
        before = product.property_account_income_id
        income = self.env["account.account"].search(
            [("internal_group", "=", "income")], limit=1
        )
        other = self.receivable.copy({"active": True})
        self.fix(
            row,
            receivable_account_id=other.id,
            income_account_id=income.id,
            email="other@example.com",
        )
        self.assertEqual(product.property_account_income_id, before)
        self.assertNotEqual(self.other_buyer.email, "other@example.com")

    def test_missing_email_address(self):
        self.buyer.email = False
        row = self.leave_undelivered(self.buyer)
        self.assertEqual(self.fix(row, email="new@example.com"), "email")
        self.assertEqual(self.buyer.email, "new@example.com")
        self.assertEqual(row.delivery_state, "to_send")

    def test_the_email_address_is_that_of_who_gets_the_invoices(self):
        clerk = self.env["res.partner"].create(
            {"name": "Accounts Payable", "parent_id": self.buyer.id}
        )
        self.buyer.lead_invoice_recipient_ids = clerk
        row = self.leave_undelivered(self.buyer)
        self.assertIn("Accounts Payable has no email address", row.problem)
        dialog = self.open_dialog(row)
        self.assertEqual(dialog.address_id, clerk)
        self.assertFalse(dialog.email)
        before = self.buyer.email
        self.fix(row, email="payable@example.com")
        self.assertEqual(clerk.email, "payable@example.com")
        self.assertEqual(self.buyer.email, before)

    def test_the_email_address_is_that_which_bounced(self):
        ways = self.env["res.partner"].create(
            [
                {"name": name, "parent_id": self.buyer.id, "email": f"{name}@b.example"}
                for name in ("first", "second")
            ]
        )
        self.buyer.lead_invoice_recipient_ids = ways
        run = self.bill_drafts(self.buyer, posting="send")
        document = run.invoice_ids.sudo()
        document.sending_data = False
        document._set_lead_delivery("failed", "It bounced.")
        message = document.message_post(partner_ids=ways.ids)
        bounced = message.notification_ids.filtered(
            lambda notification: notification.res_partner_id == ways[1]
        )
        bounced.notification_status = "bounce"
        dialog = self.open_dialog(self.row_of(run, self.buyer))
        self.assertEqual(dialog.address_id, ways[1])
        self.assertEqual(dialog.email, "second@b.example")

    def test_what_is_to_be_billed_is_planned_once(self):
        self.bill()
        row = self.as_clerk(self.failure)
        plans = []
        plan = type(row)._plan_documents

        def count(items):
            plans.append(items)
            return plan(items)

        with patch.object(type(row), "_plan_documents", count):
            self.open_dialog(row).read(["kinds", "product_id", "address_id"])
        self.assertEqual(len(plans), 1)

    def test_unknown_trouble_has_a_link(self):
        self.bill()
        self.receivable.active = True
        row = self.as_clerk(self.failure)
        self.assertFalse(self.fix(row))
        self.assertEqual(row.state, "todo")

    def test_nothing_to_fix(self):
        run = self.bill_drafts(self.buyer)
        with self.assertRaises(UserError):
            run.buyer_ids.action_fix()

    def test_others_are_told_nothing(self):
        self.bill()
        dialogs = self.env["lead.invoice.run.fix"].with_user(self.stranger)
        for name in ("partner_id", "problem", "company_id", "kinds", "address_id"):
            with self.subTest(name), self.assertRaises(AccessError):
                dialogs.create({"item_id": self.failure.id}).read([name])
            opened = dialogs.with_context(default_item_id=self.failure.id)
            with (
                self.subTest(f"{name} as it is opened"),
                self.assertRaises(AccessError),
            ):
                opened.onchange({}, [], {"item_id": {}, name: {}})

    def test_others_cannot_fix(self):
        self.bill()
        for user in (self.stranger, self.accountant):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self.env["lead.invoice.run.fix"].with_user(user).create(
                    {"item_id": self.failure.id}
                ).action_save()


class TestRunStopping(WorkbenchCommon):
    """A person stops a run and has it go on; nothing is billed twice or forgotten."""

    def open_run(self):
        self.cycle.posting = "post"
        self.new_sale()
        self.new_sale(self.other_buyer)
        window = self.cycle._get_window(GENERATION)
        run = self.env["lead.invoice.run"].sudo()
        with freeze_time(GENERATION):
            run = run._open_scheduled_run(self.cycle, *window)
            self.cycle.next_generation_at = GENERATION + timedelta(days=7)
        return self.as_clerk(run)

    def test_stopped_run_waits_for_a_person(self):
        run = self.open_run()
        run.action_stop()
        self.assertEqual(run.state, "stopped")
        self.assertIn(self.clerk.name, run.message)
        self.assertFalse(self.generate())
        self.assertEqual(run.state, "stopped")
        run.action_go_on()
        self.assertEqual((run.state, run.is_stopped_by_hand), ("running", False))
        self.assertEqual(len(self.generate()), 2)
        self.assertEqual(run.state, "done")

    def test_clicking_twice_changes_nothing(self):
        run = self.open_run()
        run.action_stop()
        messages = len(run.sudo().message_ids)
        run.action_stop()
        self.assertEqual(len(run.sudo().message_ids), messages)
        run.action_go_on()
        run.action_go_on()
        self.assertEqual(run.state, "running")
        self.generate()
        run.action_stop()
        self.assertEqual(run.state, "done")

    def test_stop_that_comes_too_late_stops_nothing(self):
        run = self.open_run()
        run.action_stop()
        run.buyer_ids.sudo().write({"state": "skipped"})
        self.generate()
        self.assertEqual(run.state, "done")

    def test_pace(self):
        run = self.open_run()
        self.assertEqual(run.pace, "0 of 2 buyers")
        self.assertFalse(run._get_speeds())
        first = run.buyer_ids[0].sudo()
        first.state = "done"
        first.flush_recordset()
        self.cr.execute(
            "UPDATE lead_invoice_run_buyer SET write_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(minutes=1), first.id],
        )
        run.invalidate_recordset()
        self.assertIn("1 of 2 buyers, 1 a minute, about a minute left", run.pace)


class TestPreview(WorkbenchCommon):
    """Invoice Leads says what will be invoiced, before tax, and what is left out."""

    def test_left_out_is_not_added_in(self):
        self.new_sale(price="20.00")
        self.new_sale(self.other_buyer, price="30.00")
        self.other_buyer.lead_billing_hold = True
        wizard = self.desk["lead.invoice.wizard"].create({"date_to": "2026-11-30"})
        wizard.action_preview()
        self.assertIn("Buyers: 1. Leads purchased: 1", wizard.summary)
        self.assertIn("20.00", wizard.summary)
        self.assertIn("before tax", wizard.summary)
        self.assertIn("30.00", wizard.left_out_summary)
        self.assertNotIn("50.00", wizard.summary + wizard.left_out_summary)


class TestNotices(WorkbenchCommon):
    """What is unusual is said where it is set, and stays there."""

    def test_cycle_says_its_gap_and_its_delay(self):
        self.assertFalse(self.cycle.schedule_notice)
        self.cycle.write(
            {"window_end_day": "5", "window_end_time": 0, "generation_day": "4"}
        )
        self.assertIn("billing periods: 2.", self.cycle.schedule_notice)
        self.assertIn("6 days after", self.cycle.schedule_notice)
        self.cycle.include_earlier = False
        self.assertIn("stay in Unbilled", self.cycle.schedule_notice)

    def test_buyer_says_that_its_last_invoice_failed(self):
        self.bill()
        self.assertIn("archived", self.as_clerk(self.other_buyer).lead_billing_notice)
        self.assertFalse(self.as_clerk(self.buyer).lead_billing_notice)

    def test_buyer_says_that_its_cycle_has_changed(self):
        self.bill()
        self.buyer.lead_billing_cycle_id = self.cycle.copy({"name": "Other"})
        notice = self.as_clerk(self.buyer).lead_billing_notice
        self.assertIn("created by Weekly, through 11/08/2026", notice)
