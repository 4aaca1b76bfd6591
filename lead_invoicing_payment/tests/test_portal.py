import json

from odoo.tests import JsonRpcException, tagged

from odoo.addons.lead_invoicing.tests.common.portal import HOSTILE, PortalReportCommon

from .common import DemoProvider

URL = "/my/lead-top-up"


@tagged("post_install", "-at_install", "-clock")
class TestOnlineTopUp(DemoProvider, PortalReportCommon):
    """A prepaid buyer pays in online: what is confirmed is its deposit, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_provider()

    def setUp(self):
        super().setUp()
        self.buyer.lead_billing_mode = "prepaid"
        self.login(self.portal_user)
        self.before = self.get_balance()

    def test_what_an_address_can_be_breaks_nothing(self):
        for name in ("payment", "amount", "company_id"):
            for value in HOSTILE:
                with self.subTest(name=name, value=value[:30]):
                    self.get_page(URL, **{name: value})

    @property
    def transactions(self):
        return self.env["payment.transaction"].sudo().search([], order="id")

    def open_form(self, amount="250"):
        """Open Odoo's payment form; return what it sends."""
        page = self.get_page(f"{URL}/pay", amount=amount)
        (form,) = page.xpath("//form[@id='o_payment_form']")
        return form.get("data-transaction-route"), {
            "provider_id": self.provider.id,
            "payment_method_id": self.method.id,
            "token_id": None,
            "amount": float(form.get("data-amount")),
            "flow": "direct",
            "tokenization_requested": False,
            "landing_route": form.get("data-landing-route"),
            "is_validation": False,
            "access_token": form.get("data-access-token"),
        }

    def pay(self, amount="250", state="done", **vals):
        """Pay as the form does; return the transaction."""
        route, values = self.open_form(amount)
        answer = self.make_jsonrpc_request(route, {**values, **vals})
        simulated = {
            "reference": answer["reference"],
            "payment_details": "1234",
            "simulated_state": state,
        }
        for _time in range(2):
            self.make_jsonrpc_request("/payment/demo/simulate_payment", simulated)
        self.assertEqual(
            self.make_jsonrpc_request("/payment/status/poll", {})["state"], state
        )
        self.env.invalidate_all()
        return self.transactions.filtered(lambda t: t.reference == answer["reference"])

    def assert_refused(self, route, values):
        count = len(self.transactions)
        with self.assertRaises(JsonRpcException):
            self.make_jsonrpc_request(route, values)
        self.assertEqual(len(self.transactions), count)

    def test_a_confirmed_payment_is_the_buyers_deposit(self):
        transaction = self.pay()
        payment = transaction.payment_id
        self.assertEqual(payment.partner_id, self.buyer)
        self.assertEqual((payment.amount, payment.invoice_ids.ids), (250, []))
        self.assertTrue(payment.move_id)
        self.assertEqual(self.get_balance() - self.before, 250)
        # The core's settlement took it for the open invoice.
        self.assertEqual(self.document.amount_residual, 0)
        page = self.get_page(URL, payment=transaction.reference)
        self.assertIn("250.00", self.text(page, "//*[@name='lead_top_up_paid']")[0])

    def test_what_is_pending_refused_or_canceled_moves_no_balance(self):
        for state, name in (
            ("pending", "pending"),
            ("error", "failed"),
            ("cancel", "failed"),
        ):
            transaction = self.pay(state=state)
            page = self.get_page(URL, payment=transaction.reference)
            with self.subTest(state):
                self.assertFalse(transaction.payment_id)
                self.assertEqual(self.get_balance(), self.before)
                self.assertTrue(page.xpath(f"//*[@name='lead_top_up_{name}']"))

    def test_a_payment_method_is_saved_if_that_is_wanted(self):
        transaction = self.pay(tokenization_requested=True)
        self.assertEqual(transaction.token_id.partner_id, self.portal_user.partner_id)
        # And used again.
        self.pay(flow="token", token_id=transaction.token_id.id)

    def test_what_the_form_did_not_show_is_refused(self):
        route, values = self.open_form()
        disabled = self.provider.copy({"state": "disabled"})
        strange = self.new_token(self.other_portal_user.partner_id)
        for vals in (
            {"amount": 1.0},
            {"amount": "x"},
            {"amount": -250.0},
            {"access_token": "x"},
            {"provider_id": disabled.id},
            {"provider_id": 0},
            {"flow": "token", "token_id": strange.id},
            {"partner_id": self.other_buyer.id},
            {"custom_create_values": {"state": "done"}},
        ):
            with self.subTest(json.dumps(vals)):
                self.assert_refused(route, {**values, **vals})
        self.assert_refused(f"{URL}/transaction/{self.abroad.id}", values)
        self.company.lead_top_up_minimum = 300
        self.assert_refused(route, values)

    def test_the_form_leads_nowhere_else(self):
        route, values = self.open_form()
        values["landing_route"] = "https://evil.example"
        answer = self.make_jsonrpc_request(route, values)
        transaction = self.transactions.filtered(
            lambda t: t.reference == answer["reference"]
        )
        self.assertTrue(transaction.landing_route.startswith(f"{URL}?payment="))

    def test_another_buyers_form_is_refused(self):
        route, values = self.open_form()
        self.other_buyer.lead_billing_mode = "prepaid"
        for user in (self.other_portal_user, self.billing_user):
            self.login(user)
            with self.subTest(user.login):
                self.assert_refused(route, values)
        self.authenticate(None, None)
        self.assert_refused(route, values)

    def test_another_buyers_payment_is_not_told(self):
        transaction = self.pay()
        self.other_buyer.lead_billing_mode = "prepaid"
        self.login(self.other_portal_user)
        page = self.get_page(URL, payment=transaction.reference)
        self.assertFalse(page.xpath("//*[@name='lead_top_up_paid']"))

    def test_a_buyer_on_credit_pays_nothing_in(self):
        route, values = self.open_form()
        self.buyer.lead_billing_mode = "credit"
        self.assert_refused(route, values)
        page = self.get_page(f"{URL}/pay", amount="250")
        self.assertTrue(page.xpath("//*[@id='lead_top_up_error']"))

    def test_amounts_that_are_none_show_no_form(self):
        for amount in ("", "0", "1,000.00", *HOSTILE):
            page = self.get_page(f"{URL}/pay", amount=amount)
            with self.subTest(amount):
                self.assertFalse(page.xpath("//form[@id='o_payment_form']"))

    def test_the_choice_of_another_page_is_refused(self):
        response = self.url_open(f"{URL}/pay", data={"amount": "100"})
        self.assertEqual(response.status_code, 400)

    def test_without_a_provider_only_bank_transfers_are_offered(self):
        self.provider.state = "disabled"
        page = self.get_page(URL)
        self.assertFalse(page.xpath("//button[@name='lead_top_up_online']"))
        self.assertTrue(page.xpath("//button[@name='lead_top_up_transfer']"))
