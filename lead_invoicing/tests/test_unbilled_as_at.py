import random
from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.as_at import STEPS, AsAtCommon, HistoryCommon
from .common.generation import GENERATION, WEEK
from .common.unbilled import SECOND

NEW_YORK = ZoneInfo("America/New_York")


@tagged("post_install", "-at_install")
class TestUnbilledAsAt(AsAtCommon):
    """What was unbilled at a month's end is told the same afterwards."""

    def test_the_end_of_a_day_in_the_company_s_time_zone(self):
        self.new_sale(at="2026-11-06T04:59:59Z")  # 5 November in New York
        self.new_sale(at="2026-11-06T05:00:00Z", lead_type="AUTO")
        self.assertEqual(
            self.answer(date(2026, 11, 5)), {("Buyer A", "EDU", "0_7"): (1, 10)}
        )
        self.assertEqual(len(self.answer(date(2026, 11, 6))), 2)

    def test_asked_after_everything_was_billed(self):
        self.cycle.posting = "post"
        other = self.new_buyer("Buyer B")
        sales = self.new_sale() + self.new_sale(price="4.20") + self.new_sale(other)
        self.new_return(sales[0], price="2.50")
        self.new_sale(at="2026-09-01T12:00:00Z")
        self.new_sale(at=SECOND)
        days = [date(2026, 10, 31)] + [date(2026, 11, day) for day in (5, 8, 9, 12)]
        before = [self.answer(day) for day in days[:3]]
        self.generate()
        self.generate(GENERATION + WEEK)
        self.assertFalse(self.env["lead.unbilled"].search([]))
        self.assertEqual([self.answer(day) for day in days[:3]], before)
        for day in days:
            with self.subTest(day=day):
                self.assertEqual(
                    sum(amount for _count, amount in self.answer(day).values()),
                    self.sum_unbilled(day),
                )

    def sum_unbilled(self, day):
        """Return the sum of another query, that knows of no index and no union."""
        self.env.cr.execute(
            """
            SELECT COALESCE(sum(sale.amount), 0)
              FROM lead_sale sale
              LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
             WHERE sale.company_id = %(company)s
               AND (sale.date AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::date
                   <= %(day)s
               AND sale.waived IS NOT TRUE
               AND (line.id IS NULL OR line.date > %(day)s)
            """,
            {"company": self.company.id, "day": day},
        )
        return float(self.env.cr.fetchone()[0])

    def test_what_is_recorded_or_posted_later_was_not_known(self):
        with self.at(datetime(2026, 11, 5)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
        with self.at(datetime(2026, 11, 20)):
            self.new_sale(lead_type="AUTO")
        with self.at(datetime(2026, 11, 21)):
            # With an accounting date long before.
            invoice.invoice_date = date(2026, 11, 5)
            invoice.action_post()
        day = date(2026, 11, 6)
        degree, auto = ({("Buyer A", code, "0_7"): (1, 10)} for code in ("EDU", "AUTO"))
        self.assertFalse(self.answer(day, datetime(2026, 11, 4)))
        self.assertEqual(self.answer(day, datetime(2026, 11, 10)), degree)
        self.assertEqual(self.answer(day, datetime(2026, 11, 20)), degree | auto)
        self.assertEqual(self.answer(day), auto)
        self.assertEqual(self.answer(date(2026, 11, 4)), degree | auto)

    def test_a_draft_is_not_billed(self):
        self.new_sale()
        self.generate()
        self.assertTrue(self.answer(date(2026, 11, 30)))

    def test_a_document_that_is_taken_back_was_in_the_books(self):
        with self.at(datetime(2026, 11, 5)):
            sale = self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
        for number, take_back in enumerate(["button_draft", "button_cancel"]):
            with self.at(datetime(2026, 11, 6 + 2 * number)):
                invoice.action_post()
            self.assertEqual(invoice.lead_posted_at.day, 6 + 2 * number)
            with self.at(datetime(2026, 11, 7 + 2 * number)):
                getattr(invoice, take_back)()
            self.assertFalse(invoice.lead_posted_at)
        with self.at(datetime(2026, 11, 15)):
            invoice.unlink()
        was_unbilled = [
            bool(self.answer(date(2026, 11, 20), datetime(2026, 11, day, 12)))
            for day in range(5, 11)
        ]
        self.assertEqual(was_unbilled, [True, False, True, False, True, True])
        self.assertEqual(
            [(past.date.day, past.posted_at.day) for past in sale.past_billing_ids],
            [(4, 8), (4, 6)],
        )
        with self.assertRaisesRegex(UserError, "Waive it"):
            sale.unlink()

    def test_a_line_that_is_deleted_from_the_books_was_in_them(self):
        with self.at(datetime(2026, 11, 5)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
        with self.at(datetime(2026, 11, 10)):
            invoice.with_context(force_delete=True).unlink()
        self.assertFalse(self.answer(date(2026, 11, 6), datetime(2026, 11, 9)))
        self.assertTrue(self.answer(date(2026, 11, 6)))

    def test_a_row_released_later_was_on_its_document(self):
        with self.at(datetime(2026, 11, 9, 12)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 8))
            invoice.action_post()
        with self.at(datetime(2026, 11, 15, 12)):
            self.reverse(invoice)
            invoice._release_credited_lead_sales("Wrong company")
        self.assertTrue(self.answer(date(2026, 11, 8)))
        self.assertFalse(self.answer(date(2026, 11, 10)))
        self.assertTrue(self.answer(date(2026, 11, 15)))
        # Not known on the 14th, and so it is not at the end of the 15th either.
        self.assertFalse(self.answer(date(2026, 11, 15), datetime(2026, 11, 14)))

    def test_a_waiver_counts_from_when_it_was_decided(self):
        with self.at(datetime(2026, 11, 5)):
            sale = self.new_sale()
        with self.at(datetime(2026, 11, 10)):
            sale._waive("Goodwill")
        with self.at(datetime(2026, 11, 20)):
            sale._unwaive("Mistake")
        day = date(2026, 11, 8)
        self.assertTrue(self.answer(day, datetime(2026, 11, 9)))
        self.assertFalse(self.answer(day, datetime(2026, 11, 15)))
        self.assertTrue(self.answer(day, datetime(2026, 11, 25)))

    def test_a_return_is_waived_by_a_credit_note_from_when_it_was_posted(self):
        with self.at(datetime(2026, 11, 5)):
            sale = self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
            back = self.new_return(sale)
        with self.at(datetime(2026, 11, 10)):
            credit_note = self.reverse(invoice)
        with self.at(datetime(2026, 11, 20)):
            credit_note.button_draft()
        day = date(2026, 11, 8)
        self.assertTrue(self.answer(day, datetime(2026, 11, 9)))
        self.assertFalse(self.answer(day, datetime(2026, 11, 15)))
        self.assertTrue(self.answer(day, datetime(2026, 11, 25)))
        self.assertEqual(
            [(waiver.waived, waiver.reason) for waiver in back.waiver_ids],
            [(False, "no longer credited"), (True, "already credited")],
        )

    def open_screen(self, **vals):
        """Return the rows of the screen, as a clerk who asks there gets them."""
        wizard = self.env["lead.unbilled.as.at.wizard"].with_user(self.billing_user)
        screen = wizard.create(vals)
        screen.action_show()
        action = screen.action_view()
        self.assertIn("2026", action["name"])
        report = self.env[action["res_model"]].with_user(self.billing_user)
        return report.with_context(**action["context"]).search([])

    def test_the_screen(self):
        self.new_sale()
        rows = self.open_screen(as_at="2026-11-05")
        self.assertEqual((rows.partner_id, rows.amount), (self.buyer, 10.0))
        self.assertEqual(rows._read_group([], ["age"], ["amount:sum"]), [("0_7", 10.0)])
        for view in ("list", "kanban", "pivot", "search"):
            rows.get_view(view_type=view)
        self.assertFalse(self.open_screen(as_at="2026-11-01"))

    def test_what_is_recorded_after_it_was_shown_is_not_counted(self):
        self.new_sale()
        with self.at(datetime(2026, 11, 6)):
            wizard = self.env["lead.unbilled.as.at.wizard"].with_user(self.billing_user)
            # At the latest as of a moment that is still to come.
            screen = wizard.create({"as_at": "2026-11-05", "known_at": "2026-12-01"})
            screen.action_show()
        with self.at(datetime(2026, 11, 7)):
            self.new_sale()
            action = screen.line_ids.action_view_sales()
            self.assertEqual(screen.line_ids.sale_count, 1)
            ledger = self.env["lead.sale"].with_context(**action["context"])
            self.assertEqual(ledger.search_count(action["domain"]), 1)

    def test_another_day_is_shown_before_it_is_used(self):
        self.new_sale()
        wizard = self.env["lead.unbilled.as.at.wizard"].with_user(self.billing_user)
        screen = wizard.create({"as_at": "2026-11-05"})
        screen.action_show()
        screen.as_at = "2026-11-01"
        for action in (screen.action_view, screen.line_ids.action_view_sales):
            with self.assertRaisesRegex(UserError, "click Show"):
                action()

    def test_every_number_opens_the_transactions_behind_it(self):
        with self.at(datetime(2026, 11, 12)):
            for days in (0, 7, 8, 30, 31, 60, 61):
                at = datetime(2026, 11, 10, 12) - timedelta(days=days)
                sale = self.new_sale(at=at.isoformat() + "Z")
                self.new_sale(self.new_buyer(f"Buyer {days}"), at=at.isoformat() + "Z")
            sale._waive("Goodwill")
            waived = sale
        with self.at(datetime(2026, 11, 13)):
            self.bill(date(2026, 11, 12)).action_post()
        for known_at, expected in ((False, 13), ("2026-11-12 12:00:00", 13)):
            rows = self.open_screen(as_at="2026-11-11", known_at=known_at)
            self.assertEqual(len(rows), 4 + 7)
            found = self.env["lead.sale"]
            for row in rows:
                action = row.action_view_sales()
                ledger = self.env["lead.sale"].with_user(self.billing_user)
                ledger = ledger.with_context(**action["context"])
                sales = ledger.search(action["domain"])
                self.assertEqual(len(sales), row.sale_count)
                self.assertEqual(sum(sales.mapped("amount")), row.amount)
                self.assertEqual(sales.mapped("was_unbilled"), [True] * len(sales))
                found += sales
            self.assertEqual(len(found), expected)
            self.assertNotIn(waived, found)
            others = ledger.search([("was_unbilled", "=", False)])
            self.assertEqual(others, waived)
            self.assertFalse(others.was_unbilled)


@tagged("post_install", "-at_install")
class TestTheSameAnswerForEver(HistoryCommon):
    """Whatever happens afterwards, what was unbilled at a moment is told the same."""

    def test_histories(self):
        done = Counter()
        for seed in range(2):
            with self.subTest(seed=seed):
                done += self.try_history(random.Random(seed), 60)
        # Histories in which nothing happens show nothing.
        self.assertGreater(min(done[name] for name in STEPS), 1, done)

    def try_history(self, chance, length):
        """Do so much at random, ask each time, and ask all again in the end.

        :return: a Counter of what was done
        """
        done = Counter()
        answers = {}
        now = datetime(2026, 10, 1, 12)
        with self.env.cr.savepoint() as savepoint:
            for _number in range(length):
                now += timedelta(hours=chance.randint(1, 60))
                with self.at(now):
                    done[self.do_something(chance, now)] += 1
                    answers.update(self.ask(now))
            for (day, known_at), answer in answers.items():
                self.assertEqual(self.answer(day, known_at), answer, (day, known_at))
            savepoint.rollback()
        self.env.invalidate_all()
        return done

    def ask(self, now):
        """Ask for today and days before; today's answer is what is unbilled now."""
        today = now.replace(tzinfo=ZoneInfo("UTC")).astimezone(NEW_YORK).date()
        days = [today - timedelta(days=days) for days in (0, 1, 5, 30)]
        answers = {(day, now): self.answer(day, now) for day in days}
        for (day, _now), answer in answers.items():
            self.assertEqual(self.answer(day), answer)
        # A document can be dated tomorrow, as it is tomorrow already in UTC.
        waiting = self.env["lead.sale"].search(
            [
                "|",
                ("billing_state", "in", ["unbilled", "draft"]),
                ("invoice_id.date", ">", today),
            ]
        )
        found = answers[today, now].values()
        self.assertEqual(sum(count for count, _amount in found), len(waiting))
        self.assertAlmostEqual(
            sum(amount for _count, amount in found), sum(waiting.mapped("amount"))
        )
        return answers
