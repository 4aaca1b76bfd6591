from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.account.tools import is_valid_structured_reference_iso

from .common.generation import GENERATION
from .common.prepaid import PrepaidCommon


@tagged("post_install", "-at_install")
class TestTopUp(PrepaidCommon):
    """A deposit that was asked for by a top-up request is recognized by its payment
    reference, once."""

    def new_top_up(self, amount=500, user=None, **vals):
        requests = self.env["lead.top.up"].with_user(user or self.billing_user)
        return requests.create(
            {"partner_id": self.buyer.id, "amount": amount, **vals}
        ).sudo(False)

    def receive(self, text, amount=500.0, **vals):
        """Let a bank transaction come in, as a bank statement does."""
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": "2026-11-05",
                "payment_ref": text,
                "amount": amount,
                **vals,
            }
        )

    def pay(self, reference, amount=500, partner=None):
        payment = self.new_payment(amount, partner)
        payment.memo = reference
        payment.action_post()
        return payment

    def get_balance(self, buyer=None):
        buyer = buyer or self.buyer
        buyer.invalidate_recordset(["lead_prepaid_balance"])
        return buyer.lead_prepaid_balance

    # What is asked for

    def test_each_request_has_a_payment_reference_of_its_own(self):
        first, second = self.new_top_up(), self.new_top_up()
        for request in first + second:
            self.assertTrue(is_valid_structured_reference_iso(request.reference))
        self.assertNotEqual(first.reference, second.reference)
        self.assertEqual(first.state, "requested")

    def test_only_prepaid_buyers_are_asked(self):
        self.buyer.lead_billing_mode = "credit"
        with self.assertRaisesRegex(UserError, "who prepay"):
            self.new_top_up()

    def test_nothing_is_asked_of_a_closed_account(self):
        self.buyer._close_lead_account(None, None)
        with self.assertRaisesRegex(UserError, "closed"):
            self.new_top_up()

    def test_an_amount_is_asked_for(self):
        for amount in (0, -1, 1e13, float("nan"), float("inf"), "x"):
            with self.subTest(amount), self.assertRaises(UserError):
                self.new_top_up(amount)

    def test_a_request_is_the_commercial_entitys(self):
        branch = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.buyer.id}
        )
        self.assertEqual(self.new_top_up(partner_id=branch.id).partner_id, self.buyer)

    def test_what_was_asked_for_stays(self):
        request = self.new_top_up().with_user(self.billing_user)
        for vals in ({"amount": 1}, {"partner_id": self.new_buyer("B").id}):
            with self.subTest(vals), self.assertRaisesRegex(UserError, "Cancel this"):
                request.write(vals)
        for vals in ({"is_canceled": True}, {"state": "paid"}, {"reference": "x"}):
            with self.subTest(vals), self.assertRaisesRegex(UserError, "sets this"):
                request.write(vals)

    def test_a_clerk_asks_from_the_contact_and_prints(self):
        buyer = self.buyer.with_user(self.billing_user)
        action = buyer.action_request_lead_top_up()
        form = Form(
            self.env[action["res_model"]]
            .with_user(self.billing_user)
            .with_context(**action["context"])
        )
        form.amount = 250
        request = form.save()
        self.assertEqual(request.partner_id, self.buyer)
        self.company.partner_id.bank_ids = [
            (0, 0, {"acc_number": "US12 3456", "allow_out_payment": True})
        ]
        html = (
            self.env["ir.actions.report"]
            .with_user(self.billing_user)
            ._render_qweb_html("lead_invoicing.report_top_up", request.ids)[0]
            .decode()
        )
        for text in (request.reference, "250.00", "US12 3456", "Buyer A"):
            self.assertIn(text, html)
        self.assertNotIn("ask us for our bank account", html)

    def test_without_a_bank_account_it_says_to_ask_for_it(self):
        request = self.new_top_up()
        self.company.partner_id.bank_ids.unlink()
        self.assertFalse(request._get_bank_account())
        reports = self.env["ir.actions.report"]
        html = reports._render_qweb_html("lead_invoicing.report_top_up", request.ids)[0]
        self.assertIn("Please ask us for our bank account", html.decode())

    def test_it_is_asked_for_in_the_currency_that_the_company_chose(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.company.lead_top_up_currency_id = euro
        self.assertEqual(self.new_top_up().currency_id, euro)

    # What comes in

    def test_a_bank_transaction_with_the_reference_is_the_buyers_deposit(self):
        self.new_sale(price="120.00")
        invoice = self.generate()
        request = self.new_top_up()
        # People and banks write as they like.
        text = f"SEPA+CREDIT/{request.reference.replace(' ', '-').lower()}20261105 x"
        line = self.receive(text)
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.move_id, line.move_id)
        self.assertEqual(request.paid_amount, 500)
        self.assertEqual(line.partner_id, self.buyer)
        self.env.cr.flush()
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(self.get_balance(), 380)

    def test_whoever_imports_the_statement_needs_no_rights_on_requests(self):
        request = self.new_top_up()
        accountant = new_test_user(
            self.env,
            login="top_up_accountant",
            groups="account.group_account_user",
            company_id=self.company.id,
        )
        self.env["account.bank.statement.line"].with_user(accountant).create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "payment_ref": request.reference,
                "amount": 500,
            }
        )
        self.assertEqual(request.state, "paid")

    def test_a_payment_with_the_reference_pays_the_request(self):
        request = self.new_top_up()
        payment = self.pay(request.reference, partner=self.buyer)
        self.assertEqual(request.move_id, payment.move_id)
        self.assertEqual((request.state, self.get_balance()), ("paid", 500))

    def test_a_payment_of_nobody_is_that_buyers(self):
        request = self.new_top_up()
        payment = self.new_payment(500)
        payment.write({"partner_id": False, "memo": f"x {request.reference}"})
        payment.action_post()
        self.assertEqual(payment.partner_id, self.buyer)
        self.assertEqual((request.state, self.get_balance()), ("paid", 500))

    def test_a_payment_of_another_buyer_pays_no_request(self):
        request = self.new_top_up()
        self.pay(request.reference, partner=self.new_buyer("Buyer B"))
        self.assertEqual((request.state, self.get_balance()), ("requested", 0))
        self.assertIn("stays open", request.message_ids[0].body)

    def test_another_amount_is_a_deposit_as_well(self):
        request = self.new_top_up()
        self.receive(request.reference, 499.5)
        self.assertEqual((request.state, request.paid_amount), ("paid", 499.5))
        self.assertEqual(self.get_balance(), 499.5)

    def test_a_reference_is_matched_once(self):
        request = self.new_top_up()
        payment = self.pay(request.reference, partner=self.buyer)
        # The bank's statement tells of the same money.
        line = self.receive(request.reference)
        self.assertEqual(request.move_id, payment.move_id)
        self.assertEqual(self.get_balance(), 500)
        self.assertTrue(line._seek_for_lines()[1])
        self.assertIn("same money", self.buyer.activity_ids.note)

    def test_money_for_a_canceled_request_is_a_deposit(self):
        request = self.new_top_up()
        request.with_user(self.billing_user).action_cancel()
        self.assertEqual(request.state, "canceled")
        self.receive(request.reference)
        self.assertEqual((request.state, self.get_balance()), ("paid", 500))
        with self.assertRaisesRegex(UserError, "is paid"):
            request.with_user(self.billing_user).action_cancel()

    def test_a_payment_that_is_taken_back_leaves_the_request_open(self):
        request = self.new_top_up()
        payment = self.pay(request.reference, partner=self.buyer)
        payment.action_draft()
        self.assertEqual(request.state, "requested")
        payment.action_post()
        self.assertEqual(request.state, "paid")
        payment.action_draft()
        payment.action_cancel()
        line = self.receive(request.reference)
        self.assertEqual(request.move_id, line.move_id)
        self.assertEqual((request.state, self.get_balance()), ("paid", 500))

    def test_a_bank_transaction_taken_off_the_buyer_leaves_the_request_open(self):
        request = self.new_top_up()
        line = self.receive(request.reference)
        # Booked by a person, it pays it again, unless it is another buyer's.
        for buyer, state in ((self.new_buyer("B"), "requested"), (self.buyer, "paid")):
            line.action_undo_reconciliation()
            self.assertEqual((request.state, self.get_balance()), ("requested", 0))
            line.partner_id = buyer
            _liquidity, suspense, _other = line._seek_for_lines()
            suspense.account_id = buyer.property_account_receivable_id
            self.assertEqual(request.state, state)
        self.assertEqual((request.paid_amount, self.get_balance()), (500, 500))
        self.assertEqual(self.find_broken(), [])

    def test_a_corrected_invoice_leaves_the_bank_transaction_on_the_buyer(self):
        request = self.new_top_up()
        line = self.receive(request.reference)
        self.new_sale(price="100")
        invoice = self.generate()
        self.assertEqual(invoice.payment_state, "paid")
        invoice.button_draft()
        self.assertEqual(self.get_balance(), 400)
        invoice.invoice_line_ids.filtered("lead_type_id").price_unit = 90
        self.assertEqual(request.state, "paid")
        self.assertFalse(line._seek_for_lines()[1], "set back to the suspense account")
        invoice.action_post()
        # As the end of the request does.
        self.env.cr.precommit.run()
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(self.get_balance(), 410)

    def test_a_corrected_reference_pays_the_other_request(self):
        first, second = self.new_top_up(), self.new_top_up()
        payment = self.pay(first.reference, partner=self.buyer)
        payment.action_draft()
        self.assertEqual(first.state, "requested")
        payment.memo = second.reference
        payment.action_post()
        self.assertEqual((first.state, second.state), ("requested", "paid"))

    def test_another_reference_pays_nothing(self):
        request = self.new_top_up()
        compact = request.reference.replace(" ", "")
        wrong = f"RF{(int(compact[2:4]) + 1) % 100:02}{compact[4:]}"
        for text in (wrong, compact[:-1], "transfer", f"{wrong} {compact[:-2]}"):
            line = self.receive(text)
            with self.subTest(text):
                self.assertTrue(line._seek_for_lines()[1])
        self.assertEqual((request.state, self.get_balance()), ("requested", 0))

    def test_money_that_goes_out_pays_nothing(self):
        request = self.new_top_up()
        self.receive(request.reference, -500)
        self.assertEqual(request.state, "requested")

    def test_money_for_two_requests_is_left_to_a_person(self):
        first, second = self.new_top_up(), self.new_top_up()
        line = self.receive(f"{first.reference} {second.reference}", 1000)
        self.assertEqual((first + second).mapped("state"), ["requested"] * 2)
        self.assertTrue(line._seek_for_lines()[1])

    def test_another_companys_money_pays_nothing(self):
        request = self.new_top_up()
        other = self.setup_other_company(name="Abroad")["company"]
        found = request._find_by_texts(other, [request.reference])
        self.assertFalse(found)

    def test_what_somebody_booked_is_left_there(self):
        request = self.new_top_up()
        line = self.receive(
            request.reference,
            counterpart_account_id=self.company_data["default_account_revenue"].id,
        )
        self.assertEqual(request.state, "requested")
        self.assertFalse(line.partner_id)

    def find_broken(self):
        """Return the rules of top-ups that do not hold."""
        self.env.flush_all()
        books = self.env["lead.invoice.run"].sudo()
        with freeze_time(GENERATION):
            rules = [finding["rule"] for finding in books.check_books()]
        return [rule for rule in rules if rule.startswith("top_up")]

    def test_check_the_books_finds_a_request_that_nothing_paid(self):
        request = self.new_top_up()
        self.receive(request.reference)
        self.assertEqual(self.find_broken(), [])
        for change in ("state = 'requested'", "state = 'paid', move_id = NULL"):
            self.env.cr.execute(  # pylint: disable=sql-injection
                f"UPDATE lead_top_up SET {change} WHERE id = %s", request.ids
            )
            self.env.invalidate_all(flush=False)
            self.assertEqual(self.find_broken(), ["top_up_without_deposit"], change)

    def test_a_clerk_opens_the_screens(self):
        request = self.new_top_up().with_user(self.billing_user)
        request.get_views(
            [(False, "list"), (False, "kanban"), (False, "form"), (False, "search")]
        )
        Form(request)
        Form(self.buyer.with_user(self.billing_user))

    # Who

    def test_another_companys_clerk_sees_no_request(self):
        request = self.new_top_up()
        abroad = self.setup_other_company(name="Abroad")["company"]
        stranger = new_test_user(
            self.env,
            login="top_up_stranger",
            groups="base.group_user,lead_invoicing.group_manager",
            company_id=abroad.id,
            company_ids=[(6, 0, abroad.ids)],
        )
        for user in (stranger, self.plain_user, self.portal_user, self.integrator):
            with self.subTest(user.login), self.assertRaises(AccessError):
                request.with_user(user).read(["amount"])

    def test_a_company_of_the_context_is_the_one_that_is_asked(self):
        abroad = self._create_company(name="Other House")
        self.buyer.with_company(abroad).lead_billing_mode = "credit"
        requests = self.env["lead.top.up"].with_context(
            allowed_company_ids=(self.company + abroad).ids
        )
        vals = {"partner_id": self.buyer.id, "amount": 10}
        with self.assertRaises(UserError):
            requests.with_context(default_company_id=abroad.id).create(vals)
        self.assertEqual(requests.create(vals).company_id, self.company)
