"""The Invoicing Report on the screen in Odoo."""

from datetime import date

from freezegun import freeze_time
from werkzeug.urls import url_parse

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from ..report import invoicing_report
from .common.report import ReportCommon


class TestReportWizard(ReportCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time("2026-11-10 12:00"))
        self.user = self.manager
        self.user.group_ids += self.env.ref("lead_invoicing.group_lead_data")
        self.sale = self.new_sale(lead_data={"first_name": "Ada", "program": "Art"})
        self.car = self.new_sale(lead_type="AUTO", lead_data={"fuel": "ev"})

    def open_wizard(self, record=None):
        """Press the button on a buyer or a document; return what is opened."""
        record = (record or self.buyer).with_user(self.user)
        action = record.action_open_lead_report()
        return (
            self.env[action["res_model"]].with_user(self.user).browse(action["res_id"])
        )

    def test_it_opens_with_the_last_window_and_first_fields(self):
        wizard = self.open_wizard()
        self.assertEqual(wizard.lead_type_ids, self.auto | self.edu)
        self.assertEqual(wizard.date_from, date(2026, 11, 2))
        self.assertEqual(wizard.date_to, date(2026, 11, 10))
        # All types, as in the portal; lead data needs one.
        self.assertFalse(wizard.lead_type_id)
        self.assertFalse(wizard.column_ids)
        self.assertIn(self.car.external_ref, wizard.content)
        self.assertIn(self.sale.external_ref, wizard.content)
        with Form(wizard) as form:
            form.lead_type_id = self.auto
            self.assertEqual(len(form.column_ids), 5)
            self.assertNotIn(self.sale.external_ref, form.content)

    def test_choices_show_at_once_and_are_remembered_per_user(self):
        with Form(self.open_wizard()) as form:
            form.lead_type_id = self.edu
            self.assertIn(self.sale.external_ref, form.content)
            self.assertIn("Art", form.content)
            for column in form.column_ids[:]:
                if column.name != "first_name":
                    form.column_ids.remove(id=column.id)
            self.assertIn("Ada", form.content)
            self.assertNotIn("Art", form.content)
            form.transaction_type = "sale"
        wizard = self.open_wizard()
        self.assertEqual(wizard.lead_type_id, self.edu)
        self.assertEqual(wizard.column_ids.mapped("name"), ["first_name"])
        self.assertEqual(wizard.transaction_type, "sale")
        # All types, when they are chosen again.
        wizard.lead_type_id = False
        self.assertFalse(self.open_wizard().lead_type_id)
        self.user = self.env.user
        self.assertFalse(self.open_wizard().column_ids)

    def test_what_was_chosen_last_is_not_there(self):
        with Form(self.open_wizard()) as form:
            form.lead_type_id = self.auto
        self.new_sale(self.other_buyer)
        wizard = self.open_wizard(self.other_buyer)
        self.assertEqual(wizard.lead_type_id, self.edu)

    def test_days_in_the_wrong_order_get_a_sentence(self):
        with Form(self.open_wizard()) as form:
            form.date_to = date(2026, 11, 1)
            self.assertIn("Through: ", form.content)
            form.date_to = date(2026, 11, 3)

    def test_pages(self):
        for _number in range(45):
            self.new_sale()
        wizard = self.open_wizard()
        wizard.lead_type_id = self.edu
        self.assertEqual((wizard.page, wizard.page_count), (1, 2))
        self.assertIn(self.sale.external_ref, wizard.content)
        wizard.action_next()
        wizard.action_next()
        self.assertEqual(wizard.page, 2)
        self.assertEqual(wizard.content.count("<tr>"), 1 + 4 + 6)
        wizard.action_previous()
        self.assertEqual(wizard.page, 1)

    def test_the_leads_of_a_document_and_their_sum(self):
        document = self.generate()
        self.new_sale(at="2026-11-10T12:00:00Z")
        wizard = self.open_wizard(document)
        self.assertFalse(wizard.lead_type_id)
        self.assertIn(self.sale.external_ref, wizard.content)
        self.assertIn(self.car.external_ref, wizard.content)
        self.assertIn("match its leads", wizard.content)
        wizard.lead_type_id = self.edu
        self.assertNotIn(self.car.external_ref, wizard.content)
        action = wizard.action_view_lead_sales()
        self.assertEqual(
            self.env["lead.sale"].search(action["domain"]), self.sale | self.car
        )

    def test_downloads_lead_to_the_same_report(self):
        wizard = self.open_wizard()
        for file_type in ("csv", "xlsx", "pdf"):
            action = getattr(wizard, f"action_{file_type}")()
            url = url_parse(action["url"])
            self.assertEqual(url.path, f"/lead-invoicing/report/{file_type}")
            self.assertEqual(action["target"], "download")
            params = url.decode_query().to_dict()
            self.assertEqual(params.pop("partner_id"), str(self.buyer.id))
            report = self.open(self.user, **params)
            refs = [self.sale.external_ref, self.car.external_ref]
            self.assertEqual(self.refs(report), refs)

    def test_a_limit_is_told_before_the_download(self):
        self.new_sale(lead_type="AUTO")
        self.patch(invoicing_report, "LIMITS", {"pdf": 1})
        with self.assertRaisesRegex(UserError, "at most 1"):
            self.open_wizard().action_pdf()

    def test_without_the_right_there_are_no_lead_data(self):
        self.user = self.billing_user
        wizard = self.open_wizard()
        self.assertFalse(wizard.has_columns)
        self.assertFalse(wizard.column_ids)
        self.assertIn(self.car.external_ref, wizard.content)

    def test_who_may_not_see_a_buyer_cannot_open_it(self):
        for user in (self.plain_user, self.accountant, self.portal_user):
            self.user = user
            with self.assertRaises(AccessError):
                self.open_wizard()
