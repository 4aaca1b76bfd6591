"""The downloads of the Invoicing Report, over HTTP, by everybody and with anything."""

import io
import zipfile
from urllib.parse import urlencode

from odoo.tests import HttpCase, new_test_user, tagged

from .common.report import NOVEMBER, ReportCommon

TYPES = ("csv", "xlsx", "pdf")
OWN = "/my/invoicing-report"
INTERNAL = "/lead-invoicing/report"
# What is only in the rows of one buyer, and in the fields of its lead type.
SECRETS = ("SecretAda", "SecretCampaign", "SecretLabel", "secret_name")
HOSTILE = ("' OR 1=1 --", "1; DROP TABLE lead_sale", "<script>alert(1)</script>", "🚗")
HOSTILE += ("9" * 400, "-1", "0", "1e9", "null", "\x01", "%00", "../../etc/passwd")
# The parameters, and what people know them by.
LABELS = {
    "lead_type_id": "Lead Type",
    "date_from": "From",
    "date_to": "Through",
    "fields": "Lead Data",
    "transaction_type": "Kind",
    "invoice_id": "Document",
    "partner_id": "Buyer",
}


@tagged("post_install", "-at_install")
class TestReportRoutes(ReportCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auto.lead_properties_definition = [
            *cls.auto.lead_properties_definition,
            {"name": "secret_name", "string": "SecretLabel", "type": "char"},
        ]
        branch = cls.env["res.partner"].create(
            {"name": "Branch", "parent_id": cls.buyer.id}
        )
        clerk = {"name": "Branch clerk", "parent_id": branch.id}
        cls.users = {
            "parent": cls.new_login("parent", cls.portal_user.partner_id),
            "sub": cls.new_login("sub", cls.env["res.partner"].create(clerk)),
            "other": cls.new_login("other", cls.other_portal_user.partner_id),
        }

    @classmethod
    def new_login(cls, login, partner):
        contact = partner.copy({"name": login, "parent_id": partner.parent_id.id})
        return new_test_user(
            cls.env,
            login=f"route_{login}",
            groups="base.group_portal",
            partner_id=contact.id,
        )

    def setUp(self):
        super().setUp()
        self.secret_sale = self.new_sale(
            lead_type="AUTO",
            campaign="SecretCampaign",
            lead_data={"first_name": "SecretAda", "secret_name": "x"},
        )
        self.new_sale(self.other_buyer, lead_data={"first_name": "Grace"})
        self.env.flush_all()

    def login(self, name):
        """Log in: one of the portal users, or an internal user by its name here."""
        user = self.users.get(name) or getattr(self, name)
        user.sudo().password = "a password for tests"
        self.env.flush_all()
        self.authenticate(user.sudo().login, "a password for tests")

    def get(self, path, **params):
        """Return status and content as text. A write would be tried once more on the
        primary, with a warning: it fails the test."""
        query = urlencode(params)
        with self.assertNoLogs("odoo.http", "WARNING"):
            response = self.url_open(f"{path}?{query}", allow_redirects=False)
        content = response.content
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                content = b"".join(book.read(name) for name in book.namelist())
        return response.status_code, content.decode("utf-8", "replace")

    def assert_nothing_of_others(self, content):
        for secret in SECRETS:
            self.assertNotIn(secret, content)

    def test_buyers_download_their_own(self):
        for name in ("parent", "sub"):
            self.login(name)
            for file_type in TYPES:
                with self.subTest(user=name, file_type=file_type):
                    status, content = self.get(
                        f"{OWN}/{file_type}", fields="first_name", **NOVEMBER
                    )
                    self.assertEqual(status, 200)
                    self.assertIn("SecretAda", content)
                    self.assertIn("SecretCampaign", content)

    def test_headers_of_downloads(self):
        self.login("parent")
        response = self.url_open(f"{OWN}/csv?{urlencode(NOVEMBER)}")
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn(
            "leads-AUTO-2026-11-01-2026-11-30.csv",
            response.headers["Content-Disposition"],
        )
        self.assertTrue(response.text.endswith("Rows,1\n"))
        response = self.url_open(f"{OWN}/xlsx?{urlencode(NOVEMBER)}")
        length = int(response.headers["Content-Length"])
        self.assertEqual(len(response.content), length)

    def test_files_of_the_staff_are_of_the_selected_companies(self):
        clerk = self.billing_user
        clerk.company_ids += self.abroad
        # Two companies of a user, of which one is selected at a time.
        env = self.env(context={"allowed_company_ids": self.abroad.ids})
        product = env["product.product"].create({"name": "Lead", "type": "service"})
        env["lead.type"].create(
            {"name": "Solar", "code": "SOLAR", "product_id": product.id}
        )
        vals = self.sale_vals(
            "ABROAD-1",
            buyer_ref=self.buyer.ref,
            lead_type="SOLAR",
            price="31.00",
            occurred_at="2026-11-04T12:00:00Z",
        )
        (answer,) = env["lead.sale"].record_transactions([vals])
        self.assertEqual(answer["status"], "created", answer)
        own = self.secret_sale.external_ref
        self.login("billing_user")
        for company, shown, hidden in (
            (self.company, own, "ABROAD-1"),
            (self.abroad, "ABROAD-1", own),
        ):
            buyer = self.buyer.with_user(clerk).with_company(company)
            buyer = buyer.with_context(allowed_company_ids=company.ids)
            action = buyer.action_open_lead_report()
            wizard = buyer.env[action["res_model"]].browse(action["res_id"])
            wizard.write(NOVEMBER)
            self.assertIn(shown, wizard.content)
            self.assertNotIn(hidden, wizard.content)
            for download in ("action_csv", "action_xlsx"):
                self.env.flush_all()
                response = self.url_open(getattr(wizard, download)()["url"])
                content = response.content
                if content.startswith(b"PK"):
                    with zipfile.ZipFile(io.BytesIO(content)) as book:
                        content = b"".join(map(book.read, book.namelist()))
                self.assertIn(shown.encode(), content)
                self.assertNotIn(hidden.encode(), content)
        status, _content = self.get(
            f"{INTERNAL}/csv", partner_id=self.buyer.id, company_ids="1-x"
        )
        self.assertEqual(status, 404)

    def test_nobody_who_is_not_logged_in(self):
        for base in (OWN, INTERNAL):
            for file_type in TYPES:
                status, content = self.get(
                    f"{base}/{file_type}", partner_id=self.buyer.id
                )
                self.assertEqual(status, 303)
                self.assert_nothing_of_others(content)

    def test_nobody_else_whatever_they_ask_for(self):
        document = self.generate().filtered(lambda move: move.partner_id == self.buyer)
        self.env.flush_all()
        asked = [
            {},
            {"partner_id": self.buyer.id},
            {"partner_id": self.buyer.id, "lead_type_id": self.auto.id},
            {"partner_id": self.buyer.id, "fields": "secret_name"},
            {"partner_id": self.buyer.id, "invoice_id": document.id},
            {"invoice_id": document.id},
        ]
        for name in ("other", "stranger", "plain_user", "accountant", "integrator"):
            self.login(name)
            for base in (OWN, INTERNAL):
                for file_type in TYPES:
                    for params in asked:
                        with self.subTest(user=name, base=base, **params):
                            status, content = self.get(
                                f"{base}/{file_type}", **{**NOVEMBER, **params}
                            )
                            self.assertIn(status, (200, 400, 403))
                            self.assert_nothing_of_others(
                                content.replace("“secret_name”", "")
                            )

    def test_a_clerk_sees_data_only_with_the_right(self):
        self.login("billing_user")
        params = {"partner_id": self.buyer.id, **NOVEMBER}
        for file_type in TYPES:
            status, content = self.get(f"{INTERNAL}/{file_type}", **params)
            self.assertEqual(status, 200)
            self.assertIn("SecretCampaign", content)
            self.assertNotIn("SecretAda", content)
            self.assertNotIn("SecretLabel", content)
        status, content = self.get(f"{INTERNAL}/csv", fields="first_name", **params)
        self.assertEqual(status, 400)
        self.billing_user.group_ids += self.env.ref("lead_invoicing.group_lead_data")
        self.env.flush_all()
        for file_type in TYPES:
            status, content = self.get(f"{INTERNAL}/{file_type}", **params)
            self.assertIn("SecretAda", content)

    def test_hostile_parameters_get_a_sentence(self):
        for user, base in (("other", OWN), ("manager", INTERNAL)):
            self.login(user)
            for name in LABELS:
                for value in HOSTILE:
                    with self.subTest(user=user, name=name, value=value[:30]):
                        params = {"partner_id": self.other_buyer.id, name: value}
                        status, content = self.get(f"{base}/csv", **params)
                        self.assertIn(status, (200, 400, 403))
                        self.assertNotIn("<script>alert", content)
                        self.assertNotIn("Traceback", content)
                        self.assert_nothing_of_others(content)
                        if status == 400:
                            self.assertIn(f'role="alert">{LABELS[name]}: ', content)
        self.assertTrue(self.secret_sale.exists())

    def test_no_other_format(self):
        self.login("parent")
        response = self.url_open(f"{OWN}/exe")
        self.assertEqual(response.status_code, 404)

    def test_a_write_on_the_way_is_noticed(self):
        """The routes are read-only, and the other tests would fail if one wrote."""
        self.login("parent")
        model = type(self.env["lead.invoicing.report"])
        check = model._check_reader

        def check_and_write(records, partner):
            partner.sudo().comment = "written"
            partner.env.flush_all()
            return check(records, partner)

        self.patch(model, "_check_reader", check_and_write)
        with self.assertLogs("odoo.http", "WARNING") as logs:
            self.url_open(f"{OWN}/csv")
        self.assertIn("retrying with a read/write cursor", logs.output[0])
