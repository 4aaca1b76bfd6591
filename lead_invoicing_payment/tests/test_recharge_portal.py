from lxml import html

from odoo import http
from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.portal import HOSTILE, PortalReportCommon

from .common import DemoProvider

URL = "/my/lead-recharge"
TERMS = {"threshold": "100", "amount": "500", "daily_limit": "1000"}


@tagged("post_install", "-at_install", "-clock")
class TestRechargePortal(DemoProvider, PortalReportCommon):
    """Only the buyer consents to automatic recharge, and withdraws it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_provider()

    def setUp(self):
        super().setUp()
        self.buyer.lead_billing_mode = "prepaid"
        self.token = self.new_token(self.portal_user.partner_id)
        self.login(self.portal_user)

    @property
    def consents(self):
        return self.env["lead.recharge.consent"].sudo().search([], order="id")

    def post(self, path=URL, with_csrf=True, **data):
        if with_csrf:
            data["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=data, allow_redirects=False)

    def agree(self, **vals):
        return self.post(**{"token_id": self.token.id, "agreed": "1", **TERMS, **vals})

    def test_a_buyer_reads_what_it_agrees_to_and_agrees(self):
        response = self.post(token_id=self.token.id, **TERMS)
        self.assertFalse(self.consents)
        page = html.fromstring(response.text)
        (label,) = self.text(page, "//label[@for='lead_recharge_agreed']")
        self.agree()
        consent = self.consents
        self.assertEqual(" ".join(consent.text.split()), label)
        self.assertEqual(consent.user_id, self.portal_user)
        self.assertEqual(
            (consent.partner_id, consent.amount, consent.token_id),
            (self.buyer, 500, self.token),
        )
        page = self.get_page(URL)
        self.assertTrue(page.xpath("//*[@name='lead_recharge_consent']"))
        self.post(f"{URL}/withdraw", company_id=self.company.id)
        self.assertEqual(self.consents.mapped("kind"), ["given", "withdrawn"])
        self.assertEqual(self.consents[-1].user_id, self.portal_user)

    def test_nobody_else_consents_or_withdraws(self):
        self.agree()
        self.other_buyer.lead_billing_mode = "prepaid"
        self.login(self.other_portal_user)
        # With the payment method of another buyer; and for nobody.
        self.agree()
        self.post(f"{URL}/withdraw", company_id=self.company.id)
        page = self.get_page(URL)
        self.assertFalse(page.xpath("//*[@name='lead_recharge_consent']"))
        self.login(self.billing_user)
        self.assertEqual(self.agree().status_code, 404)
        self.assertEqual(self.get(URL).status_code, 404)
        self.authenticate(None, None)
        self.assertIn("/web/login", self.get(URL).headers["Location"])
        self.assertEqual(len(self.consents), 1)

    def test_the_form_of_another_page_is_refused(self):
        for path in (URL, f"{URL}/withdraw"):
            response = self.post(
                path, with_csrf=False, token_id=self.token.id, agreed="1", **TERMS
            )
            with self.subTest(path):
                self.assertEqual(response.status_code, 400)
        self.assertFalse(self.consents)

    def test_what_makes_no_sense_is_told(self):
        for name in ("token_id", "company_id", *TERMS):
            # What is NUL only is nothing, as the route reads it.
            for value in filter(lambda value: value.strip("\0"), HOSTILE):
                response = self.agree(**{name: value})
                with self.subTest(name, value=value):
                    self.assertEqual(response.status_code, 200)
        self.assertIn("lead_recharge_error", self.agree(daily_limit="1").text)
        self.assertFalse(self.consents)

    def test_without_a_saved_payment_method_it_says_where_to_save_one(self):
        self.token.active = False
        page = self.get_page(URL)
        self.assertTrue(page.xpath("//a[@href='/my/payment_method']"))
        self.assertFalse(page.xpath("//form[@name='lead_recharge_choices']"))

    def test_a_provider_that_waits_for_confirmation_is_not_offered(self):
        self.provider.capture_manually = True
        page = self.get_page(URL)
        self.assertFalse(page.xpath("//form[@name='lead_recharge_choices']"))
