from odoo import http
from odoo.tests import tagged

from .common.portal import HOSTILE, PortalReportCommon

URL = "/my/lead-top-up"


@tagged("post_install", "-at_install", "-clock")
class TestTopUpPortal(PortalReportCommon):
    """A prepaid buyer requests to pay in by bank transfer: its own, and nobody
    else's."""

    def setUp(self):
        super().setUp()
        self.buyer.lead_billing_mode = "prepaid"
        self.login(self.portal_user)

    @property
    def top_ups(self):
        return self.env["lead.top.up"].sudo().search([], order="id")

    def post(self, path=URL, token=True, **data):
        if token:
            data["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=data, allow_redirects=False)

    def test_a_buyer_requests_bank_details(self):
        page = self.get_page(URL)
        self.assertTrue(page.xpath("//input[@name='amount']"))
        response = self.post(amount="250.50")
        request = self.top_ups
        self.assertEqual(response.status_code, 303)
        self.assertEqual((request.amount, request.partner_id), (250.5, self.buyer))
        self.assertEqual(request.requester_id, self.portal_user.partner_id)
        page = self.get_page(f"{URL}/{request.id}")
        self.assertEqual(
            self.text(page, "//*[@name='lead_top_up_reference']"), [request.reference]
        )
        rows = self.text(self.get_page(URL), "//table[@name='lead_top_ups']/tbody/tr")
        self.assertIn(request.reference, rows[0])
        self.post(f"{URL}/{request.id}/cancel")
        self.assertEqual(request.state, "canceled")

    def test_a_buyer_downloads_its_request(self):
        self.post(amount="100")
        response = self.get(f"{URL}/{self.top_ups.id}/pdf")
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        self.assertIn("no-store", response.headers["Cache-Control"])

    def test_amounts_that_are_none_are_told(self):
        self.company.lead_top_up_minimum = 50
        for amount in ("", "0", "-5", "49.99", "1,000.00", "12.345", *HOSTILE):
            response = self.post(amount=amount)
            with self.subTest(amount):
                self.assertEqual(response.status_code, 200)
                self.assertIn("lead_top_up_error", response.text)
        self.assertFalse(self.top_ups)

    def test_what_an_address_can_be_breaks_nothing(self):
        for value in HOSTILE:
            response = self.get(URL, company_id=value, amount=value)
            with self.subTest(value):
                self.assertEqual(response.status_code, 200)

    def test_a_buyer_on_credit_is_told_why_not(self):
        self.buyer.lead_billing_mode = "credit"
        page = self.get_page(URL)
        (error,) = self.text(page, "//*[@id='lead_top_up_error']")
        self.assertIn("who prepay", error)
        self.assertFalse(page.xpath("//input[@name='amount']"))
        self.post(amount="100")
        self.assertFalse(self.top_ups)

    def test_others_see_nothing_of_it(self):
        self.post(amount="100")
        request = self.top_ups
        for user in (self.other_portal_user, self.billing_user):
            self.login(user)
            for path in ("", "/pdf"):
                response = self.get(f"{URL}/{request.id}{path}")
                with self.subTest(path, user=user.login):
                    self.assertEqual(response.status_code, 404)
            response = self.post(f"{URL}/{request.id}/cancel")
            self.assertEqual(response.status_code, 404)
        self.assertEqual(request.state, "requested")
        self.assertEqual(self.get(URL).status_code, 404)
        self.authenticate(None, None)
        self.assertIn("/web/login", self.get(URL).headers["Location"])

    def test_the_form_of_another_page_is_refused(self):
        response = self.post(amount="100", token=False)
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.top_ups)
