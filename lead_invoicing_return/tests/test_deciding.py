"""How requests are decided, and what comes of it."""

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..hooks import post_init_hook
from .common import NOW, ReturnRequestCommon


@tagged("post_install", "-at_install")
class TestDeciding(ReturnRequestCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))

    def test_an_accepted_request_makes_its_return_once(self):
        request = self.new_request()
        request.action_accept()
        back = request.sudo().return_id
        self.assertEqual(back.external_ref, f"REQ-{request.id}")
        self.assertEqual((back.origin_id, back.price), (request.sale_id, 10))
        self.assertEqual(back.reason_id, self.reason)
        self.assertFalse(back.price_adjustment)
        self.assertEqual(request.state, "accepted")
        self.assertEqual(request.decided_by_id, self.billing_user)
        # A call that broke off is repeated.
        request.action_accept()
        self.assertEqual(len(request.sale_id.sudo()._search_returns()), 1)
        self.generate()

    def test_it_is_for_the_rest_of_the_price_unless_less_is_asked_for(self):
        sale = self.new_sale()
        self.new_return(sale, 4)
        self.assertEqual(self.new_request(sale).amount, 6)
        request = self.new_request(amount=2.5)
        request.action_accept()
        self.assertTrue(request.return_id.price_adjustment)
        self.assertEqual(request.return_id.amount, -2.5)
        for amount in (10.01, -1, 0.001):
            with self.subTest(amount), self.assertRaisesRegex(UserError, "is left"):
                self.new_request(amount=amount)

    def test_whatever_a_program_sends_is_answered_by_a_sentence(self):
        sale = self.new_sale()
        self.assertEqual(self.new_request(sale, amount="5").amount, 5)
        request = self.new_request()
        for amount in ("x", [1], {"a": 1}, float("nan"), 10**400, -1, 1e308):
            with self.subTest(amount=str(amount)[:20]):
                with self.assertRaisesRegex(UserError, "is left"):
                    self.new_request(amount=amount)
                with self.assertRaisesRegex(UserError, "is left"):
                    request.write({"amount": amount})
        for sale_id in ("x", [1], {"a": 1}, 2**40, -1, True, 1.5, None):
            with self.subTest(sale_id=sale_id), self.assertRaises(UserError):
                self.requests.create({"sale_id": sale_id})
        for text in ("a\0b", "\ud800"):
            for name in ("answer", "note"):
                with (
                    self.subTest(name=name, text=text),
                    self.assertRaisesRegex(UserError, "cannot be stored"),
                ):
                    self.new_request(**{name: text})
            with self.assertRaisesRegex(UserError, "cannot be stored"):
                request.answer = text
        buyer = self.buyer.with_user(self.billing_user)
        for share in (float("nan"), float("inf"), "x", [1]):
            with self.subTest(share=share), self.assertRaisesRegex(UserError, "number"):
                buyer.write({"lead_return_auto_share": share})

    def test_a_return_has_a_place_on_the_next_document_and_names_its_invoice(self):
        sale = self.new_sale()
        document = self.generate()
        request = self.new_request(sale)
        self.company.lead_return_policy = "credit_note"
        self.startPatcher(freeze_time("2026-11-12"))
        request.action_accept()
        note = self.generate(now=self.generated_at.replace(day=16))
        self.assertEqual(note.reversed_entry_id, document)
        self.assertEqual(note.lead_sale_ids, request.return_id)

    def test_an_emptied_amount_is_all_that_is_left(self):
        request = self.new_request(amount=4)
        request.amount = 0
        self.assertEqual(request.amount, request.sale_id.price)
        for amount in (float("nan"), float("inf"), -1):
            with self.subTest(amount=amount), self.assertRaises(UserError):
                request.amount = amount

    def test_a_sale_has_one_open_request(self):
        request = self.new_request()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.new_request(request.sale_id)
        request.action_decline("No")
        self.new_request(request.sale_id)

    def test_nothing_is_asked_for_of_what_is_returned_or_no_sale(self):
        sale = self.new_sale()
        back = self.new_return(sale)
        with self.assertRaisesRegex(UserError, "returned in full"):
            self.new_request(sale)
        with self.assertRaisesRegex(UserError, "Choose the sale"):
            self.new_request(back)

    def test_a_decision_needs_an_answer_unless_it_is_yes(self):
        request = self.new_request()
        for decide in (request.action_decline, request.action_ask):
            with self.assertRaisesRegex(UserError, "Enter an answer"):
                decide()
        request.answer = "We talked to her."
        request.action_decline()
        self.assertEqual(request.state, "declined")

    def test_what_is_decided_stays_decided(self):
        request = self.new_request()
        request.action_accept()
        for decide in (request.action_decline, request.action_ask):
            with self.assertRaisesRegex(UserError, "can no longer be decided"):
                decide("No")
        for vals in ({"amount": 1}, {"answer": "x"}, {"reason_id": False}):
            with self.assertRaisesRegex(UserError, "cannot be changed"):
                request.write(vals)
        other = self.new_request()
        other.action_decline("No")
        with self.assertRaisesRegex(UserError, "can no longer be decided"):
            other.action_accept()

    def test_many_are_decided_together_or_none(self):
        requests = self.new_request() + self.new_request() + self.new_request()
        requests.action_accept("Sorry.")
        self.assertEqual(set(requests.mapped("state")), {"accepted"})
        requests = self.new_request() + self.new_request()
        self.new_return(requests[1].sale_id, 4, at="2026-11-06T11:00:00Z")
        with (
            self.assertRaisesRegex(ValidationError, requests[1].name),
            self.env.cr.savepoint(),
        ):
            requests.action_accept()
        requests.invalidate_recordset()
        self.assertEqual(requests.mapped("state"), ["requested"] * 2)
        requests[1].amount = 6
        requests.action_accept()

    def test_one_that_the_platform_returned_meanwhile_is_accepted_with_that(self):
        request = self.new_request()
        answer = self.record_return(request.sale_id)
        self.assertEqual(answer["status"], "created")
        request.action_accept()
        self.assertEqual(request.return_id.id, answer["id"])
        self.generate()

    def test_a_question_is_answered_and_decided_again(self):
        request = self.new_request()
        request.action_ask("Which number did you call?")
        self.assertEqual(request.state, "question")
        request.sudo()._reply(" 555-0100 ")
        self.assertEqual((request.state, request.note), ("requested", "555-0100"))
        with self.assertRaisesRegex(UserError, "no question"):
            request.sudo()._reply("again")
        request.action_accept()

    def test_a_question_is_no_answer(self):
        for reply in (None, "555-0100"):
            with self.subTest(reply=reply):
                request = self.new_request()
                request.action_ask("Which number did you call?")
                if reply:
                    request.sudo()._reply(reply)
                with self.assertRaisesRegex(UserError, "Enter an answer"):
                    request.action_decline()
                with self.assertRaisesRegex(UserError, "Enter an answer"):
                    request.action_ask()
                request.action_accept()
                self.assertFalse(request.answer)
                mail = self.env["mail.mail"].search([], order="id desc", limit=1)
                self.assertNotIn("Which number", mail.body_html)

    def test_a_buyer_takes_back_what_is_not_decided(self):
        request = self.new_request()
        request.sudo()._withdraw()
        self.assertEqual(request.state, "withdrawn")
        with self.assertRaisesRegex(UserError, "decided already"):
            request.sudo()._withdraw()

    def test_a_waived_or_credited_sale_is_not_credited_by_a_request(self):
        sale = self.new_sale()
        request = self.new_request(sale)
        sale._waive("Goodwill")
        request.action_accept()
        self.assertTrue(request.return_id.waived)

    def test_a_clerk_declines_by_a_dialog(self):
        requests = self.new_request() + self.new_request()
        action = requests.action_open_decline()
        wizards = self.env[action["res_model"]].with_user(self.billing_user)
        with Form(wizards.with_context(**action["context"])) as form:
            self.assertEqual(form.request_count, 2)
            form.answer = "We reached both."
        form.record.action_confirm()
        self.assertEqual(requests.mapped("state"), ["declined"] * 2)
        self.assertEqual(set(requests.mapped("answer")), {"We reached both."})


