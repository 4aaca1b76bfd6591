"""Why leads are returned, and how often."""

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common.generation import GENERATION, GenerationCommon
from .common.world import LeadInvoicingCommon


@tagged("post_install", "-at_install")
class TestReturnReasons(LeadInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("de_DE")
        cls.wrong, cls.twice = cls.env["lead.return.reason"].create(
            [
                {"name": "Wrong phone number", "code": "wrong_number"},
                {"name": "Known already", "code": "duplicate"},
            ]
        )
        cls.wrong.with_context(lang="de_DE").name = "Falsche Telefonnummer"

    def reason_of(self, text):
        ref = f"{text} of nobody"[:60]
        self.sell(ref)
        back = self.give_back(f"R {ref}", ref, reason=text)
        self.assertEqual(back.reason, text)
        return back.reason_id

    def test_the_text_of_a_return_is_matched_by_code_and_name_in_any_language(self):
        for text in (
            "wrong_number",
            "WRONG_Number",
            "wrong phone  number",
            " Wrong Phone Number ",
            "falsche telefonnummer",
        ):
            with self.subTest(text):
                self.assertEqual(self.reason_of(text), self.wrong)

    def test_a_reason_without_a_code_has_one_of_its_name(self):
        reasons = self.env["lead.return.reason"]
        made = reasons.create(
            [
                {"name": "Numéro  Faux!"},
                {"name": "numero faux"},
                {"name": "Duplicate"},
                {"name": "Καλημέρα"},
                {"name": "Sent", "code": "Own"},
            ]
        )
        self.assertEqual(
            made.mapped("code"),
            ["numero_faux", "numero_faux_2", "duplicate_2", "reason", "Own"],
        )
        made[0].name = "Another name"
        self.assertEqual(made[0].code, "numero_faux")
        with Form(reasons) as form:
            form.name = "Numero faux"
        self.assertEqual(form.record.code, "numero_faux_3")
        self.assertEqual(self.reason_of("numero_faux_2"), made[1])

    def test_a_text_that_matches_nothing_stays_a_text(self):
        self.assertFalse(self.reason_of("phone is wrong"))
        self.sell("T")
        self.assertFalse(self.give_back("R", "T", reason=None).reason_id)

    def test_an_archived_reason_and_one_of_another_company_are_not_matched(self):
        self.wrong.active = False
        self.assertFalse(self.reason_of("wrong_number"))
        other = self._create_company(name="Other House")
        self.twice.sudo().company_id = other
        self.assertFalse(self.reason_of("duplicate"))

    def test_the_reason_of_a_sale_is_not_matched(self):
        self.assertFalse(self.sell("T", reason="duplicate").reason_id)
        with self.assertRaisesRegex(ValidationError, "only a return"):
            self.new_row("S", transaction_type="sale", reason_id=self.wrong.id)

    def new_row(self, ref, **vals):
        return self.env["lead.sale"].create(
            {
                "external_ref": ref,
                "partner_id": self.buyer.id,
                "lead_type_id": self.auto.id,
                "price": 20,
                "date": "2026-01-17 12:00:00",
                **vals,
            }
        )

    def test_a_chosen_reason_writes_its_name_where_there_is_no_text(self):
        sales = self.sell("T1"), self.sell("T2")
        named, told = (
            self.new_row(
                f"R{number}",
                transaction_type="return",
                origin_id=sale.id,
                reason_id=self.wrong.id,
                reason=text,
            )
            for number, (sale, text) in enumerate(
                zip(sales, (False, "It rang nowhere"), strict=True)
            )
        )
        self.assertEqual(named.reason, "Wrong phone number")
        self.assertEqual(told.reason, "It rang nowhere")
        self.assertEqual((named + told).reason_id, self.wrong)

    def test_a_reason_of_another_company_is_refused(self):
        self.sell("T")
        other = self._create_company(name="Other House")
        theirs = self.env["lead.return.reason"].sudo()
        theirs = theirs.create({"name": "x", "code": "x", "company_id": other.id})
        with self.assertRaisesRegex(ValidationError, "not a return reason of"):
            self.new_row(
                "R",
                transaction_type="return",
                origin_external_ref="T",
                reason_id=theirs.id,
            )

    def test_a_corrected_text_is_matched_anew_and_a_waiver_is_not(self):
        sale = self.sell("T")
        back = self.give_back("R", "T", reason="wrong_number")
        back.reason = "Known already"
        self.assertEqual(back.reason_id, self.twice)
        back._waive("wrong_number")
        self.assertEqual(back.reason_id, self.twice)
        sale.reason = "wrong_number"
        self.assertFalse(sale.reason_id)

    def test_a_file_has_the_text_or_the_reason(self):
        self.sell("T1")
        self.sell("T2")
        names = ["external_ref", "transaction_type", "origin_external_ref"]
        names += ["occurred_at", "buyer_ref", "lead_type_id", "price"]
        row = ["return", "T1", "2026-01-16T12:00:00Z", "B1", "AUTO", "20"]
        for name, text in (("reason", "DUPLICATE"), ("reason_id", "Known already")):
            row[1] = "T1" if name == "reason" else "T2"
            result = self.env["lead.sale"].load([*names, name], [[name, *row, text]])
            self.assertFalse(result["messages"])
            back = self.env["lead.sale"].browse(result["ids"])
            self.assertEqual(back.reason_id, self.twice)

    def test_a_code_is_unique_in_its_company_whatever_its_case(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.env["lead.return.reason"].create({"name": "x", "code": "DUPLICATE"})

    def test_each_copy_has_a_code_of_its_own(self):
        for record in (self.env["lead.return.reason"].search([], limit=1), self.auto):
            copies = record.copy() + record.copy() + record.copy()
            self.assertEqual(len({copy.code.lower() for copy in copies + record}), 4)

    def test_a_reason_in_use_stays_in_its_company(self):
        self.reason_of("duplicate")
        other = self._create_company(name="Other House")
        self.env.user.company_ids += other
        reasons = self.twice.with_context(
            allowed_company_ids=(self.company | other).ids
        )
        with self.assertRaisesRegex(UserError, "is used by transactions"):
            reasons.company_id = other

    def test_a_clerk_reads_and_counts_by_reason(self):
        self.reason_of("duplicate")
        reasons = self.twice.with_user(self.billing_user)
        self.assertEqual(reasons.name, "Known already")
        with self.assertRaises(AccessError):
            reasons.name = "x"
        groups = self.env["lead.sale"].with_user(self.billing_user)
        groups = groups._read_group(
            [("transaction_type", "=", "return")],
            ["reason_id", "lead_type_id", "commercial_partner_id", "campaign"],
            ["__count", "amount:sum"],
        )
        expected = [(self.twice, self.auto, self.buyer, False, 1, -20)]
        self.assertEqual(groups, expected)


@tagged("post_install", "-at_install")
class TestReturnRate(GenerationCommon):
    def label(self, buyer=None, now=GENERATION):
        with freeze_time(now):
            buyer = (buyer or self.buyer).with_user(self.billing_user)
            buyer.invalidate_recordset()
            return buyer.lead_return_rate_label

    def setUp(self):
        super().setUp()
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        sales = [self.new_sale() for _number in range(4)]
        self.new_return(sales[0])
        self.new_return(sales[1], 5)  # a price adjustment is no lead returned

    def test_without_purchases_there_is_no_rate(self):
        self.assertFalse(self.label(self.other_buyer))
        self.assertFalse(self.label(now="2027-06-01"))

    def test_below_five_buyers_nothing_is_told_of_the_others(self):
        for number in range(3):
            self.new_sale(self.new_buyer(f"Other {number}"))
        self.assertEqual(self.label(), "25.0% in the last 90 days")

    def test_from_five_buyers_on_the_median_stands_beside_it(self):
        for number, returned in enumerate((0, 0, 1, 1)):
            buyer = self.new_buyer(f"Other {number}")
            sales = [self.new_sale(buyer) for _number in range(10)]
            for sale in sales[: returned + number]:
                self.new_return(sale)
        self.assertEqual(
            self.label(),
            "25.0% in the last 90 days; the median of all buyers is 25.0%",
        )

    def test_it_takes_the_same_number_of_queries_for_any_number_of_buyers(self):
        buyers = self.buyer
        for number in range(30):
            buyers += self.new_buyer(f"Other {number}")
        for buyer in buyers:
            self.new_sale(buyer)
        with freeze_time(GENERATION):
            self.assertTrue(self.label())  # and the median of the day
            counts = set()
            for some in (buyers[:2], buyers):
                self.env.flush_all()
                self.env.invalidate_all()
                some.mapped("commercial_partner_id")
                before = self.env.cr.sql_log_count
                some.mapped("lead_return_rate")
                counts.add(self.env.cr.sql_log_count - before)
        self.assertEqual(len(counts), 1, counts)
