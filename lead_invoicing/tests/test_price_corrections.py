import io
from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..report.as_csv import write_csv
from .common.given_back import GivenBackCommon
from .common.world import LeadInvoicingCommon


@tagged("clock")
class TestRecordCorrections(LeadInvoicingCommon):
    """What comes in as one row, and is stored as two."""

    @classmethod
    def correction_vals(cls, external_ref, origin, /, **vals):
        vals = {
            "type": "correction",
            "origin_external_ref": origin,
            "occurred_at": "2026-01-17T12:00:00Z",
            "price": 15,
            **vals,
        }
        return cls.sale_vals(external_ref, **vals)

    def correct(self, external_ref, origin, /, **vals):
        return self.record_all(self.correction_vals(external_ref, origin, **vals))

    def find(self, external_ref):
        return self.env["lead.sale"].search([("external_ref", "=", external_ref)])

    def assert_refused(self, vals, *words):
        before = self.env["lead.sale"].search_count([])
        [answer] = self.record(vals)
        self.assertEqual(answer["status"], "error", answer)
        for word in words:
            self.assertIn(word, answer["message"])
        self.assertEqual(self.env["lead.sale"].search_count([]), before)

    def test_it_is_a_full_return_and_a_sale_at_the_new_price(self):
        old = self.sell("T1", lead_ref="L1", campaign="C", lead_data={"email": "a@b.c"})
        new = self.correct("K1", "T1", reason="wrong tariff")
        back = self.find("K1/return")
        self.assertRecordValues(
            back + new,
            [
                {
                    "external_ref": "K1/return",
                    "transaction_type": "return",
                    "origin_id": old.id,
                    "corrected_sale_id": old.id,
                    "price": 20,
                    "amount": -20,
                    "corrected_price": 20,
                    "price_adjustment": False,
                    "lead_ref": "L1",
                    "campaign": "C",
                    "reason": "wrong tariff",
                    "billing_state": "unbilled",
                    "date": old.date + timedelta(days=2),
                },
                {
                    "external_ref": "K1",
                    "transaction_type": "sale",
                    "origin_id": False,
                    "corrected_sale_id": old.id,
                    "price": 15,
                    "amount": 15,
                    "corrected_price": 15,
                    "price_adjustment": False,
                    "lead_ref": "L1",
                    "campaign": "C",
                    "reason": "wrong tariff",
                    "billing_state": "unbilled",
                    "date": old.date + timedelta(days=2),
                },
            ],
        )
        self.assertEqual(dict(new.lead_data)["email"], "a@b.c")
        self.assertFalse(any(dict(back.lead_data).values()))
        self.assertIn("from $\N{NO-BREAK SPACE}20.00 to", new.correction_summary)

    def test_the_same_row_again_is_a_duplicate_and_other_content_a_conflict(self):
        self.sell("T1")
        new = self.correct("K1", "T1")
        again, other = self.record(
            self.correction_vals("K1", "T1", price="15.00"),
            self.correction_vals("K1", "T1", price=14),
        )
        self.assertEqual((again["status"], again["id"]), ("duplicate", new.id))
        self.assertEqual((other["status"], other["id"]), ("conflict", new.id))
        [sale] = self.record(self.sale_vals("K1", price=15))
        self.assertEqual(sale["status"], "conflict")
        [back] = self.record(self.return_vals("K1/return", "T1"))
        self.assertEqual(back["status"], "conflict")

    def test_the_present_price_is_a_duplicate_and_says_so(self):
        old = self.sell("T1")
        [answer] = self.record(self.correction_vals("K1", "T1", price=20))
        self.assertEqual((answer["status"], answer["id"]), ("duplicate", old.id))
        self.assertIn("already 20", answer["message"])
        new = self.correct("K2", "T1", price=15)
        [answer] = self.record(self.correction_vals("K3", "T1", price=15))
        self.assertEqual((answer["status"], answer["id"]), ("duplicate", new.id))

    def test_later_returns_and_corrections_act_on_the_sale_in_force(self):
        self.sell("T1")
        first = self.correct("K1", "T1", price=15)
        second = self.correct("K2", "T1", price=30, occurred_at="2026-01-18T12:00:00Z")
        self.assertEqual(second.corrected_sale_id, first)
        self.assertEqual(self.find("K2/return").amount, -15)
        back = self.give_back("R1", "T1", price=10, occurred_at="2026-01-19T12:00:00Z")
        self.assertEqual(back.origin_id, second)
        self.assertTrue(back.price_adjustment)
        # By the reference of a correction, too.
        back = self.give_back("R2", "K1", price=20, occurred_at="2026-01-19T12:00:00Z")
        self.assertEqual(back.origin_id, second)
        self.assertFalse(back.price_adjustment)
        self.assert_refused(
            self.return_vals("R3", "T1", price=1, occurred_at="2026-01-20T12:00:00Z"),
            "returned in full",
        )

    def test_what_was_returned_stays_returned(self):
        self.sell("T1")
        self.give_back("R1", "T1", price=5)
        self.assert_refused(
            self.correction_vals("K0", "T1", price="4.99"), "price", "5", "stays"
        )
        new = self.correct("K1", "T1", price=12)
        self.assertEqual((new.price, new.corrected_price), (7, 12))
        self.assertEqual(self.find("K1/return").amount, -15)
        self.assertEqual(sum(self.env["lead.sale"].search([]).mapped("amount")), 7)
        # Again, and the sum stays the present price less what was returned.
        self.give_back("R2", "T1", price=2, occurred_at="2026-01-18T12:00:00Z")
        new = self.correct("K2", "T1", price=20, occurred_at="2026-01-19T12:00:00Z")
        self.assertEqual((new.price, new.corrected_price), (13, 20))
        self.assertEqual(sum(self.env["lead.sale"].search([]).mapped("amount")), 13)

    def test_of_a_sale_returned_in_full_there_is_nothing_to_correct(self):
        self.sell("T1")
        self.give_back("R1", "T1")
        self.assert_refused(self.correction_vals("K1", "T1", price=30), "in full")

    def test_all_in_one_call_in_any_order(self):
        later = {"occurred_at": "2026-01-18T12:00:00Z"}
        answers = self.record(
            self.return_vals("R1", "T1", price=5, occurred_at="2026-01-19T12:00:00Z"),
            self.return_vals("R2", "K1", price=2, occurred_at="2026-01-19T13:00:00Z"),
            self.correction_vals("K2", "T1", price=10, **later),
            self.correction_vals("K1", "T1"),
            self.sale_vals("T1", lead_data={"first_name": "Ada"}),
            self.correction_vals("K3", "T1", price=10, **later),
        )
        self.assertEqual(
            [answer["status"] for answer in answers], ["created"] * 5 + ["duplicate"]
        )
        last = self.find("K2")
        self.assertEqual(answers[5]["id"], last.id)
        self.assertEqual(self.find("R1").origin_id, last)
        self.assertEqual(self.find("R2").origin_id, last)
        self.assertEqual(last.corrected_sale_id, self.find("K1"))
        self.assertEqual(dict(last.lead_data)["first_name"], "Ada")
        self.assertEqual(sum(self.env["lead.sale"].search([]).mapped("amount")), 3)

    def test_it_has_buyer_type_and_currency_of_its_sale_and_comes_after_it(self):
        self.sell("T1", campaign="C")
        for vals, word in (
            ({"buyer_ref": "B2"}, "buyer"),
            ({"lead_type": "EDU"}, "lead type"),
            ({"currency": "EUR"}, "currency"),
            ({"occurred_at": "2026-01-14T12:00:00Z"}, "dated before"),
            ({"campaign": "D"}, "campaign"),
            ({"lead_data": {"email": "x@y.z"}}, "lead_data"),
            ({"origin_external_ref": "T9"}, "T9"),
            ({"origin_external_ref": None}, "missing"),
            ({"price": -1}, "price"),
        ):
            with self.subTest(vals):
                self.env.ref("base.EUR").active = True
                self.assert_refused(self.correction_vals("K1", "T1", **vals), word)
        self.correct("K2", "T1")
        self.assert_refused(self.return_vals("R1", "T1"), "K2", "corrected the price")

    def test_its_return_has_a_reference_of_its_own(self):
        self.sell("T1")
        self.sell("K1/return")
        self.assert_refused(self.correction_vals("K1", "T1"), "K1/return")
        self.assert_refused(self.correction_vals("K" * 122, "T1"), "121")
        answers = self.record(
            self.correction_vals("K2", "T1"), self.return_vals("K2/return", "K1/return")
        )
        # Dated before it, the return was there first.
        self.assertEqual([a["status"] for a in answers], ["error", "created"])

    def test_of_a_waived_sale_both_are_waived_and_unwaived_with_it(self):
        old = self.sell("T1")
        old._waive("goodwill")
        new = self.correct("K1", "T1")
        both = new + self.find("K1/return")
        self.assertEqual(both.mapped("billing_state"), ["waived"] * 2)
        with self.assertRaisesRegex(UserError, "corrects the price of T1"):
            new._unwaive("no")
        old._unwaive("after all")
        self.assertEqual(both.mapped("billing_state"), ["unbilled"] * 2)
        with self.assertRaisesRegex(UserError, "corrects the price of T1"):
            new._waive("no")
        old._waive("goodwill")
        self.assertEqual(both.mapped("billing_state"), ["waived"] * 2)

    def test_of_what_was_billed_elsewhere_the_difference_is_billed(self):
        self.company.lead_billing_start = "2026-01-16"
        old = self.sell("T1")
        self.assertEqual(old.billing_state, "waived")
        new = self.correct("K1", "T1")
        self.assertEqual(
            (new + self.find("K1/return")).mapped("billing_state"), ["unbilled"] * 2
        )

    def test_half_of_it_is_not_deleted(self):
        self.sell("T1")
        new = self.correct("K1", "T1")
        with self.assertRaisesRegex(UserError, "half of a correction"):
            self.find("K1/return").unlink()
        (new + self.find("K1/return")).unlink()
        self.assertEqual(self.correct("K2", "T1").price, 15)

    def test_it_is_created_by_odoo_values_too(self):
        old = self.sell("T1", lead_data={"email": "a@b.c"})
        vals = {
            "external_ref": "K1",
            "transaction_type": "correction",
            "origin_id": old.id,
            "partner_id": self.buyer.id,
            "lead_type_id": self.auto.id,
            "date": "2026-01-17 12:00:00",
            "price": 15,
        }
        # Who sees no lead data corrects a price, and takes them along.
        ledger = self.env["lead.sale"].with_user(self.manager)
        new = ledger.create(vals).sudo()
        self.assertEqual((new.external_ref, new.transaction_type), ("K1", "sale"))
        self.assertEqual(self.find("K1/return").origin_id, old)
        self.assertEqual(new.corrected_price, 15)
        self.assertEqual(dict(self.find("K1").lead_data)["email"], "a@b.c")
        # The platform's own row is the same.
        [answer] = self.record(self.correction_vals("K1", "T1"))
        self.assertEqual(answer["status"], "duplicate")
        with self.assertRaisesRegex(ValidationError, "already 15"):
            ledger.create({**vals, "external_ref": "K2"})

    def test_it_is_imported_from_a_file_too(self):
        self.sell("T1")
        names = ["external_ref", "transaction_type", "origin_external_ref"]
        names += ["occurred_at", "buyer_ref", "lead_type_id", "price"]
        rows = [
            [ref, kind, "T1", "2026-01-17T12:00:00Z", "B1", "Auto Insurance", price]
            for ref, kind, price in (
                ("K1", "correction", "15.00"),
                ("R1", "Return", "3.00"),
            )
        ]
        result = self.env["lead.sale"].load(names, rows)
        self.assertFalse(result["messages"])
        self.assertEqual(self.find("R1").origin_id, self.find("K1"))
        self.assertEqual(self.find("K1/return").amount, -20)
        result = self.env["lead.sale"].load(names, rows)
        self.assertEqual(result["lead_duplicates"], 2)

    def test_control_totals_count_it_once(self):
        self.sell("T1")
        self.correct("K1", "T1")
        self.sell("T2", occurred_at="2026-01-17T12:00:00Z")
        totals = self.env["lead.sale"].control_totals("2026-01-15", "2026-01-17")
        self.assertEqual(
            [(row["day"], row["type"], row["count"], row["amount"]) for row in totals],
            [
                ("2026-01-15", "sale", 1, 20),
                ("2026-01-17", "sale", 1, 20),
                ("2026-01-17", "correction", 1, -5),
            ],
        )

    def test_its_lead_data_are_erased_with_those_of_its_lead(self):
        old = self.sell("T1", lead_data={"email": "a@b.c"})
        new = self.correct("K1", "T1")
        back = self.give_back("R1", "T1", price=1, occurred_at="2026-01-19T12:00:00Z")
        other = self.sell("T2", lead_data={"email": "a@b.c"})
        wizard = self.env["lead.erasure.wizard"]
        for sale in (old, new, self.find("K1/return"), back):
            action = wizard._get_open_action(sale)
            found = wizard.browse(action["res_id"]).sale_ids
            self.assertEqual(found, old + new + self.find("K1/return") + back)
            self.assertNotIn(other, found)

    def test_checking_answers_the_same_and_stores_nothing(self):
        self.sell("T1")
        rows = [
            self.sale_vals("T2"),
            self.correction_vals("K1", "T1"),
            self.return_vals("R1", "K1", occurred_at="2026-01-18T12:00:00Z", price=15),
            self.sale_vals("T1"),
            self.sale_vals("T1", price=1),
            self.sale_vals("T3", price=-1),
        ]
        before = self.env["lead.sale"].search_count([])
        checked = (
            self.env["lead.sale"].with_user(self.integrator).check_transactions(rows)
        )
        self.assertEqual(self.env["lead.sale"].search_count([]), before)
        recorded = self.record(*rows)
        self.assertEqual(
            [answer["status"] for answer in recorded],
            ["created"] * 3 + ["duplicate", "conflict", "error"],
        )
        for answer in recorded:
            if answer["status"] == "created":
                answer["id"] = False
        self.assertEqual(checked, recorded)


