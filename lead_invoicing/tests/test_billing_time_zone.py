from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common.world import LeadInvoicingCommon

LATE = "2026-01-16T03:00:00Z"  # still the 15th in New York, the 16th in Tokyo


@tagged("post_install", "-at_install")
class TestBillingTimeZone(LeadInvoicingCommon):
    """The company's zone, wherever no billing cycle has one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admins = cls.env.ref("base.group_system").all_user_ids
        cls.admins.tz = False
        cls.cycle = cls.env["lead.billing.cycle"].create(
            {"name": "Weekly", "tz": "America/New_York"}
        )

    def new_company(self, **vals):
        return self.env["res.company"].create({"name": "New House", **vals})

    # Where it comes from

    def test_without_anything_it_is_utc_and_not_confirmed(self):
        company = self.new_company()
        self.assertEqual(company.lead_tz, "UTC")
        self.assertFalse(company.lead_tz_confirmed)

    def test_it_is_that_of_the_first_administrator_who_has_one(self):
        self.admins[:1].tz = "Europe/Vienna"
        company = self.new_company()
        self.assertEqual(company.lead_tz, "Europe/Vienna")
        self.assertFalse(company.lead_tz_confirmed)

    def test_an_administrator_of_the_company_comes_first(self):
        self.admins[:1].tz = "Europe/Vienna"
        company = self.new_company()
        own = self.env["res.users"].create(
            {
                "name": "Own",
                "login": "own_admin",
                "tz": "Asia/Tokyo",
                "group_ids": [(4, self.env.ref("base.group_system").id)],
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
            }
        )
        self.assertIn(own, self.env.ref("base.group_system").all_user_ids)
        self.assertEqual(company._guess_lead_tz(), "Asia/Tokyo")

    def test_it_follows_the_default_cycle_until_a_person_confirms_it(self):
        self.company.lead_billing_cycle_id = self.cycle
        self.assertEqual(self.company.lead_tz, "America/New_York")
        self.cycle.tz = "America/Chicago"
        self.assertEqual(self.company.lead_tz, "America/Chicago")
        self.company.lead_tz_confirmed = True
        self.cycle.tz = "Asia/Tokyo"
        self.assertEqual(self.company.lead_tz, "America/Chicago")

    def test_who_chooses_it_confirms_it(self):
        self.company.lead_tz = "Europe/Berlin"
        self.assertTrue(self.company.lead_tz_confirmed)
        self.company.lead_billing_cycle_id = self.cycle
        self.assertEqual(self.company.lead_tz, "Europe/Berlin")
        self.assertTrue(self.new_company(lead_tz="Asia/Tokyo").lead_tz_confirmed)

    def test_it_is_chosen_in_the_settings(self):
        self.company.lead_billing_cycle_id = self.cycle
        settings = Form(self.env["res.config.settings"].sudo())
        settings.lead_tz_confirmed = True
        settings.save().execute()
        self.assertTrue(self.company.lead_tz_confirmed)
        self.assertEqual(self.company.lead_tz, "America/New_York")

    def test_it_is_asked_at_set_up(self):
        setups = self.env["lead.setup"].with_user(self.manager)
        self.manager.tz = "Europe/Vienna"
        setup = setups.create({})
        self.assertEqual(setup.tz, "Europe/Vienna")
        setup.tz = "Asia/Tokyo"
        setup.action_confirm_zone()
        self.assertEqual(self.company.lead_tz, "Asia/Tokyo")
        self.assertTrue(self.company.lead_tz_confirmed)

    def test_one_that_the_server_does_not_know_is_a_sentence(self):
        self.env.cr.execute(
            "UPDATE res_company SET lead_tz = 'Mars/Base' WHERE id = %s",
            self.company.ids,
        )
        self.company.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "Mars/Base.*Settings"):
            self.company._get_lead_today()

    # What it decides

    def test_history_ends_at_its_midnight(self):
        self.company.write(
            {"lead_tz": "Asia/Tokyo", "lead_billing_start": "2026-01-16"}
        )
        self.company.lead_billing_cycle_id = self.cycle
        self.assertTrue(self.sell("T1", occurred_at="2026-01-15T14:59:59Z").waived)
        self.assertFalse(self.sell("T2", occurred_at="2026-01-15T15:00:00Z").waived)

    def test_control_totals_are_cut_at_its_midnights(self):
        self.sell("T1", occurred_at=LATE)
        for tz, day in (("America/New_York", "15"), ("Asia/Tokyo", "16")):
            self.company.lead_tz = tz
            [total] = self.env["lead.sale"].control_totals(
                f"2026-01-{day}", f"2026-01-{day}"
            )
            self.assertEqual((total["day"], total["count"]), (f"2026-01-{day}", 1))
            self.assertEqual(self.env["lead.control.totals"].create({}).tz, tz)

    def test_as_at_days_end_at_its_midnights(self):
        self.sell("T1", occurred_at=LATE)
        self.company.lead_tz = "America/New_York"
        self.assertTrue(self.env["lead.sale"]._read_unbilled_as_at(date(2026, 1, 15)))
        self.company.lead_tz = "Asia/Tokyo"
        self.assertFalse(self.env["lead.sale"]._read_unbilled_as_at(date(2026, 1, 15)))

    def test_the_report_of_a_buyer_without_cycle_is_in_it(self):
        self.company.lead_tz = "Asia/Tokyo"
        self.sell("T1")
        report = self.env["lead.invoicing.report"]._open(
            self.buyer, {"date_from": "2026-01-15", "date_to": "2026-01-15"}
        )
        self.assertEqual(report.tz, "Asia/Tokyo")
        self.assertEqual(report.start, datetime(2026, 1, 14, 15))

    def test_today_and_the_start_of_a_day(self):
        self.company.lead_tz = "Asia/Tokyo"
        with freeze_time("2026-01-15 16:00:00"):
            self.assertEqual(self.company._get_lead_today(), date(2026, 1, 16))
        self.assertEqual(
            self.company._get_lead_day_start(date(2026, 1, 16)),
            datetime(2026, 1, 15, 15),
        )
