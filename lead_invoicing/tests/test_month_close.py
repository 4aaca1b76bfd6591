from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common.generation import GENERATION
from .common.month_close import DECEMBER, MonthCloseCommon


@tagged("post_install", "-at_install")
class TestMonthClose(MonthCloseCommon):
    """What a month-end close says of the leads of a month."""

    def test_a_month_goes_from_its_start_to_its_end(self):
        self.cycle.posting = "post"
        before = self.new_sale(at="2026-10-20T12:00:00Z", price="7.00")
        billed = self.new_sale(price="11.00")
        self.new_return(billed, price="1.00")
        waived = self.new_sale(price="21.00")
        with self.at(GENERATION):
            waived._waive("Goodwill")
        self.generate()
        self.assertEqual((before + billed).mapped("billing_state"), ["invoiced"] * 2)
        self.new_sale(at="2026-11-20T12:00:00Z", price="13.00")
        self.new_sale(at="2026-12-02T12:00:00Z", price="17.00")
        close = self.close()
        self.assertEqual(
            self.figures(close),
            {
                "opening": (1, 7),
                "sold": (3, 45),
                "returned": (1, -1),
                "waived": (1, 21),
                "billed": (3, 17),
                "closing": (1, 13),
                "deferred": (1, 13),
            },
        )
        self.assert_adds_up(close)
        documents = self.env["account.move"].search([("lead_run_id", "!=", False)])
        self.assertEqual(sum(documents.mapped("amount_untaxed_signed")), 17)

    def test_what_is_credited_stays_billed_until_it_is_released(self):
        with self.at(datetime(2026, 11, 5)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
        with self.at(datetime(2026, 12, 5)):
            self.reverse(invoice)
        self.assertEqual(
            self.figures(self.close()), {"sold": (1, 10), "billed": (1, 10)}
        )
        self.assertEqual(self.figures(self.close("2026-12")), {"credited": (1, 10)})
        with self.at(datetime(2026, 12, 6)):
            invoice._release_credited_lead_sales("Wrong company")
        close = self.close("2026-12")
        self.assertEqual(
            self.figures(close),
            {"credited": (1, 10), "released": (1, 10), "closing": (1, 10)},
        )
        self.assert_adds_up(close)

    def test_what_is_released_and_billed_again_is_billed_twice(self):
        with self.at(datetime(2026, 11, 5)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
        with self.at(datetime(2026, 12, 5)):
            self.reverse(invoice)
            invoice._release_credited_lead_sales("Wrong company")
            self.bill(date(2026, 12, 4)).action_post()
        self.assertEqual(
            self.figures(self.close()), {"sold": (1, 10), "billed": (1, 10)}
        )
        close = self.close("2026-12")
        self.assertEqual(
            self.figures(close),
            {"billed": (1, 10), "released": (1, 10), "credited": (1, 10)},
        )
        self.assert_adds_up(close)

    def test_what_is_billed_and_released_in_its_month_was_billed(self):
        with self.at(datetime(2026, 11, 5)):
            sale = self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
            self.reverse(invoice)
            invoice._release_credited_lead_sales("Wrong company")
        close = self.close()
        figures = self.figures(close)
        for name in ("sold", "billed", "released", "credited", "closing"):
            self.assertEqual(figures[name], (1, 10), name)
        self.assert_adds_up(close)
        with self.at(datetime(2026, 12, 16)):
            sale._waive("Goodwill")
        self.assert_adds_up(close)
        with self.at(datetime(2026, 12, 17)):
            close = self.close(now="2026-12-17 12:00:00")
        self.assertNotIn("billed", self.figures(close))
        self.assert_adds_up(close)

    def test_what_is_credited_later_was_not_known(self):
        with self.at(datetime(2026, 11, 5)):
            self.new_sale()
            invoice = self.bill(date(2026, 11, 4))
            invoice.action_post()
            note = self.reverse(invoice)
            note.button_draft()
        close = self.close()
        self.assertNotIn("credited", self.figures(close))
        with self.at(datetime(2026, 12, 16)):
            note.action_post()
        self.assertEqual(note.date, date(2026, 11, 5))
        self.assert_adds_up(close)
        close = self.close(now="2026-12-17 12:00:00")
        self.assertEqual(self.figures(close)["credited"], (1, 10))
        self.assert_adds_up(close)

    def test_price_corrections_are_told_apart(self):
        sale = self.new_sale(price="10.00")
        self.new_sale(
            price="8.00",
            at="2026-11-06T12:00:00Z",
            type="correction",
            origin_external_ref=sale.external_ref,
        )
        close = self.close()
        figures = self.figures(close)
        self.assertEqual(figures["sold"], (1, 10))
        self.assertEqual(figures["corrected"], (2, -2))
        # It is one group of what opens, here and from the control totals.
        (corrected,) = close.total_ids.filtered(lambda one: one.figure == "corrected")
        (control,) = close.control_sum_ids.filtered(
            lambda one: one.transaction_type == "correction"
        )
        self.assertEqual((control.transaction_count, control.amount), (1, -2))
        for row in (corrected, control):
            sales = self.get_sales(row)
            groups = sales.grouped(row.action_view_sales()["context"]["group_by"][0])
            self.assertEqual(list(groups), [sale])
            self.assertAlmostEqual(sum(sales.mapped("amount")), -2)
        self.assertEqual(figures["closing"][1], 8)
        self.assert_adds_up(close)

    def test_days_are_cut_in_the_billing_time_zone(self):
        for tz, month in (("America/New_York", "2026-10"), ("UTC", "2026-11")):
            with self.subTest(tz=tz), self.env.cr.savepoint() as savepoint:
                self.company.lead_tz = tz
                self.new_sale(at="2026-11-01T03:59:59Z")
                close = self.close(month)
                self.assertEqual(close.tz, tz)
                self.assertEqual(self.figures(close)["sold"], (1, 10))
                savepoint.rollback()
                self.env.invalidate_all()

    def test_currencies_are_never_added(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.new_sale(price="5.00")
        self.new_sale(price="6.00", currency="EUR")
        close = self.close()
        self.assertEqual(self.figures(close)["closing"], (1, 5))
        self.assertEqual(self.figures(close, euro)["closing"], (1, 6))
        self.assert_adds_up(close)

    def test_beside_the_month_before(self):
        self.new_sale(at="2026-10-20T12:00:00Z", price="7.00")
        self.new_sale(self.new_buyer("Buyer B"), price="7.00")
        self.new_sale(price="7.00")
        close = self.close()
        (sold,) = close.total_ids.filtered(lambda total: total.figure == "sold")
        self.assertEqual((sold.amount, sold.previous_amount, sold.change), (14, 7, 7))
        lines = close.line_ids.filtered(lambda line: line.figure == "sold")
        self.assertEqual(
            {line.partner_id.name: line.is_different for line in lines},
            {"Buyer A": False, "Buyer B": True},
        )
        action = close.action_view_differences()
        self.assertEqual(action["context"]["search_default_different"], 1)
        self.assertEqual(action["display_name"], close.display_name)
        for view in ("list", "kanban", "search"):
            lines.get_view(view_type=view)

    def test_each_month_opens_its_own_transactions(self):
        before = self.new_sale(at="2026-10-20T12:00:00Z", price="7.00")
        self.new_sale(self.new_buyer("Buyer B"), price="8.00")
        close = self.close()
        (sold,) = close.total_ids.filtered(lambda total: total.figure == "sold")
        lines = close.line_ids.filtered(lambda line: line.figure == "sold")
        (line,) = lines.filtered(lambda line: line.partner_id == self.buyer)
        self.assertEqual((line.sale_count, line.previous_count), (0, 1))
        self.assertFalse(self.get_sales(line))
        for action in (
            sold.action_view_previous_sales(),
            line.action_view_previous_sales(),
            # Where there is nothing in the month itself.
            line.action_open(),
        ):
            self.assertIn("October", action["display_name"])
            ledger = self.env["lead.sale"].with_context(**action["context"])
            self.assertEqual(ledger.search(action["domain"]), before)
        (line,) = lines - line
        self.assertEqual(line.action_open(), line.action_view_sales())

    def test_beside_the_platform(self):
        self.new_sale()
        self.new_sale(at="2026-11-20T12:00:00Z")
        close = self.close(platform_text="2026-11-04,sale,USD,2,20.00")
        (total,) = close.control_sum_ids
        self.assertEqual((total.transaction_count, total.amount), (2, 20))
        # The days that the platform did not give differ from nothing.
        self.assertEqual((total.count_difference, total.amount_difference), (1, 10))
        self.assertEqual(close.difference_count, 1)
        self.assertEqual(len(self.get_sales(total)), 2)
        self.assertEqual(close.action_view_days()["res_id"], close.control_id.id)
        (different,) = close.control_id.shown_line_ids
        self.assertEqual(different.day, date(2026, 11, 4))
        close.platform_text = "2026-11-04,sale,USD,1,10.00"
        with freeze_time(DECEMBER):
            close.action_show()
        close.action_view_days()
        self.assertEqual(len(close.control_id.shown_line_ids), 2)

    def test_what_comes_later_leaves_it_as_it_is_until_it_is_shown_again(self):
        self.new_sale()
        close = self.close()
        with freeze_time("2026-12-16 12:00:00"):
            late = self.new_sale(at="2026-11-06T12:00:00Z")
        self.assertEqual(self.figures(close)["sold"], (1, 10))
        self.assert_adds_up(close)
        # Nor what is beside the platform's totals.
        for row in (close.control_sum_ids, close.control_id.line_ids):
            self.assertEqual(len(self.get_sales(row)), row.transaction_count)
        with freeze_time("2026-12-17 12:00:00"):
            close.action_show()
        self.assertEqual(self.figures(close)["sold"], (2, 20))
        self.assertIn(late, self.get_sales(close.total_ids[1]))

    def test_another_choice_is_shown_before_it_is_used(self):
        self.new_sale()
        for name, value in (("month", "2026-10"), ("platform_text", "x")):
            close = self.close()
            with self.subTest(name=name):
                with freeze_time(DECEMBER), Form(close) as form:
                    setattr(form, name, value)
                    self.assertFalse(form.shown_at)
                self.assertFalse(close.shown_at)
                for action in (
                    close.action_pdf,
                    close.action_view_by_buyer,
                    close.total_ids[0].action_view_sales,
                    close.line_ids[0].action_view_sales,
                ):
                    with self.assertRaisesRegex(UserError, "click Show"):
                        action()

    def test_the_leads_of_a_figure_are_found_in_each_company(self):
        sale = self.new_sale()
        (figure,) = self.close().total_ids.filtered(lambda row: row.figure == "sold")
        other = self._create_company(name="Other House")
        self.billing_user.company_ids |= other
        action = figure.action_view_sales()
        ledger = self.env["lead.sale"].with_user(self.billing_user)
        companies = (other + self.company).ids
        ledger = ledger.with_context(**action["context"], allowed_company_ids=companies)
        self.assertEqual(ledger.search(action["domain"]), sale)

    def test_an_empty_month(self):
        close = self.close()
        self.assertFalse(close.total_ids)
        self.assertEqual(len(close._get_document().tables), 4)

    def test_it_begins_with_the_month_that_is_over(self):
        self.company.lead_tz = "America/New_York"
        with freeze_time("2026-12-01 04:59"):
            close = self.env["lead.month.close"].create({})
        self.assertEqual(close.month, "2026-10")
        self.assertEqual(
            (close.date_from, close.date_to), (date(2026, 10, 1), date(2026, 10, 31))
        )

    def test_of_the_own_company_only(self):
        self.new_sale()
        other = self._create_company(name="Other House")
        closes = self.env["lead.month.close"].with_company(other)
        with freeze_time("2026-12-15"):
            close = closes.create({"month": "2026-11"})
            close.action_show()
        self.assertFalse(close.total_ids)

    def test_who_may_look(self):
        self.new_sale()
        close = self.close()
        for user in (self.plain_user, self.portal_user, self.integrator):
            with self.assertRaises(AccessError):
                close.with_user(user).action_show()
            with self.assertRaises(AccessError):
                close.total_ids[0].with_user(user).action_view_sales()
        # Nor another clerk at what one compares.
        for record in (close, close.total_ids, close.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(self.manager).read(["display_name"])
        with self.assertRaises(AccessError):
            close.with_user(self.manager)._get_document()

    def test_a_link_opens_the_same_month(self):
        with freeze_time("2026-12-15"):
            close = self.close("2026-09")
            self.assertIn("/lead-invoicing/month-close?month=2026-09", close.link)
            other = close.with_user(self.manager)._open({"month": "2026-09"})
            self.assertEqual(other.date_from, date(2026, 9, 1))
            for month in ("2026-13", "x", "1999-01"):
                with self.assertRaisesRegex(UserError, "Choose one of the last"):
                    close._open({"month": month})

    def test_as_many_queries_for_many_buyers_as_for_few(self):
        counts = []
        for number in (2, 20):
            for name in range(number):
                self.new_sale(self.new_buyer(f"Buyer {number} {name}"))
            self.env.flush_all()
            with freeze_time("2026-12-15"):
                closes = self.env["lead.month.close"].with_user(self.billing_user)
                close = closes.create({"month": "2026-11"})
                self.env.flush_all()
                before = self.env.cr.sql_log_count
                close.action_show()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
        # The second time, more is known already.
        self.assertLessEqual(counts[1], counts[0])
        self.assertLess(counts[0], 80)
