import base64
from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common.generation import GenerationCommon


@tagged("post_install", "-at_install")
class TestControlTotals(GenerationCommon):
    """What was recorded, per day, type and currency, as the platform compares it."""

    def totals(self, date_from="2026-11-01", date_to="2026-11-30", user=None):
        ledger = self.env["lead.sale"].with_user(user or self.env.user)
        return [
            tuple(row.values()) for row in ledger.control_totals(date_from, date_to)
        ]

    def test_count_and_amount_per_day_type_and_currency(self):
        self.env.ref("base.EUR").active = True
        first = self.new_sale(price="10.00")
        self.new_sale(price="0.10")
        self.new_sale(price="0.20", at="2026-11-05T12:00:00Z", currency="EUR")
        self.new_return(first, price="4.00", at="2026-11-04T13:00:00Z")
        self.assertEqual(
            self.env["lead.sale"].control_totals("2026-11-04", "2026-11-05"),
            [
                {
                    "day": "2026-11-04",
                    "type": "sale",
                    "currency": "USD",
                    "count": 2,
                    "amount": 10.1,
                },
                {
                    "day": "2026-11-04",
                    "type": "return",
                    "currency": "USD",
                    "count": 1,
                    "amount": -4.0,
                },
                {
                    "day": "2026-11-05",
                    "type": "sale",
                    "currency": "EUR",
                    "count": 1,
                    "amount": 0.2,
                },
            ],
        )

    def test_billed_and_waived_transactions_count(self):
        sales = self.new_sale() + self.new_sale()
        sales[0].sudo().write({"reason": "goodwill", "waived": True})
        self.invoice(sales[1])
        self.assertEqual(self.totals(), [("2026-11-04", "sale", "USD", 2, 20.0)])

    def test_days_are_utc_without_a_default_cycle(self):
        self.new_sale(at="2026-11-04T23:59:59Z")
        self.new_sale(at="2026-11-05T00:00:00Z")
        self.assertEqual(
            self.totals("2026-11-05", "2026-11-05"),
            [("2026-11-05", "sale", "USD", 1, 10.0)],
        )
        self.assertEqual(len(self.totals("2026-11-04", "2026-11-05")), 2)

    def test_days_are_those_of_the_default_cycle(self):
        self.company.lead_billing_cycle_id = self.cycle  # New York
        self.new_sale(at="2026-11-05T04:59:59Z")
        self.new_sale(at="2026-11-05T05:00:00Z", price="7.00")
        self.assertEqual(
            self.totals("2026-11-04", "2026-11-04"),
            [("2026-11-04", "sale", "USD", 1, 10.0)],
        )
        self.assertEqual(
            self.totals("2026-11-05", "2026-11-05"),
            [("2026-11-05", "sale", "USD", 1, 7.0)],
        )

    def test_a_day_of_25_hours_is_one_day(self):
        self.company.lead_billing_cycle_id = self.cycle
        self.new_sale(at="2026-11-01T04:00:00Z")
        self.new_sale(at="2026-11-02T04:59:59Z")
        self.assertEqual(
            self.totals("2026-11-01", "2026-11-01"),
            [("2026-11-01", "sale", "USD", 2, 20.0)],
        )

    def test_only_the_current_company_counts(self):
        self.new_sale()
        other = self._create_company(name="Other House")
        ledger = self.env["lead.sale"].with_company(other)
        self.assertEqual(ledger.control_totals("2026-11-01", "2026-11-30"), [])

    def test_bad_days_are_explained(self):
        for value in (
            "",
            None,
            5,
            "2026-11-31",
            "20261104",
            "04.11.2026",
            "0001-01-01",
        ):
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(UserError, "date_to: .*is not a day"),
            ):
                self.totals(date_to=value)
        with self.assertRaisesRegex(UserError, "after the last day"):
            self.totals("2026-11-05", "2026-11-04")

    def test_who_may_compare(self):
        self.new_sale()
        for user in (self.integrator, self.billing_user, self.manager):
            self.assertEqual(len(self.totals(user=user)), 1)
        for user in (self.plain_user, self.portal_user):
            with self.assertRaises(AccessError):
                self.totals(user=user)

    def test_one_statement(self):
        self.new_sale()
        self.totals()
        self.env.flush_all()
        with self.assertQueryCount(2):  # and the company's zone
            self.env["lead.sale"].control_totals("2026-11-01", "2026-11-30")