@tagged("post_install", "-at_install", "clock")
class TestBillCorrections(GivenBackCommon):
    """What becomes of them on documents, and what people read of them."""

    def pair_of(self, correction):
        return self.env["lead.sale"].search(
            [("external_ref", "=", f"{correction.external_ref}/return")]
        )

    def later(self, sale, price):
        return self.correct(sale, price, at="2026-11-10T12:00:00Z")

    def test_before_the_invoice_all_is_on_it(self):
        sale = self.new_sale(price="10.00")
        self.correct(sale, "8.00")
        invoice = self.generate()
        self.assertEqual(invoice.amount_total, 8)
        self.assertEqual(
            [line[1:] for line in self.lines_of(invoice)],
            [(1, 10, 1), (1, 8, 0), (-1, 10, 0)],
        )
        self.assert_ties_out(invoice)
        [row] = invoice._get_lead_summary()
        self.assertEqual((row["purchased"], row["returned"]), (1, 0))
        self.assertEqual((row["adjusted_amount"], row["net_amount"]), (-2, 8))

    def test_after_the_invoice_it_is_netted_whatever_the_policy_for_returns(self):
        for policy in ("net", "credit_note", "credit_unpaid"):
            with self.subTest(policy):
                self.company.lead_return_policy = policy
                buyer = self.new_buyer(f"Buyer {policy}")
                sale = self.new_sale(buyer, price="10.00")
                first = self.generate()
                new = self.later(sale, "8.00")
                document = self.generate(self.SECOND)
                self.assertEqual(document.move_type, "out_refund")
                self.assertEqual(document.amount_total, 2)
                self.assertEqual((new + self.pair_of(new)).invoice_id, document)
                self.assertEqual(
                    self.pair_of(new).invoice_line_id.lead_origin_move_id, first
                )
                self.assertFalse(new.invoice_line_id.lead_origin_move_id)
                self.assert_ties_out(document)
                self.cycle.next_generation_at = self.SECOND
                # A later return gives back what is left of the corrected sale.
                self.cycle.next_generation_at = self.THIRD
                self.company.lead_return_policy = "net"
                back = self.new_return(sale, "8.00", at="2026-11-17T12:00:00Z")
                self.assertEqual(back.origin_id, new)
                self.generate(self.THIRD)
                self.assertEqual(back.billing_state, "invoiced")
                self.assertEqual(self.owed(buyer), 0)
                self.cycle.next_generation_at = "2026-11-09 11:00:00"

    def test_a_higher_price_is_invoiced(self):
        sale = self.new_sale(price="10.00")
        self.generate()
        self.later(sale, "12.50")
        document = self.generate(self.SECOND)
        self.assertEqual(
            (document.move_type, document.amount_total), ("out_invoice", 2.5)
        )
        self.assertEqual(self.owed(), 12.5)

    def test_it_has_account_and_taxes_of_the_original_line(self):
        tax = self.env["account.tax"].create({"name": "10%", "amount": 10})
        other = self.env["account.tax"].create({"name": "20%", "amount": 20})
        self.edu_product.taxes_id = tax
        sale = self.new_sale(price="10.00")
        self.generate()
        self.edu_product.taxes_id = other
        self.later(sale, "5.00")
        document = self.generate(self.SECOND)
        self.assertEqual(document.invoice_line_ids.tax_ids, tax)
        self.assertEqual(document.amount_total, 5.5)

    def test_a_reversal_of_the_first_invoice_waives_what_waits(self):
        sale = self.new_sale(price="10.00")
        invoice = self.generate()
        first = self.later(sale, "8.00")
        second = self.later(sale, "6.00")
        back = self.new_return(sale, "1.00", at="2026-11-11T12:00:00Z")
        waiting = first + self.pair_of(first) + second + self.pair_of(second) + back
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        self.assertEqual(set(waiting.mapped("billing_state")), {"waived"})
        self.assertEqual(set(waiting.mapped("waived_by_credit")), {True})
        late = self.correct(sale, "7.00", at="2026-11-12T12:00:00Z")
        self.assertTrue(late.waived_by_credit)
        waiting += late + self.pair_of(late)
        credit_note.button_draft()
        self.assertEqual(set(waiting.mapped("billing_state")), {"unbilled"})
        credit_note.action_post()
        self.release(invoice)
        self.assertEqual(set(waiting.mapped("billing_state")), {"unbilled"})
        self.generate(self.SECOND)
        self.assertEqual(self.owed(), 6)

    def test_a_reversal_of_the_first_invoice_leaves_out_what_was_corrected(self):
        sale = self.new_sale(price="10.00")
        self.new_sale(price="10.00")
        invoice = self.generate()
        self.later(sale, "8.00")
        self.generate(self.SECOND)
        credit_note = self.reverse(invoice)
        credit_note.action_post()
        self.assertEqual((credit_note.state, credit_note.amount_total), ("posted", 10))
        self.assertEqual(self.owed(), 8)

    def test_the_run_waives_both_halves_where_the_sale_is_waived(self):
        sale = self.new_sale(price="10.00")
        new = self.correct(sale, "8.00")
        more = self.correct(sale, "6.00", at="2026-11-06T12:00:00Z")
        # As if they had come in while the sale was being waived.
        sale.sudo().waived = True
        self.env["lead.sale.waiver"].sudo().create(
            {
                "sale_id": sale.id,
                "company_id": self.company.id,
                "waived": True,
                "reason": "Goodwill",
            }
        )
        self.generate()
        both = new + self.pair_of(new) + more + self.pair_of(more)
        self.assertEqual(set(both.mapped("billing_state")), {"waived"})

    def test_the_report_shows_one_row(self):
        sale = self.new_sale(price="10.00", lead_ref="L1")
        self.correct(sale, "8.00", reason="tariff")
        self.new_sale(price="5.00", at="2026-11-06T12:00:00Z")
        invoice = self.generate()
        report = self.env["lead.invoicing.report"]._open(
            self.buyer,
            {
                "lead_type_id": str(self.edu.id),
                "date_from": "2026-11-01",
                "date_to": "2026-11-30",
            },
        )
        of_invoice = self.env["lead.invoicing.report"]._open(
            self.buyer, {"invoice_id": str(invoice.id)}
        )
        for shown in (report, of_invoice):
            self.assertEqual(shown.count, 3)
            rows = shown.get_page(10)
            self.assertEqual([row["amount"] for row in rows], [10, -2, 5])
            row = rows[1]
            self.assertEqual(row["transaction_type"], "correction")
            self.assertEqual(row["origin_ref"], sale.external_ref)
            self.assertEqual(
                row["reason"], "Price corrected from 10.00 to 8.00: tariff"
            )
            self.assertEqual(shown.get_page(1, 2), rows[2:])
            self.assertEqual(len(list(shown.iter_rows())), 3)
            [total] = shown.get_totals()
            self.assertEqual(
                (total["purchased"], total["returned"], total["corrected"]), (2, 0, 1)
            )
            self.assertEqual(total["corrected_amount"], -2)
            self.assertEqual(total["net_amount"], 13)
            file = io.BytesIO()
            write_csv(shown, file)
            lines = file.getvalue().decode().splitlines()
            self.assertIn("Price corrected from 10.00 to 8.00: tariff", lines[2])
            self.assertEqual(lines[-1], "Rows,3")
            self.assertIn("Price corrections,1,-2.00,USD", lines)
        self.assertEqual(of_invoice.get_difference(), 0)
        # With the returns, as all that changes what was sold.
        for kind, amounts in (("sale", [10, 5]), ("return", [-2])):
            params = {**report.get_params(), "transaction_type": kind}
            shown = self.env["lead.invoicing.report"]._open(self.buyer, params)
            rows = shown.get_page(10)
            self.assertEqual([row["amount"] for row in rows], amounts)
            self.assertEqual(shown.count, len(amounts))

    def test_of_one_that_lost_a_line_each_document_shows_its_half(self):
        sale = self.new_sale(price="10.00")
        self.generate()
        new = self.later(sale, "8.00")
        self.new_sale(price="50.00", at="2026-11-10T12:00:00Z")
        document = self.generate(self.SECOND)
        document.button_draft()
        new.invoice_line_id.unlink()
        document.action_post()
        report = self.env["lead.invoicing.report"]._open(
            self.buyer, {"invoice_id": str(document.id)}
        )
        self.assertEqual(
            sorted(row["amount"] for row in report.get_page(10)), [-10, 50]
        )
        self.assertEqual(report.get_difference(), 0)
        rest = self.generate(self.THIRD)
        self.assertEqual(rest.amount_total, 8)
        self.assertEqual(self.owed(), 58)

    def test_the_printed_document_shows_one_row(self):
        sales = [self.new_sale(price=price) for price in ("10.00", "10.00")]
        self.new_sale(price="7.00")
        for sale in sales:
            self.correct(sale, "8.00")
        invoice = self.generate()
        [row] = invoice._get_lead_correction_rows()
        self.assertEqual(
            row["name"].replace("\N{NO-BREAK SPACE}", " "),
            "Online Degree – Price corrected from $ 10.00 to $ 8.00: 2",
        )
        self.assertEqual((row["quantity"], row["subtotal"]), (2, -4))
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", invoice.ids)[0]
            .decode()
        )
        self.assertIn("Price corrected from", html)
        self.assertNotIn("price before", html)
        self.correct(sales[0], "9.00", at="2026-11-10T12:00:00Z")
        self.correct(sales[1], "6.00", at="2026-11-10T12:00:00Z")
        [row] = self.generate(self.SECOND)._get_lead_correction_rows()
        self.assertEqual(row["name"], "Online Degree – Prices corrected: 2")
        self.assertEqual(row["subtotal"], 1)

    def test_invoiced_again_they_move_along(self):
        sale = self.new_sale(price="10.00")
        new = self.correct(sale, "8.00")
        again = self.invoice_again(self.generate())
        self.assertEqual((sale + new + self.pair_of(new)).invoice_id, again)
        again.action_post()
        self.assertEqual(self.owed(), 8)
        self.assertEqual(len(again._get_lead_correction_rows()), 1)

    def test_books_tell_of_a_correction_that_is_not_whole(self):
        sale = self.new_sale(price="10.00")
        new = self.correct(sale, "8.00")
        self.env["lead.sale"].flush_model()
        self.env.cr.execute(
            "UPDATE lead_sale SET corrected_price = 7 WHERE id = %s", [new.id]
        )
        with freeze_time("2026-11-09"):
            findings = self.env["lead.invoice.run"].check_books()
        self.assertIn("correction", [finding["rule"] for finding in findings])