@tagged("post_install", "-at_install")
class TestTelling(ReturnRequestCommon):
    """Who is told."""

    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))
        self.chris, self.kim = self.env["res.partner"].create(
            [
                {"name": name, "email": f"{name}@example.com", "parent_id": buyer.id}
                for name, buyer in (("chris", self.buyer), ("kim", self.other_buyer))
            ]
        )

    def test_each_person_gets_one_email_for_one_decision(self):
        sales = [self.new_sale() for _number in range(3)]
        self.ask(*(sale.external_ref for sale in sales), requester=self.chris)
        other = self.new_sale(self.other_buyer)
        self.ask(other.external_ref, buyer=self.other_buyer, requester=self.kim)
        requests = self.requests.search([]).with_user(self.billing_user)
        self.assertFalse(self.mails_to(self.chris))
        requests.action_accept("We are sorry.")
        (mail,) = self.mails_to(self.chris)
        self.assertEqual(mail.state, "outgoing", "It is sent after the commit")
        self.assertIn("return accepted", mail.subject)
        for sale in sales:
            self.assertIn(sale.external_ref, mail.body_html)
        self.assertIn("We are sorry.", mail.body_html)
        self.assertIn("/my/return-requests", mail.body_html)
        self.assertNotIn(other.external_ref, mail.body_html)
        self.assertEqual(len(self.mails_to(self.kim)), 1)

    def test_a_question_and_a_refusal_are_told_as_such(self):
        request = self.new_request()
        request.action_ask("Why?")
        request.action_decline("No.")
        mails = self.mails_to(self.buyer).sorted("id")
        self.assertIn("question", mails[0].subject)
        self.assertIn("declined", mails[1].subject)

    def test_an_answer_that_was_not_delivered_is_told(self):
        request = self.new_request()
        request.action_decline("No.")
        mail = self.mails_to(self.buyer)
        mail.write({"state": "exception", "failure_reason": "No such mailbox"})
        follow = self.env.ref("lead_invoicing.ir_cron_follow_deliveries")
        for _time in range(2):
            with self.enter_registry_test_mode():
                follow.method_direct_trigger()
        self.env.invalidate_all()
        activity = self.buyer.activity_ids
        self.assertIn("No such mailbox", activity.note)
        self.assertEqual(activity.lead_company_id, request.company_id)

    def test_without_an_address_the_request_says_so(self):
        self.buyer.email = False
        request = self.new_request()
        request.action_decline("No.")
        self.assertFalse(self.mails_to(self.buyer))
        self.assertIn("no email address", request.message_ids[0].body)

    def test_a_template_that_somebody_deleted_keeps_nothing_from_being_decided(self):
        self.env.ref("lead_invoicing_return.mail_template_return_request").unlink()
        request = self.new_request()
        request.action_decline("No.")
        self.assertEqual(request.state, "declined")
        self.assertIn("template of this email was deleted", request.message_ids[0].body)

    def test_a_request_is_found_by_its_number(self):
        request = self.new_request()
        requests = self.requests.with_user(self.billing_user)
        self.assertEqual(requests.search([("name", "ilike", request.name)]), request)
        self.assertEqual(requests.name_search(str(request.id))[0][0], request.id)

    def test_a_new_installation_goes_on_with_other_numbers(self):
        last = self.new_request().id
        refs = f"REQ-{last + 9}", f"REQ-{last + 2}", "REQ-", "REQ-1x", "REQ-9999999999"
        for ref in refs:
            self.new_sale(external_ref=ref)
        post_init_hook(self.env)
        self.assertGreater(self.new_request().id, last + 9)

    def test_an_answer_is_text(self):
        request = self.new_request().with_user(self.platform)
        for name in ("action_accept", "action_decline", "action_ask"):
            for answer in (5, ["x"], {"a": 1}, True, "x\x00", "x" * 10_001):
                with self.subTest(name, answer=answer), self.assertRaises(UserError):
                    getattr(request, name)(answer)
        self.assertEqual(request.state, "requested")

    def test_clerks_have_one_activity_for_a_buyer_until_all_is_decided(self):
        kind = "lead_invoicing_return.mail_activity_type_return_request"
        sales = [self.new_sale() for _number in range(2)]
        self.ask(sales[0].external_ref)
        self.ask(sales[1].external_ref)
        activity = self.buyer.activity_search([kind])
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.company._get_lead_responsible())
        first, second = self.requests.search([]).with_user(self.billing_user)
        first.action_accept()
        self.assertTrue(self.buyer.activity_search([kind]))
        second.action_ask("Why?")
        self.assertFalse(self.buyer.activity_search([kind]))
        second.sudo()._reply("Because.")
        self.assertTrue(self.buyer.activity_search([kind]))
        second.sudo()._withdraw()
        self.assertFalse(self.buyer.activity_search([kind]))

    def new_team(self, company, lang):
        """Give this company a team of two who read this language."""
        company.lead_billing_cycle_id.user_id = False
        team = self.env["res.users"].concat(
            *(
                new_test_user(
                    self.env,
                    login=f"{company.name} {number}",
                    groups="base.group_user,lead_invoicing.group_user",
                    company_id=company.id,
                    company_ids=[Command.set(company.ids)],
                    lang=lang,
                )
                for number in range(2)
            )
        )
        company.lead_team_user_ids = team
        return team.partner_id

    def find_mails_about(self, buyer):
        return self.env["mail.message"].search(
            [
                ("model", "=", buyer._name),
                ("res_id", "=", buyer.id),
                ("message_type", "=", "user_notification"),
            ]
        )

    def test_each_companys_team_is_mailed_of_the_first_request(self):
        abroad = self._create_company(name="Other House")
        self.env["res.lang"]._activate_lang("de_DE")
        here, there = (
            self.new_team(self.company, "en_US"),
            self.new_team(abroad, "de_DE"),
        )
        for _number in range(2):
            self.ask(self.new_sale().external_ref)
        asked = self.requests.search([])
        mails = self.find_mails_about(self.buyer)
        self.assertEqual(mails.partner_ids, here)
        self.assertEqual(len(mails), 1)
        # As if the second one were of a lead that the other company sold.
        product = self.env["product.product"].sudo()
        product = product.create({"name": "Lead", "type": "service"})
        self.env["lead.type"].sudo().create(
            {
                "name": "Abroad",
                "code": "ABROAD",
                "company_id": abroad.id,
                "product_id": product.id,
            }
        )
        self.env.cr.execute(
            "UPDATE lead_return_request SET company_id = %s WHERE id = %s",
            [abroad.id, asked[1].id],
        )
        self.env.invalidate_all()
        asked[1].sudo()._update_activities()
        mails = self.find_mails_about(self.buyer) - mails
        self.assertEqual(mails.partner_ids, there)
        self.assertIn("Buyer A beantragt", mails.body)

    def test_a_team_is_mailed_once_where_some_are_accepted_automatically(self):
        team = self.new_team(self.company, "en_US")
        self.buyer.lead_return_auto_share = 50
        words = [self.new_sale().external_ref for _number in range(2)]
        states = self.ask(*words)
        self.assertEqual(list(states.values()), ["accepted", "requested"])
        mails = self.find_mails_about(self.buyer)
        self.assertEqual(mails.partner_ids, team)
        self.assertEqual(len(mails), 1)