@tagged("post_install", "-at_install")
class TestControlTotalsScreen(GenerationCommon):
    """The platform's own totals beside ours, differences marked."""

    def compare(self, text="", **vals):
        wizard = (
            self.env["lead.control.totals"]
            .with_user(self.billing_user)
            .create(
                {
                    "date_from": "2026-11-01",
                    "date_to": "2026-11-30",
                    "platform_text": text,
                    **vals,
                }
            )
        )
        wizard.action_show()
        self.assertTrue(wizard.shown_at)
        return wizard

    def rows(self, wizard):
        return [
            (
                str(line.day),
                line.transaction_type,
                line.currency_id.name,
                line.count_difference,
                round(line.amount_difference, 2),
                line.is_different,
            )
            for line in wizard.line_ids
        ]

    def test_own_totals_alone_differ_from_nothing(self):
        self.new_sale()
        wizard = self.compare()
        self.assertFalse(wizard.is_compared)
        self.assertEqual(wizard.line_ids.transaction_count, 1)
        self.assertEqual(wizard.line_ids.amount, 10)
        self.assertFalse(wizard.line_ids.is_different)

    def test_differences_are_marked(self):
        sale = self.new_sale()
        self.new_sale(at="2026-11-05T12:00:00Z", price="0.30")
        self.new_return(sale, at="2026-11-06T12:00:00Z")
        wizard = self.compare(
            "day,type,currency,count,amount\n"
            "2026-11-04,sale,USD,1,10.00\n"
            "2026-11-05,sale,USD,2,0.60\n"
            "2026-11-07,Sale,usd,1,1\n"
            "2026-11-08,sale,EUR,0,0.00\n"
        )
        self.assertEqual(
            self.rows(wizard),
            [
                ("2026-11-04", "sale", "USD", 0, 0, False),
                ("2026-11-05", "sale", "USD", 1, 0.3, True),
                ("2026-11-06", "return", "USD", -1, 10, True),
                ("2026-11-07", "sale", "USD", 1, 1, True),
                ("2026-11-08", "sale", "EUR", 0, 0, False),
            ],
        )
        self.assertEqual(wizard.difference_count, 3)

    def test_a_file_with_other_separators_and_order(self):
        self.new_sale()
        text = "\ufeffcurrency;amount;day;count;type\r\nUSD;10;2026-11-04;1;sale\r\n"
        wizard = self.compare(platform_file=base64.b64encode(text.encode()))
        self.assertTrue(wizard.is_compared)
        self.assertEqual(wizard.difference_count, 0)

    def test_without_the_names_of_the_columns(self):
        self.new_sale()
        wizard = self.compare("2026-11-04\tsale\tUSD\t1\t10.00")
        self.assertEqual(
            self.rows(wizard), [("2026-11-04", "sale", "USD", 0, 0, False)]
        )

    def test_bad_rows_are_named_by_row_and_field(self):
        with self.assertRaises(UserError) as caught:
            self.compare(
                "day,type,currency,count,amount\n"
                "yesterday,sale,USD,1,10\n"
                "2026-11-04,gift,USD,1,10\n"
                "\n"
                "2026-11-04,sale,XXL,1,10\n"
                "2026-11-04,sale,USD,-1,10\n"
                "2026-11-04,sale,USD,1,ten\n"
                "2026-10-31,sale,USD,1,10\n"
                "2026-11-04,sale,USD,1,10\n"
                "2026-11-04,sale,USD,1,10\n"
                "2026-11-05,sale,USD,1,1,234.50\n"
                "2026-11-05\n"
            )
        lines = str(caught.exception).splitlines()
        self.assertEqual(
            [line.split("“")[0].strip() for line in lines[1:]],
            [
                "Row 2: day:",
                "Row 3: type:",
                "Row 5: currency:",
                "Row 6: count:",
                "Row 7: amount:",
                "Row 8: day: 2026-10-31 is not within 2026-11-01 through 2026-11-30,"
                " the days compared.",
                "Row 10: day: the same day, type and currency are already in row 9.",
                "Row 11: amount: the row has more values than columns; write amounts"
                " with a decimal point, such as 1234.50.",
                "Row 12: type:",
            ],
        )

    def test_what_is_no_table_is_explained(self):
        png = base64.b64encode(b"\x89PNG\r\n\xff")
        for vals, words in (
            (
                {"platform_text": "day,type,count,amount"},
                "column “currency” is missing",
            ),
            ({"platform_file": png}, "UTF-8"),
            ({"platform_text": "x", "platform_file": png}, "not both"),
            ({"platform_text": '"' + "x" * 200_000}, "Row "),
            ({"platform_text": "hello"}, "Row 1: day"),
            ({"date_from": "2026-12-01"}, "after the last day"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, words):
                self.compare(**{"text": vals.pop("platform_text", ""), **vals})

    def test_days_that_the_platform_does_not_cover(self):
        self.new_sale()
        self.new_sale(at="2026-11-05T12:00:00Z")
        wizard = self.compare("2026-11-04,sale,USD,2,20.00")
        self.assertRegex(wizard.coverage, "from Nov 4, 2026 through Nov 4, 2026")
        totals, days = wizard._get_document().tables
        self.assertEqual((totals.note, days.note), (wizard.coverage, ""))
        self.assertEqual([row[5] for row in days.rows], [2, None])
        wizard.date_to = "2026-11-04"
        wizard.action_show()
        self.assertFalse(wizard.coverage)

    def test_a_second_look_replaces_the_first(self):
        self.new_sale()
        wizard = self.compare("2026-11-04,sale,USD,2,20.00")
        self.assertEqual(wizard.difference_count, 1)
        wizard.platform_text = "2026-11-04,sale,USD,1,10.00"
        wizard.action_show()
        self.assertEqual(len(wizard.line_ids), 1)
        self.assertEqual(wizard.difference_count, 0)

    def test_other_days_are_shown_before_they_are_used(self):
        self.new_sale()
        wizard = self.compare()
        wizard.date_from = "2026-11-02"
        for row in (wizard.sum_ids, wizard.line_ids):
            with self.assertRaisesRegex(UserError, "click Show"):
                row.action_view_sales()

    def test_it_starts_with_the_seven_days_before_today(self):
        with freeze_time("2026-11-10 03:00"):
            wizard = self.env["lead.control.totals"].create({})
        self.assertEqual(
            (wizard.date_from, wizard.date_to, wizard.tz),
            (date(2026, 11, 3), date(2026, 11, 9), "UTC"),
        )

    def test_who_may_look(self):
        wizard = self.compare()
        for user in (self.plain_user, self.integrator, self.portal_user):
            with self.assertRaises(AccessError):
                wizard.with_user(user).action_show()
        # Nor another clerk at what one compares.
        with self.assertRaises(AccessError):
            wizard.with_user(self.manager).read(["platform_text"])


@tagged("post_install", "-at_install")
class TestFeedWatch(GenerationCommon):
    """A feed that falls silent raises one activity, until transactions come again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.feed_cron = cls.env.ref("lead_invoicing.ir_cron_watch_feed")
        cls.activity_type = cls.env.ref("lead_invoicing.mail_activity_type_lead_feed")
        cls.company.lead_billing_cycle_id = cls.cycle
        cls.cycle.user_id = cls.manager

    def watch(self, now):
        """Let the scheduled action look at a moment; return the activities."""
        with freeze_time(now), self.enter_registry_test_mode():
            self.feed_cron.method_direct_trigger()
        self.env.invalidate_all()
        return self.env["mail.activity"].search(
            [("activity_type_id", "=", self.activity_type.id)]
        )

    def record_at(self, moment):
        """Record a transaction at a moment, whenever it was sold."""
        sale = self.new_sale()
        self.env.cr.execute(
            "UPDATE lead_sale SET create_date = %s WHERE id = %s", (moment, sale.id)
        )
        return sale

    def test_nothing_is_watched_unless_the_company_wants_it(self):
        self.record_at("2026-11-10 12:00:00")
        self.assertFalse(self.watch("2027-01-01 12:00"))

    def test_one_activity_for_one_silence(self):
        self.company.lead_feed_silence_hours = 6
        self.record_at("2026-11-10 12:00:00")
        self.assertFalse(self.watch("2026-11-10 17:59:59"))
        activity = self.watch("2026-11-10 18:00")
        self.assertRecordValues(
            activity,
            [
                {
                    "res_model": "res.partner",
                    "res_id": self.company.partner_id.id,
                    "user_id": self.manager.id,
                }
            ],
        )
        self.assertIn("6 hours", activity.note)
        self.assertEqual(self.watch("2026-11-10 19:00"), activity)
        # Closed by a person: not raised again for the same silence.
        activity.unlink()
        self.assertFalse(self.watch("2026-11-10 20:00"))

    def test_it_goes_when_transactions_come_again(self):
        self.company.lead_feed_silence_hours = 6
        self.record_at("2026-11-10 12:00:00")
        self.assertTrue(self.watch("2026-11-11 12:00"))
        self.record_at("2026-11-11 12:30:00")
        self.assertFalse(self.watch("2026-11-11 13:00"))
        # The next silence is another one.
        self.assertEqual(len(self.watch("2026-11-11 19:00")), 1)

    def test_it_goes_when_it_is_no_longer_watched(self):
        self.company.lead_feed_silence_hours = 6
        self.assertTrue(self.watch("2026-11-11 12:00"))
        self.company.lead_feed_silence_hours = 0
        self.assertFalse(self.watch("2026-11-11 13:00"))

    def test_a_failed_buyers_activity_is_another_thing(self):
        self.company.lead_feed_silence_hours = 6
        self.watch("2026-11-11 12:00")
        partner = self.company.partner_id
        partner.activity_schedule("lead_invoicing.mail_activity_type_lead_invoicing")
        self.record_at("2026-11-11 12:30:00")
        self.assertFalse(self.watch("2026-11-11 13:00"))
        self.assertEqual(len(partner.activity_ids), 1)

    def test_each_company_has_its_own_feed(self):
        other = self._create_company(name="Other House")
        (self.company + other).lead_feed_silence_hours = 6
        self.record_at("2026-11-10 12:00:00")
        activity = self.watch("2026-11-10 13:00")
        self.assertEqual(activity.res_id, other.partner_id.id)
        # No cycle of its own, no team: whoever bills there finds it.
        self.assertFalse(activity.user_id)

    def test_hours_below_zero_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "from 1 to"):
            self.company.lead_feed_silence_hours = -1
