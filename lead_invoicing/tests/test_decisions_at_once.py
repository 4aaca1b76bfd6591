from odoo import SUPERUSER_ID, api, fields
from odoo.tests import tagged

from .common.decisions import CODE, DecisionsAtOnceCommon
from .common.world import LeadInvoicingCommon


@tagged("post_install", "-at_install")
class TestDecisionsAtOnce(DecisionsAtOnceCommon):
    # Pairs

    def test_a_release_and_taking_back_the_credit_note_meet(self):
        steps = {
            "draft": self.take_reversal_back,
            "reversed": self.undo_reversal,
        }
        for name, undo in steps.items():
            for pair in ((self.release, undo), (undo, self.release)):
                with self.subTest(name=name, first=pair[0].__name__):
                    self.build()
                    self.in_turn(self.bill, self.reverse, self.post_reversal)
                    self.at_once(*map(self.refused, pair))
                    self.assertEqual(self.refusals, 1)
                    self.assertEqual(self.assert_given_back_once(), 20)

    def test_two_releases_meet(self):
        self.build()
        self.in_turn(self.bill, self.reverse, self.post_reversal)
        self.at_once(self.release, self.release)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(len(self.sale(env).release_ids), 1)
        self.assertEqual(self.assert_given_back_once(), 20)

    def test_posting_a_return_and_a_reversal_of_its_sale_meet(self):
        for pair in (
            (self.post_return, self.post_reversal),
            (self.post_reversal, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft, self.reverse)
                self.at_once(*map(self.refused, pair))
                self.assertEqual(self.assert_given_back_once(), 0)
                self.assertEqual(self.refusals, pair[0] == self.post_reversal)

    def test_billing_a_return_and_reversing_its_sale_meet(self):
        for pair in (
            (self.bill, self.post_reversal),
            (self.post_reversal, self.bill),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.reverse)
                self.at_once(*pair)
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_posting_a_return_and_taking_back_its_sale_meet(self):
        for pair in (
            (self.post_return, self.take_invoice_back),
            (self.take_invoice_back, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft)
                self.at_once(*map(self.refused, pair))
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    states = (
                        self.invoice(env).state,
                        self.back(env).invoice_id.state,
                    )
                    self.assertNotEqual(states, ("draft", "posted"))

    def test_posting_a_return_and_invoicing_its_sale_again_meet(self):
        for pair in (
            (self.post_return, self.invoice_again),
            (self.invoice_again, self.post_return),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.give_back, self.draft)
                self.at_once(*pair)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    again = self.sale(env).invoice_id
                    self.assertNotEqual(again, self.invoice(env))
                    (again + self.back(env).invoice_id).filtered(
                        lambda move: move.state == "draft"
                    ).action_post()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_a_return_recorded_while_its_sale_is_credited_is_not_billed(self):
        for pair in (
            (self.give_back, self.post_reversal),
            (self.post_reversal, self.give_back),
        ):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.bill, self.reverse)
                # Neither waits for the other: the run decides.
                self.at_once(*pair, meet=False)
                self.in_turn(self.bill)
                self.assert_return_waived()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_a_return_recorded_while_its_sale_is_waived_is_not_billed(self):
        for pair in ((self.give_back, self.waive), (self.waive, self.give_back)):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.at_once(*pair, meet=False)
                self.in_turn(self.bill)
                self.assert_return_waived()
                self.assertEqual(self.assert_given_back_once(), 0)

    def test_what_is_recorded_while_its_sale_is_owed_again_is_billed(self):
        credited = [self.bill, self.reverse, self.post_reversal]
        for before, undo in (
            ([self.waive], self.unwaive),
            (credited, self.take_reversal_back),
            (credited, self.undo_reversal),
            (credited, self.release),
        ):
            for record in (self.give_back, self.correct):
                for pair in ((record, undo), (undo, record)):
                    with self.subTest(undo=undo.__name__, first=pair[0].__name__):
                        self.build()
                        self.in_turn(*before)
                        self.at_once(*pair)
                        self.in_turn(self.bill)
                        self.assertEqual(self.read_states(), {"invoiced"})

    def read_states(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            sales = env["lead.sale"].search([("lead_type_id.code", "=", CODE)])
            return set(sales.mapped("billing_state"))

    def test_a_lead_recorded_while_its_buyer_is_merged_goes_along(self):
        for pair in ((self.sell_another, self.merge), (self.merge, self.sell_another)):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.at_once(*pair)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    sales = env["lead.sale"].search([("lead_type_id.code", "=", CODE)])
                    self.assertEqual(len(sales), 2)
                    self.assertEqual(sales.partner_id.mapped("name"), ["Merged"])

    def sell_another(self, env):
        self.record(env, LeadInvoicingCommon.sale_vals("MEETING-2"))

    def merge(self, env):
        """Merge the buyer into a new contact, which gets its reference."""
        kept = env["res.partner"].create({"name": "Merged"})
        buyer = env["res.partner"].search([("ref", "=", CODE)])
        wizard = env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((buyer + kept).ids, kept, extra_checks=False)

    def test_erased_lead_data_do_not_come_back_with_a_corrected_price(self):
        for pair in ((self.correct, self.erase), (self.erase, self.correct)):
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.tell_of_person)
                self.at_once(*pair)
                with self.registry.cursor() as cr:
                    cr.execute(
                        "SELECT count(*) FROM lead_sale JOIN lead_type"
                        " ON lead_type.id = lead_type_id"
                        " WHERE code = %s AND lead_data IS NOT NULL",
                        [CODE],
                    )
                    self.assertEqual(cr.fetchone(), (0,))

    def tell_of_person(self, env):
        lead_type = env["lead.type"].search([("code", "=", CODE)])
        lead_type.lead_properties_definition = [
            {"name": "lead_email", "string": "Email", "type": "char"}
        ]
        env.cr.execute(
            """UPDATE lead_sale SET lead_data = '{"lead_email": "x@example.com"}'
                WHERE id = %s""",
            self.sale(env).ids,
        )

    def erase(self, env):
        env["lead.erasure"]._erase_on_request(self.sale(env), CODE)

    def test_a_deposit_and_a_document_of_one_moment_settle(self):
        for pair in ((self.pay_in, self.bill), (self.bill, self.pay_in)):
            with self.subTest(first=pair[0].__name__):
                self.build()
                # Odoo writes down on a contact that it was invoiced for the first time.
                self.in_turn(self.prepay, self.bill, self.sell_another)
                self.at_once(*pair)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    documents = env["account.move"].search(
                        [("partner_id.ref", "=", CODE), ("lead_run_id", "!=", False)]
                    )
                    self.assertEqual(documents.mapped("amount_residual"), [0, 0])

    def test_a_deposit_and_the_end_of_a_dispute_of_one_moment_settle(self):
        pairs = ((self.pay_in, self.reject_dispute), (self.reject_dispute, self.pay_in))
        for pair in pairs:
            with self.subTest(first=pair[0].__name__):
                self.build()
                self.in_turn(self.prepay, self.bill, self.dispute)
                self.at_once(*pair)
                residual = self.in_turn(lambda env: self.invoice(env).amount_residual)
                self.assertEqual(residual, 0)

    def dispute(self, env):
        env["lead.dispute"].create(
            {"move_id": self.invoice(env).id, "amount": 20, "reason": CODE}
        )

    def reject_dispute(self, env):
        disputes = env["lead.dispute"].search([("move_id", "=", self.invoice(env).id)])
        disputes.answer = CODE
        disputes.action_reject()

    def prepay(self, env):
        buyer = env["res.partner"].search([("ref", "=", CODE)])
        buyer.lead_billing_mode = "prepaid"

    def pay_in(self, env):
        journals = env["account.journal"]
        domain = [*journals._check_company_domain(env.company), ("type", "=", "bank")]
        env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": env["res.partner"].search([("ref", "=", CODE)]).id,
                "amount": 100,
                "journal_id": journals.search(domain, limit=1).id,
            }
        ).action_post()

    def test_a_charge_that_is_billed_stays_what_it_is(self):
        self.charged_until = fields.Datetime.now()
        for change in (self.change_charge, self.delete_charge):
            with self.subTest(change=change.__name__):
                self.build()
                self.in_turn(self.agree)
                self.at_once(self.bill_charges, self.refused(change))
                self.assertEqual(self.refusals, 1)
                self.build()
                self.in_turn(self.agree)
                self.at_once(change, self.bill_charges, meet=False)

    def change_charge(self, env):
        env["lead.billing.charge"].search([("name", "=", CODE)]).period = "month"
        env.flush_all()

    def delete_charge(self, env):
        env["lead.billing.charge"].search([("name", "=", CODE)]).unlink()

    def test_two_workers_bill_a_charge_once(self):
        """With its lead, which both claim, and alone, where its period decides."""
        self.charged_until = fields.Datetime.now()
        for before in ([], [self.bill]):
            with self.subTest(is_alone=bool(before)):
                self.build()
                self.in_turn(self.agree, *before)
                self.at_once(self.bill_charges, self.bill_charges)
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    lines = env["account.move.line"].search(
                        [("lead_charge_id.name", "=", CODE)]
                    )
                    billed = env["lead.billed.charge"].search(
                        [("charge_id.name", "=", CODE)]
                    )
                    self.assertEqual(lines.mapped("price_subtotal"), [5])
                    self.assertEqual(billed.invoice_line_id, lines)

    def queue(self, env):
        self.bill(env, "send")

    def open_sending(self, env):
        """Open the window that sends the invoice, as a clerk does."""
        self.sending = (
            env["account.move.send.wizard"]
            .with_context(active_model="account.move", active_ids=self.invoice(env).ids)
            .create({})
            .id
        )

    def send(self, env):
        env["account.move.send.wizard"].browse(self.sending).action_send_and_print()

    def let_job_send(self, env):
        self.invoice(env)._send_waiting()

    def count_mails(self):
        """Return how many mails with the invoice there are."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return env["mail.message"].search_count(
                [
                    ("model", "=", "account.move"),
                    ("res_id", "=", self.invoice(env).id),
                    ("attachment_ids", "!=", False),
                    ("partner_ids", "!=", False),
                ]
            )

    def test_a_clerk_and_the_job_mail_a_document_once(self):
        # The job repeats itself, whatever makes it fail.
        for first, second, meet in (
            (self.let_job_send, self.refused(self.send), True),
            (self.send, self.let_job_send, False),
        ):
            with self.subTest(first=first.__name__):
                self.build()
                self.in_turn(self.queue, self.open_sending)
                self.at_once(first, second, meet=meet)
                self.in_turn(self.let_job_send)
                self.assertEqual(self.count_mails(), 1)
                self.assertEqual(self.refusals, int(meet))
                # Whoever looks again may send it again.
                self.in_turn(self.open_sending, self.send)
                self.assertEqual(self.count_mails(), 2)

    def test_two_clerks_mail_a_document_once(self):
        self.build()
        self.in_turn(self.queue, self.open_sending)
        self.at_once(self.send, self.refused(self.send))
        self.assertEqual((self.count_mails(), self.refusals), (1, 1))

    def test_a_clerk_does_not_wait_for_the_job_and_is_told(self):
        self.build()
        self.in_turn(self.queue, self.open_sending)
        with self.registry.cursor() as cr:
            job = self.invoice(api.Environment(cr, SUPERUSER_ID, {}))
            self.assertTrue(job._lock_waiting())
            self.in_turn(self.refused(self.send))
        self.assertEqual((self.count_mails(), self.refusals), (0, 1))

    def assert_return_waived(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.assertEqual(self.back(env).billing_state, "waived")
