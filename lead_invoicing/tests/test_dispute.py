from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common.dispute import DisputeCommon
from .common.generation import GENERATION, WEEK
from .common.rights import RightsCommon


@tagged("post_install", "-at_install")
class TestDispute(DisputeCommon):
    """What is disputed, and how a dispute ends."""

    def test_certain_leads_have_their_tax_in_the_disputed_amount(self):
        self.tax()
        sales = self.new_sale(price="10.00") + self.new_sale(price="20.00")
        invoice = self.generate()
        dispute = self.dispute(invoice, self.billing_user, sale_ids=sales[1])
        self.assertEqual(dispute.amount, 23)
        self.assertEqual(invoice.lead_disputed_amount, 23)
        self.assertEqual(invoice._get_lead_amount_to_pay(), 11.5)

    def test_what_a_program_names_is_what_is_disputed(self):
        sales = self.new_sale(price="10.00") + self.new_sale(price="20.00")
        invoice = self.generate()
        for vals, scope, amount in (
            ({"amount": 4}, "amount", 4),
            ({"sale_ids": sales[1]}, "rows", 20),
            ({"sale_ids": sales[0], "amount": 1}, "rows", 10),
            ({}, "whole", 30),
            ({"sale_ids": []}, "whole", 30),
            ({"sale_ids": [Command.set([])], "amount": 0}, "whole", 30),
        ):
            with self.subTest(vals=vals):
                dispute = self.dispute(invoice, self.billing_user, **vals)
                self.assertEqual(
                    (dispute.scope, dispute.amount, dispute.state),
                    (scope, amount, "open"),
                )
                with freeze_time("2026-11-12 12:00"):
                    dispute.action_withdraw()

    def test_the_form_proposes_certain_leads(self):
        sale = self.new_sale(price="10.00")
        disputes = self.env["lead.dispute"].with_user(self.billing_user)
        defaults = disputes.default_get(["scope"])
        self.assertEqual(defaults["scope"], "rows")
        # Who chooses them there and names none is told so.
        invoice = self.generate()
        with self.assertRaisesRegex(UserError, "Choose the leads"):
            self.dispute(invoice, self.billing_user, scope="rows")
        self.assertEqual(sale.billing_state, "invoiced")

    def test_what_cannot_be_stored_of_a_dispute_is_refused(self):
        self.new_sale()
        invoice = self.generate()
        for text in ("a\0b", "\ud800"):
            for name in ("reason", "answer"):
                with (
                    self.subTest(name=name, text=text),
                    self.assertRaisesRegex(UserError, "cannot be stored"),
                ):
                    self.dispute(invoice, self.billing_user, **{name: text})
        dispute = self.dispute(invoice, self.billing_user)
        with self.assertRaisesRegex(UserError, "Answer: .*cannot be stored"):
            dispute.answer = "a\0b"

    def test_a_dispute_is_found_by_its_number(self):
        sale = self.new_sale()
        invoice = self.generate()
        dispute = self.dispute(invoice, self.billing_user, sale_ids=sale)
        disputes = self.env["lead.dispute"].with_user(self.billing_user)
        for text in (dispute.name, dispute.name.lower(), f" {dispute.id} "):
            with self.subTest(text=text):
                self.assertEqual(disputes.search([("name", "ilike", text)]), dispute)
                self.assertEqual(disputes.name_search(text)[0][0], dispute.id)
        self.assertEqual(disputes.name_search(invoice.name)[0][0], dispute.id)
        for text in ("DIS-", "REQ-1", "9" * 30, "%", ""):
            with self.subTest(text=text):
                self.assertFalse(disputes.search([("name", "=", text)]))
        self.assertIn(dispute, disputes.search([("display_name", "!=", "DIS-0")]))

    def test_the_disputed_amount_is_rounded_once(self):
        self.tax()
        sales = [self.new_sale(price="19.50") for _lead in range(3)]
        invoice = self.generate()
        dispute = self.dispute(invoice, sale_ids=sales[0] + sales[1])
        self.assertEqual(dispute.amount, 44.85)  # twice 22.425
        self.assertEqual(dispute.row_ids.mapped("amount"), [22.43, 22.42])

    def test_the_whole_invoice_is_what_is_left_of_it(self):
        sale = self.new_sale(price="10.00")
        self.new_sale(price="20.00")
        invoice = self.generate()
        self.new_return(sale, at="2026-11-10T12:00:00Z")
        self.company.lead_return_policy = "credit_note"
        self.generate(GENERATION + WEEK)
        self.assertEqual(self.dispute(invoice, scope="whole").amount, 20)

    def test_a_dispute_has_an_owner_and_a_deadline(self):
        self.company.lead_dispute_days = 10
        self.cycle.user_id = self.billing_user
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole", user=self.billing_user)
        self.assertEqual(str(dispute.deadline), "2026-11-22")
        self.assertEqual(dispute.user_id, self.billing_user)
        activity = dispute.activity_ids
        self.assertEqual(activity.date_deadline, dispute.deadline)
        self.assertEqual(activity.user_id, dispute.user_id)
        self.assertEqual(activity.lead_company_id, self.company)
        dispute.write({"deadline": "2026-11-15", "user_id": self.manager.id})
        activity = dispute.activity_ids
        self.assertEqual(str(activity.date_deadline), "2026-11-15")
        self.assertEqual(activity.user_id, self.manager)
        with freeze_time("2026-11-16 12:00"):
            dispute.invalidate_recordset()
            self.assertTrue(dispute.is_overdue)
            self.assertIn(dispute, dispute.search([("is_overdue", "=", True)]))
        self.accept(dispute)
        self.assertFalse(dispute.activity_ids)

    def test_what_is_disputed_never_changes(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="amount", amount=4)
        for vals in (
            {"amount": 3},
            {"scope": "whole"},
            {"reason": "Other"},
            {"state": "accepted"},
            {"sale_ids": [Command.clear()]},
        ):
            with self.subTest(vals), self.assertRaises(UserError):
                dispute.with_user(self.manager).write(vals)
        with self.assertRaises(UserError):
            dispute.unlink()

    def test_a_lead_is_disputed_once(self):
        sales = self.new_sale() + self.new_sale()
        invoice = self.generate()
        dispute = self.dispute(invoice, sale_ids=sales[0])
        with mute_logger("odoo.sql_db"):
            with self.assertRaises(UniqueViolation), self.cr.savepoint():
                self.dispute(invoice, sale_ids=sales)
            self.reject(dispute)
            with self.assertRaises(UniqueViolation), self.cr.savepoint():
                self.dispute(invoice, sale_ids=sales[0])

    def test_a_withdrawn_dispute_never_was(self):
        sale = self.new_sale()
        invoice = self.generate()
        dispute = self.dispute(invoice, sale_ids=sale)
        dispute.with_user(self.billing_user).action_withdraw()
        self.assertEqual(invoice.lead_disputed_amount, 0)
        self.assertEqual(self.dispute(invoice, sale_ids=sale).state, "open")

    def test_no_more_is_disputed_than_is_left(self):
        invoice = self.new_invoices(10)
        self.dispute(invoice, scope="amount", amount=6)
        for amount in (4.01, 0, -1, float("nan"), float("inf"), "x"):
            with self.subTest(amount), self.assertRaises(UserError):
                self.dispute(invoice, scope="amount", amount=amount)
        self.assertEqual(self.dispute(invoice, scope="whole").amount, 4)

    def test_only_a_posted_invoice_for_leads_can_be_disputed(self):
        invoice, other = self.new_invoices(10, 10)
        self.reverse(invoice)
        with self.assertRaises(UserError):
            self.dispute(invoice, scope="whole")
        other.button_draft()
        with self.assertRaises(UserError):
            self.dispute(other, scope="whole")

    def test_leads_of_another_invoice_cannot_be_disputed(self):
        self.new_sale()
        first = self.generate()
        self.new_sale(at="2026-11-11T12:00:00Z")
        second = self.generate(GENERATION + WEEK)
        with self.assertRaises(UserError):
            self.dispute(first, sale_ids=second.lead_sale_ids)

    # Settlement

    def test_a_disputed_invoice_is_left_out_of_settlement_as_a_whole(self):
        self.buyer.lead_billing_mode = "prepaid"
        first, second = self.new_invoices(10, 20)
        dispute = self.dispute(first, scope="amount", amount=1)
        self.deposit(30)
        self.assertEqual(first.amount_residual, 10)
        self.assertEqual(second.amount_residual, 0)
        self.reject(dispute)
        self.assertEqual(first.amount_residual, 0)

    def test_a_payment_registered_for_a_disputed_invoice_is_never_refused(self):
        invoice = self.new_invoices(10)
        self.dispute(invoice, scope="whole")
        self.register_payment(invoice)
        self.assertEqual(invoice.amount_residual, 0)

    def test_what_its_returns_give_back_does_not_settle_a_disputed_invoice(self):
        self.company.lead_return_policy = "net"
        sales = self.new_sale() + self.new_sale()
        invoice = self.generate()
        dispute = self.dispute(invoice, sale_ids=sales[0])
        self.new_return(sales[1], at="2026-11-10T12:00:00Z")
        credit = self.generate(GENERATION + WEEK)
        self.assertEqual(credit.move_type, "out_refund")
        self.assertEqual(invoice.amount_residual, 20)
        self.assertEqual(credit.amount_residual, 10)
        dispute.action_withdraw()
        self.assertEqual(invoice.amount_residual, 10)

    def test_what_is_paid_back_reopens_no_disputed_invoice(self):
        self.buyer.lead_billing_mode = "prepaid"
        self.deposit(30)
        first, second = self.new_invoices(10, 20)
        self.assertEqual(second.amount_residual, 0)
        self.dispute(second, scope="whole")
        self.pay_back(10)
        self.assertEqual(second.amount_residual, 0)
        self.assertEqual(first.amount_residual, 10)

    # Accepted

    def test_accepted_leads_are_returned(self):
        sales = self.new_sale(price="10.00") + self.new_sale(price="20.00")
        invoice = self.generate()
        self.new_return(sales[1], "5.00", at="2026-11-10T12:00:00Z")
        dispute = self.dispute(invoice, sale_ids=sales)
        self.accept(dispute, self.billing_user)
        self.assertEqual(dispute.state, "accepted")
        returns = dispute.row_ids.return_id
        self.assertEqual(
            sorted((back.external_ref, back.price) for back in returns),
            sorted(
                (f"DIS-{dispute.id}-{sale.id}", price)
                for sale, price in zip(sales, (10, 15), strict=True)
            ),
        )
        # Nobody is asked to pay what is about to be credited.
        self.assertEqual(invoice.lead_disputed_amount, 25)
        credit = self.generate(GENERATION + WEEK)
        self.assertEqual(credit.amount_total, 30)
        invoice.invalidate_recordset()
        self.assertEqual(invoice.lead_disputed_amount, 0)
        self.assertEqual(invoice.amount_residual, 0)

    def test_the_platforms_own_return_is_a_duplicate_of_the_disputes(self):
        sale = self.new_sale(price="10.00")
        invoice = self.generate()
        self.new_return(sale, "4.00", at="2026-11-10T12:00:00Z")
        dispute = self.dispute(invoice, sale_ids=sale)
        self.accept(dispute, self.billing_user)
        back = dispute.row_ids.return_id
        row = {
            "external_ref": "R1",
            "type": "return",
            "origin_external_ref": sale.external_ref,
            "occurred_at": "2026-11-11T12:00:00Z",
            "buyer_ref": self.buyer.ref,
            "lead_type": "EDU",
            "price": 6,
        }
        ledger = self.env["lead.sale"].with_user(self.integrator)
        with freeze_time("2026-11-13 12:00"):
            self.assertEqual(ledger.check_transactions([row])[0]["status"], "duplicate")
            self.assertFalse(dispute.row_ids.platform_ref)
            for _time in range(2):
                (answer,) = ledger.record_transactions([row])
                self.assertEqual(answer["status"], "duplicate")
                self.assertEqual(answer["id"], back.id)
                self.assertIn(back.external_ref, answer["message"])
                self.assertEqual(dispute.row_ids.platform_ref, "R1")
            # It stands for one return; another amount is another return.
            for other in ({"external_ref": "R2"}, {"external_ref": "R1", "price": 5}):
                (answer,) = ledger.record_transactions([{**row, **other}])
                self.assertEqual(answer["status"], "error")
                self.assertIn("returned in full", answer["message"])

    def test_an_accepted_sum_is_credited_in_the_proportion_of_its_taxes(self):
        self.tax()
        tax = self.company_data["default_tax_sale"].copy({"amount": 5, "name": "5 %"})
        self.auto_product.taxes_id = [Command.set(tax.ids)]
        self.new_sale(price="10.00")
        self.new_sale(price="20.00", lead_type="AUTO")
        invoice = self.generate()
        self.assertEqual(invoice.amount_total, 32.5)
        dispute = self.dispute(invoice, scope="amount", amount=10)
        self.accept(dispute, self.billing_user)
        note = dispute.credit_note_id
        self.assertEqual(note.state, "posted")
        self.assertEqual(note.reversed_entry_id, invoice)
        self.assertEqual(note.amount_total, 10)
        self.assertEqual(len(note.invoice_line_ids), 2)
        self.assertEqual(invoice.amount_residual, 22.5)
        self.assertFalse(invoice.lead_credited)

    def test_an_accepted_whole_is_credited_in_full(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        self.accept(dispute, self.billing_user)
        self.assertTrue(invoice.lead_credited)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(dispute.credit_note_id.amount_total, 10)

    def test_the_whole_leaves_what_another_dispute_is_about(self):
        invoice = self.new_invoices(10)
        part = self.dispute(invoice, scope="amount", amount=3)
        whole = self.dispute(invoice, scope="whole")
        self.accept(whole, self.billing_user)
        self.assertEqual(whole.credit_note_id.amount_total, 7)
        self.assertEqual(part.state, "open")
        self.reject(part)
        self.assertEqual((invoice.amount_residual, invoice.lead_credited), (3, False))
        rest = self.dispute(invoice, scope="whole")
        self.accept(rest)
        self.assertEqual((invoice.amount_residual, invoice.lead_credited), (0, True))

    def test_what_a_discount_took_off_is_not_disputed(self):
        self.tax()
        self.env["lead.billing.charge"].create(
            {
                "name": "Discount",
                "kind": "discount",
                "percent": 10,
                "partner_id": self.buyer.id,
                "product_id": self.auto_product.id,
                "date_from": "2026-11-01",
            }
        )
        sales = self.new_sale(price="60.00") + self.new_sale(price="40.00")
        invoice = self.generate()
        self.assertEqual(invoice.amount_total, 103.5)
        dispute = self.dispute(invoice, sale_ids=sales[0])
        self.assertEqual(dispute.amount, 62.1)
        self.assertEqual(self.dispute(invoice, sale_ids=sales[1]).amount, 41.4)
        self.accept(dispute)
        self.assertEqual(self.generate(GENERATION + WEEK).amount_total, 62.1)

    def test_leads_of_which_less_is_left_are_not_disputed(self):
        sales = self.new_sale(price="60.00") + self.new_sale(price="40.00")
        invoice = self.generate()
        self.accept(self.dispute(invoice, scope="amount", amount=80))
        with self.assertRaisesRegex(UserError, r"20\.00 of INV.* is left"):
            self.dispute(invoice, sale_ids=sales[1])
        # Nothing else of it is given back than what it is less for other leads.
        self.company.lead_return_policy = "net"
        self.new_return(sales[0], "20.00", at="2026-11-10T12:00:00Z")
        self.new_sale(price="50.00", at="2026-11-11T12:00:00Z")
        netted = self.generate(GENERATION + WEEK)
        self.assertEqual(netted.amount_total, 30)
        sale = netted.lead_sale_ids.filtered(lambda s: s.transaction_type == "sale")
        self.assertEqual(self.dispute(netted, sale_ids=sale).amount, 30)

    def test_a_lead_is_disputed_though_its_price_was_corrected_since(self):
        sale = self.new_sale(price="100.00")
        self.new_sale(price="50.00")
        invoice = self.generate()
        self.new_sale(
            price="80.00",
            at="2026-11-10T12:00:00Z",
            type="correction",
            origin_external_ref=sale.external_ref,
        )
        self.generate(GENERATION + WEEK)
        dispute = self.dispute(invoice, sale_ids=sale)
        self.accept(dispute)
        self.assertEqual(dispute.row_ids.return_id.price, 80)
        self.assertEqual(self.generate(GENERATION + 2 * WEEK).amount_total, 80)

    def test_a_prepaid_buyer_gets_an_accepted_sum_back_on_its_balance(self):
        self.buyer.lead_billing_mode = "prepaid"
        self.deposit(10)
        first = self.new_invoices(10)
        self.accept(self.dispute(first, scope="amount", amount=4))
        second = self.next_invoice(4)
        self.assertEqual(second.amount_residual, 0)

    def test_a_closed_dispute_is_not_decided_again(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        self.accept(dispute)
        for method in ("action_accept", "action_reject", "action_withdraw"):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(dispute, method)()

    # Rejected

    def test_a_rejection_needs_an_answer_that_the_buyer_reads(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        with self.assertRaisesRegex(UserError, "answer"):
            dispute.action_reject()
        self.reject(dispute, self.billing_user)
        message = invoice.message_ids.filtered("partner_ids")
        self.assertEqual(message.partner_ids, self.buyer)
        self.assertIn("These numbers are right.", message.body)
        with self.assertRaises(UserError):
            dispute.with_user(self.billing_user).answer = "Other"

    def test_a_rejected_dispute_can_be_opened_again(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        self.reject(dispute)
        dispute.with_user(self.billing_user).action_reopen()
        self.assertEqual(dispute.state, "open")
        self.assertEqual(invoice.lead_disputed_amount, 10)
        self.assertTrue(dispute.activity_ids)

    # What else ends it

    def test_a_full_credit_accepts_what_is_disputed(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="amount", amount=3)
        self.reverse(invoice)
        self.assertEqual(dispute.state, "accepted")
        self.assertFalse(dispute.activity_ids)
        self.assert_buyer_told(invoice, "was accepted: the invoice was credited")

    def test_what_is_invoiced_again_was_not_accepted(self):
        """Nothing is given back, and the buyer is told so."""
        (invoice,) = self.new_invoices(10)
        dispute = self.dispute(invoice, sale_ids=invoice.lead_sale_ids)
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        wizard = wizard.create({"journal_id": invoice.journal_id.id})
        wizard.modify_moves()
        self.assertEqual(dispute.state, "withdrawn")
        self.assertTrue(invoice.lead_credited)
        self.assert_buyer_told(invoice, "you can dispute that one")
        again = wizard.new_move_ids
        again.action_post()
        self.dispute(again, sale_ids=again.lead_sale_ids)
        self.assertEqual(again.lead_disputed_amount, 10)

    def assert_buyer_told(self, invoice, words):
        message = invoice.message_ids.filtered("partner_ids")
        self.assertEqual(message.partner_ids, self.buyer)
        self.assertIn(words, message.body)

    def test_an_invoice_that_leaves_the_books_ends_its_disputes(self):
        invoice, other = self.new_invoices(10, 10)
        sale = invoice.lead_sale_ids
        dispute = self.dispute(invoice, sale_ids=sale)
        second = self.dispute(other, scope="whole")
        invoice.button_draft()
        other.button_cancel()
        self.assertEqual(dispute.state, "withdrawn")
        self.assertEqual(second.state, "withdrawn")
        self.assertTrue(dispute.row_ids.withdrawn)
        for document in (invoice, other):
            self.assert_buyer_told(document, "the invoice was taken back")

    # What the buyer is asked

    def test_the_request_to_pay_names_the_undisputed_rest(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="amount", amount=4)
        request = invoice._get_lead_payment_request()
        self.assertIn("4.00", request)
        self.assertIn("remaining $\xa06.00", request)
        self.assertEqual(
            invoice._get_invoice_next_payment_values()["next_amount_to_pay"], 6
        )
        page, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice", invoice.ids
        )
        self.assertIn("Please pay the remaining", page.decode())
        dispute.action_withdraw()
        self.dispute(invoice, scope="whole")
        self.assertIn("nothing to pay", invoice._get_lead_payment_request())


@tagged("post_install", "-at_install", "-clock")
class TestDisputeRights(DisputeCommon, RightsCommon):
    def test_a_clerk_without_our_groups_reads_the_amount_and_no_dispute(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        own = invoice.with_user(self.accountant)
        self.assertEqual(own.lead_disputed_amount, 10)
        with self.assertRaises(AccessError):
            dispute.with_user(self.accountant).read(["reason"])
        # Reset to draft by who knows nothing of disputes.
        own.button_draft()
        self.assertEqual(dispute.state, "withdrawn")

    def test_a_buyer_disputes_own_invoices_only(self):
        self.portal_user.partner_id.parent_id = self.other_buyer
        invoice = self.new_invoices(10)
        disputes = self.env["lead.dispute"].with_user(self.portal_user)
        with self.assertRaises(AccessError):
            disputes._open_by_buyer(invoice, "whole", "Mine")
        dispute = self.dispute(invoice, scope="whole")
        with self.assertRaises(AccessError):
            dispute.with_user(self.portal_user)._withdraw_by_buyer()
        self.portal_user.partner_id.parent_id = self.buyer
        dispute.with_user(self.portal_user)._withdraw_by_buyer()
        opened = disputes._open_by_buyer(invoice, "whole", "Mine")
        self.assertTrue(opened.from_buyer)
        self.assertEqual(opened.create_uid, self.portal_user)
        with self.assertRaises(AccessError):
            disputes.browse(opened.id).read(["state"])
        with self.assertRaises(AccessError):
            disputes.create({"move_id": invoice.id, "reason": "x", "scope": "whole"})

    def test_another_company_has_no_part_in_it(self):
        invoice = self.new_invoices(10)
        dispute = self.dispute(invoice, scope="whole")
        with self.assertRaises(AccessError):
            dispute.with_user(self.stranger).action_accept()
        with self.assertRaises(AccessError):
            self.dispute(invoice, scope="amount", amount=1, user=self.stranger)

    def test_leads_of_another_company_are_not_told(self):
        self.bill()
        env = self.env(
            context={**self.env.context, "allowed_company_ids": self.abroad.ids}
        )
        product = env["product.product"].create({"name": "P", "type": "service"})
        env["lead.type"].create(
            {
                "name": "T",
                "code": "ABROAD",
                "company_id": self.abroad.id,
                "product_id": product.id,
            }
        )
        [answer] = env["lead.sale"].record_transactions(
            [
                {
                    "external_ref": "THEIRS",
                    "type": "sale",
                    "occurred_at": "2026-11-04T12:00:00Z",
                    "buyer_ref": self.buyer.ref,
                    "lead_type": "ABROAD",
                    "price": 5,
                }
            ]
        )
        with self.assertRaises(AccessError) as caught:
            self.dispute(
                self.document,
                self.billing_user,
                scope="rows",
                sale_ids=self.env["lead.sale"].browse(answer["id"]),
            )
        self.assertNotIn("THEIRS", str(caught.exception))
