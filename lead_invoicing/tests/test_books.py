from datetime import timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common.generation import GENERATION, MONDAY, WEEK, GenerationCommon


@tagged("post_install", "-at_install")
class TestBooks(GenerationCommon):
    """Check the Books: each rule is broken in SQL, and found, alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.books = cls.env["lead.invoice.run"]
        cls.sale = cls._record("S1")
        cls.other_sale = cls._record("S2", price="30.00")
        cls.back = cls._record("R1", "S1", price="4.00")
        cls.week = cls._invoice(MONDAY, MONDAY + WEEK)
        cls.item = cls.week.buyer_ids
        cls.move = cls.week.invoice_ids
        cls.lines = cls.move.invoice_line_ids
        cls.waiting = cls._record("S3", occurred_at="2026-11-12T12:00:00Z")

    @classmethod
    def _record(cls, external_ref, origin=None, **vals):
        vals = {
            "external_ref": external_ref,
            "type": "return" if origin else "sale",
            "occurred_at": "2026-11-04T12:00:00Z",
            "buyer_ref": cls.buyer.ref,
            "lead_type": "EDU",
            "price": "10.00",
            **({"origin_external_ref": origin} if origin else {}),
            **vals,
        }
        with freeze_time("2026-12-31 12:00"):
            (answer,) = cls.env["lead.sale"].record_transactions([vals])
        assert answer["status"] == "created", answer["message"]
        return cls.env["lead.sale"].browse(answer["id"])

    @classmethod
    def _invoice(cls, start, end):
        """Invoice a window as the scheduled action does, in one transaction."""
        generation = end + (GENERATION - MONDAY - WEEK)
        with freeze_time(generation):
            run = cls.books.sudo()._open_scheduled_run(cls.cycle, start, end)
            if run.buyer_ids:
                run.buyer_ids._generate()
            run._update_state()
            cls.cycle.next_generation_at = generation + WEEK
        return run.sudo(False)

    def check(self):
        with freeze_time(GENERATION + timedelta(hours=1)):
            return self.books.check_books()

    def assert_found(self, *rules):
        self.env.flush_all()
        findings = self.check()
        self.assertEqual([finding["rule"] for finding in findings], list(rules))
        return findings

    def change(self, record, **values):
        """Write past all that guards a record."""
        self.env.flush_all()
        for name, value in values.items():
            self.env.cr.execute(
                f"UPDATE {record._table} SET {name} = %s WHERE id IN %s",
                [value, tuple(record.ids)],
            )
        self.env.invalidate_all()

    def _invoice_other_buyer(self):
        self.new_sale(self.new_buyer("Buyer B"), at="2026-11-11T12:00:00Z")
        return self._invoice(MONDAY + WEEK, MONDAY + 2 * WEEK).invoice_ids.filtered(
            lambda move: move.commercial_partner_id != self.buyer
        )

    def new_invoice(self, **vals):
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.buyer.id,
                "invoice_line_ids": [Command.create({"name": "x", "price_unit": 1})],
                **vals,
            }
        )

    def reverse(self, move):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": move.date})
        )
        wizard.refund_moves()
        wizard.new_move_ids.filtered(lambda m: m.state == "draft").action_post()
        return wizard.new_move_ids

    # The method

    def test_each_rule_has_a_name_of_its_own(self):
        names = [rule.name for rule in self.books._get_books_rules()]
        self.assertEqual(len(set(names)), len(names))

    def test_only_managers_check_the_books(self):
        with freeze_time(GENERATION):
            self.assertEqual(self.books.with_user(self.manager).check_books(), [])
        for user in (
            self.billing_user,
            self.integrator,
            self.plain_user,
            self.portal_user,
        ):
            with self.assertRaises(AccessError):
                self.books.with_user(user).check_books()

    def test_a_finding_names_what_and_what_to_do(self):
        self.change(self.sale, amount=11)
        finding = self.assert_found("edited", "transaction_amount")[1]
        self.assertEqual(finding["model"], "lead.sale")
        self.assertEqual(finding["ids"], self.sale.ids)
        self.assertIn(self.sale.external_ref, finding["message"])
        self.assertIn("Found: 1", finding["message"])

    def test_only_the_first_hundred_of_a_rule_are_named(self):
        self.env.cr.execute(
            """
            INSERT INTO lead_sale (external_ref, transaction_type, partner_id,
                commercial_partner_id, lead_type_id, company_id, currency_id, price,
                amount, date, waived, create_date)
            SELECT 'MANY' || n, 'sale', partner_id, commercial_partner_id,
                   lead_type_id, company_id, currency_id, price, price + 1, date,
                   FALSE, create_date
              FROM lead_sale, generate_series(1, 120) AS n WHERE id = %s
            """,
            [self.sale.id],
        )
        (finding,) = self.assert_found("transaction_amount")
        self.assertEqual(len(finding["ids"]), 100)
        self.assertIn("Found: 120", finding["message"])

    def test_another_company_is_not_told_of(self):
        self.change(self.waiting, amount=11)
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.manager.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        self.assertEqual(self.books.with_user(self.manager).check_books(), [])

    # Exactly once

    def test_transactions_on_a_canceled_document(self):
        self.move.button_draft()
        self.change(self.move, state="cancel")
        self.change(self.move.line_ids, parent_state="cancel")
        self.assert_found("transaction_on_canceled_document")

    def test_transactions_on_an_invoice_that_no_run_made(self):
        invoice = self.new_invoice()
        self.change(self.waiting, invoice_line_id=invoice.invoice_line_ids.id)
        (finding,) = self.assert_found("transaction_outside_run")
        self.assertEqual(finding["ids"], self.waiting.ids)

    def test_a_waived_transaction_that_is_billed(self):
        self.change(self.sale, waived=True)
        self.assert_found("transaction_waived_and_billed")

    def test_a_transaction_on_a_line_of_another_lead_type(self):
        self.change(self.lines[0], lead_type_id=self.auto.id)
        self.assert_found("transaction_differs_from_line")

    def test_a_transaction_that_was_sold_after_its_billing_period(self):
        self.change(self.other_sale, date=MONDAY + WEEK)
        self.assert_found("transaction_outside_period")

    def test_a_transaction_on_a_document_of_another_buyer(self):
        self.change(self.other_sale, commercial_partner_id=self.other_buyer.id)
        self.change(self.other_buyer, write_date=self.move.create_date - WEEK)
        self.assert_found("transaction_of_another_buyer")
        # Who was changed since may have left; but this document is nobody's else.
        self.change(self.other_buyer, write_date=self.move.create_date)
        self.assert_found()
        self.change(self.move, commercial_partner_id=self.env.user.partner_id.id)
        self.assert_found("transaction_of_another_buyer")

    def test_a_buyer_that_joined_another_company_takes_its_documents_along(self):
        self.buyer.parent_id = self.other_buyer
        self.buyer.is_company = False
        self.assertEqual(self.buyer.commercial_partner_id, self.other_buyer)
        self.assert_found()

    def test_a_lead_line_outside_a_run(self):
        invoice = self.new_invoice()
        self.change(
            invoice.invoice_line_ids,
            lead_type_id=self.edu.id,
            lead_transaction_type="sale",
        )
        self.assert_found("line_outside_run")

    def test_a_transaction_that_left_its_line(self):
        self.change(self.other_sale, invoice_line_id=None)
        self.assert_found("line_without_transactions")

    def test_a_line_that_says_another_number_of_leads(self):
        line = self.other_sale.invoice_line_id
        self.change(line, lead_count=7)
        self.assert_found("line_count")

    def test_a_transaction_on_another_line_of_its_price(self):
        line = self.other_sale.invoice_line_id
        self.change(self.waiting, invoice_line_id=line.id, date=self.sale.date)
        self.assert_found("line_count", "tie_out")

    def test_a_draft_whose_leads_were_released(self):
        self.move.button_cancel()
        self.assert_found()
        self.move.button_draft()
        (finding,) = self.assert_found("draft_without_transactions")
        self.assertEqual(set(finding["ids"]), set(self.lines.ids))

    def test_a_line_in_another_state_than_its_document(self):
        self.change(self.lines[0], parent_state="draft")
        self.assert_found("line_state")

    def test_a_document_of_another_run(self):
        self.change(self.move, lead_window_end=MONDAY)
        self.assert_found("transaction_outside_period", "document_of_run")

    def test_a_posted_document_that_does_not_know_since_when(self):
        self.change(self.move, lead_posted_at=None)
        self.assert_found("posting_moment")

    def test_leads_released_from_a_document_that_nothing_gives_back(self):
        self.env["lead.sale.release"]._log(self.move, "by mistake")
        self.change(self.sale | self.other_sale | self.back, invoice_line_id=None)
        self.assert_found("released_but_billed")

    # The money ties out

    def test_an_edited_line_is_told_as_such(self):
        self.move.button_draft()
        self.lines[0].discount = 50
        (finding,) = self.assert_found("edited")
        self.assertEqual(finding["ids"], self.move.ids)

    def test_a_fee_is_no_difference(self):
        self.move.button_draft()
        self.move.invoice_line_ids = [
            Command.create({"name": "Fee", "price_unit": 5, "tax_ids": []})
        ]
        self.assert_found()

    # Windows tile

    def test_a_billing_period_that_ends_before_it_begins(self):
        self.change(self.week, window_start=MONDAY + WEEK)
        self.assert_found("window_order")

    def test_billing_periods_that_overlap(self):
        self._invoice(MONDAY + WEEK, MONDAY + 2 * WEEK)
        later = self.waiting.invoice_id.lead_run_id
        self.assert_found()
        self.change(later, window_start=MONDAY)
        (finding,) = self.assert_found("windows_overlap")
        self.assertEqual(finding["ids"], later.ids)

    def test_a_changed_schedule_may_begin_within_its_last_period(self):
        with freeze_time(GENERATION + timedelta(days=1)):
            self.cycle.write(
                {
                    "window_start_day": "2",
                    "window_end_day": "2",
                    "generation_day": "3",
                }
            )
        start, end, _generation = self.cycle._get_next_window()
        self.assertLess(start, self.week.window_end)
        self._invoice(start, end)
        self.assert_found()

    def test_a_cycle_that_is_due_since_days(self):
        self.change(self.cycle, next_generation_at=GENERATION - timedelta(days=3))
        self.assert_found("cycle_overdue")

    # Nothing is forgotten

    def test_a_transaction_that_no_run_looked_at(self):
        partner = self.new_buyer("Overlooked")
        sale = self.new_sale(partner)
        self.assert_found()
        past = GENERATION - timedelta(hours=1)
        self.change(sale, create_date=past)
        self.change(partner, write_date=past)
        self.change(self.company, write_date=past)
        (finding,) = self.assert_found("forgotten")
        self.assertEqual(finding["ids"], sale.ids)

    def test_work_that_a_closed_run_left(self):
        self.change(self.item, state="todo")
        self.assert_found("work_left")

    def test_a_run_that_is_open_with_nothing_to_do(self):
        self.change(self.week, state="running")
        self.assert_found("run_state")

    def test_a_failure_that_nobody_is_told_of(self):
        self.buyer.lead_billing_hold = True
        self.week.sudo().state = "failed"
        self.item.sudo()._set_failed("On hold.")
        self.assert_found()
        self.change(self.item, message=None)
        self.assert_found("silent_failure")
        self.change(self.item, message="On hold.")
        self.buyer.activity_ids.unlink()
        self.assert_found("silent_failure")

    def test_a_stopped_run_without_a_reason(self):
        self.week.sudo()._stop("No sales journal.")
        self.assert_found()
        self.change(self.week, message=None)
        self.assert_found("silent_stop")

    # Recorded is frozen

    def test_a_changed_price(self):
        self.change(self.waiting, price=11)
        self.assert_found("transaction_amount")

    def test_a_return_of_another_currency_than_its_sale(self):
        back = self.new_return(self.waiting, at="2026-11-13T12:00:00Z")
        self.assert_found()
        self.change(back, currency_id=self.env.ref("base.EUR").id)
        (finding,) = self.assert_found("return_of_sale")
        self.assertEqual(finding["ids"], back.ids)

    def test_a_return_before_its_sale(self):
        self.change(self.back, date=self.sale.date - timedelta(hours=1))
        self.assert_found("return_of_sale")

    def test_returns_of_more_than_the_price(self):
        back = self.new_return(self.waiting, at="2026-11-13T12:00:00Z")
        self.change(back, price=11, amount=-11)
        (finding,) = self.assert_found("returned_too_much")
        self.assertEqual(finding["ids"], self.waiting.ids)

    def test_a_price_adjustment_that_counts_as_a_lead_returned(self):
        back = self.new_return(self.waiting, "4.00", at="2026-11-13T12:00:00Z")
        self.change(back, price_adjustment=False)
        self.assert_found("price_adjustment")

    # Money is given back once

    def test_a_reversed_document_and_returns_of_its_leads(self):
        self.company.lead_return_policy = "net"
        self.new_return(self.other_sale, at="2026-11-12T13:00:00Z")
        self._invoice(MONDAY + WEEK, MONDAY + 2 * WEEK)
        note = self.reverse(self.move)
        self.assert_found()
        self.change(note, amount_total=self.move.amount_total)
        self.assert_found("given_back_twice")

    def test_a_document_that_counts_as_credited_is(self):
        self.change(self.move, lead_credited=True)
        self.assert_found("credited_in_part")

    def test_a_reversed_document_is_whole(self):
        self.reverse(self.move)
        self.assertTrue(self.move.lead_credited)
        self.assert_found()

    # Receipts and sending

    def test_a_receipt_that_is_not_paid(self):
        self.change(self.move, lead_is_receipt=True)
        self.assert_found("receipt_not_paid")

    def test_a_document_that_waits_to_be_sent_since_days(self):
        self.change(
            self.move,
            lead_delivery_state="to_send",
            lead_posted_at=GENERATION - timedelta(days=3),
        )
        self.assert_found("to_send_for_long")

    def test_a_draft_that_waits_to_be_sent(self):
        self.move.button_draft()
        self.change(self.move, lead_delivery_state="to_send")
        self.assert_found("delivery_of_draft")

    def test_a_document_that_is_said_to_be_sent_and_never_was(self):
        other = self._invoice_other_buyer()
        self.env["lead.delivery.attempt"].sudo().create(
            {"move_id": other.id, "methods": "email"}
        )
        self.change(
            self.env["lead.delivery.attempt"].sudo().search([]), create_date=MONDAY
        )
        self.change(self.move | other, lead_delivery_state="sent")
        (finding,) = self.assert_found("sent_without_attempt")
        self.assertEqual(finding["ids"], self.move.ids)

    # Companies

    def test_a_lead_type_that_moved_to_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.change(self.edu, company_id=other.id)
        self.assert_found("company_of_transaction")

    def test_a_cycle_that_moved_to_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.change(self.cycle, company_id=other.id)
        self.assert_found("company_of_run", "company_of_cycle")

    def test_a_note_of_another_company(self):
        self.waiting._waive("goodwill")
        self.assert_found()
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.change(self.waiting.waiver_ids, company_id=other.id)
        self.assert_found("company_of_record")

    # The list and the scheduled action

    def test_the_list_opens_what_was_found(self):
        findings = self.env["lead.books.finding"].with_user(self.manager)
        with freeze_time(GENERATION):
            action = findings.action_check()
        self.assertFalse(findings.search(action["domain"]))
        self.change(self.waiting, amount=11)
        with freeze_time(GENERATION):
            action = findings.action_check()
        finding = findings.search(action["domain"])
        self.assertEqual(finding.rule, "transaction_amount")
        opened = finding.action_view_records()
        self.assertEqual(opened["res_model"], "lead.sale")
        self.assertEqual(self.env["lead.sale"].search(opened["domain"]), self.waiting)

    def run_job(self):
        with (
            freeze_time(GENERATION + timedelta(hours=1)),
            self.enter_registry_test_mode(),
        ):
            self.env.ref("lead_invoicing.ir_cron_check_books").method_direct_trigger()
        self.env.invalidate_all()

    def test_the_scheduled_action_is_quiet_when_all_holds(self):
        activities = self.company.partner_id.activity_ids
        self.run_job()
        self.assertEqual(self.company.partner_id.activity_ids, activities)

    def test_the_scheduled_action_raises_one_activity_while_something_is_wrong(self):
        self.change(self.waiting, amount=11)
        for _week in range(2):
            self.run_job()
            activity = self.company.partner_id.activity_ids
            self.assertEqual(len(activity), 1)
            self.assertIn(self.waiting.external_ref, activity.note)
        self.change(self.waiting, amount=10)
        self.run_job()
        self.assertFalse(self.company.partner_id.activity_ids)