@tagged("post_install", "-at_install")
class TestWhoMay(ReturnRequestCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))

    def test_others_neither_see_nor_decide_them(self):
        request = self.new_request()
        for user in (self.plain_user, self.portal_user, self.integrator):
            theirs = request.with_user(user)
            for method, args in (
                (theirs.read, [["state"]]),
                (theirs.search, [[]]),
                (theirs.write, [{"answer": "x"}]),
                (theirs.action_accept, []),
                (theirs.action_decline, ["x"]),
                (theirs.action_ask, ["x"]),
                (theirs.create, [{"sale_id": request.sale_id.id}]),
            ):
                with self.subTest(user=user.login, method=method.__name__):
                    self.assertRaises(AccessError, method, *args)

    def test_a_clerk_of_another_company_does_not(self):
        abroad = self._create_company(name="Other House")
        stranger = self.billing_user.copy(
            {"login": "s", "company_id": abroad.id, "company_ids": [(6, 0, abroad.ids)]}
        )
        request = self.new_request()
        theirs = request.with_user(stranger)
        self.assertFalse(theirs.search([]))
        self.assertRaises(AccessError, theirs.read, ["state"])
        self.assertRaises(AccessError, theirs.action_accept)
        sale = self.new_sale()
        self.assertRaises(AccessError, theirs.create, {"sale_id": sale.id})

    def test_what_the_engine_decides_nobody_writes(self):
        request = self.new_request()
        sale = self.new_sale()
        for vals in (
            {"state": "accepted"},
            {"return_id": sale.id},
            {"platform_ref": "x"},
            {"requester_id": self.buyer.id},
            {"is_automatic": True},
            {"commercial_partner_id": self.other_buyer.id},
            {"partner_id": self.other_buyer.id},
            {"lead_type_id": self.auto.id},
            {"company_id": self.company.id},
        ):
            with self.subTest(vals):
                self.assertRaises(UserError, request.write, vals)
                self.assertRaises(UserError, self.new_request, sale, **vals)
        for vals in ({"sale_id": sale.id}, {"note": "x"}):
            self.assertRaises(UserError, request.write, vals)
        defaults = self.requests.with_user(self.billing_user).with_context(
            default_state="accepted", default_is_automatic=True
        )
        made = defaults.create({"sale_id": sale.id})
        self.assertEqual((made.state, made.is_automatic), ("requested", False))

    def test_a_clerk_enters_one_for_a_buyer(self):
        sale = self.new_sale()
        with Form(self.requests.with_user(self.billing_user)) as form:
            form.sale_id = sale
            form.note = "She called."
        self.assertEqual((form.record.amount, form.record.state), (10, "requested"))

    def test_the_books_tell_of_one_without_its_return(self):
        request = self.new_request()
        request.action_accept()
        books = self.env["lead.invoice.run"]
        self.assertFalse(self.broken(books))
        back = request.sudo().return_id
        request.sudo().write({"return_id": False})
        self.assertEqual(self.broken(books), [request.id])
        request.sudo().write({"return_id": back.id, "state": "declined"})
        self.assertEqual(self.broken(books), [request.id])

    def broken(self, books):
        self.env.flush_all()
        return [
            id_
            for finding in books.check_books()
            if finding["rule"] == "request_without_return"
            for id_ in finding["ids"]
        ]


@tagged("post_install", "-at_install")
class TestSample(ReturnRequestCommon):
    def test_requests_to_return_sample_leads_go_with_the_sample(self):
        company = self._create_company(name="New Leads House")
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            company.with_env(self.env(cr=cr))._make_lead_samples()
        self.env.invalidate_all()
        sale = self.env["lead.sale"].search(
            [("company_id", "=", company.id), ("transaction_type", "=", "sale")],
            limit=1,
        )
        reason = self.reason.copy({"company_id": company.id})
        requests = self.requests.with_company(company)
        request = requests.create({"sale_id": sale.id, "reason_id": reason.id})
        company._remove_lead_samples()
        self.assertFalse(request.exists())
        self.assertFalse(sale.exists())
