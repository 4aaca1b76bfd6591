"""Lead data are erased for one person, and by age; the money stays."""

from datetime import datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user

from odoo.addons.lead_invoicing.wizard import lead_erasure_wizard

from .common.generation import GenerationCommon

ADA = {"first_name": "Ada", "email": "Ada@example.com", "program": "Mathematics"}
KEPT = ("amount", "billing_state", "date", "external_ref", "price", "row_hash")


class ErasureCommon(GenerationCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env,
            login="erasure_officer",
            groups="lead_invoicing.group_manager,lead_invoicing.group_lead_data",
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        cls.erase_cron = cls.env.ref("lead_invoicing.ir_cron_erase_lead_data")

    def wizard(self, user=None, **values):
        wizards = self.env["lead.erasure.wizard"].with_user(user or self.officer)
        return wizards.create(values)

    def search(self, user=None, **values):
        wizard = self.wizard(user, **values)
        wizard.action_search()
        self.assertFalse(wizard.is_searching)
        return wizard.sale_ids.sudo()

    def erase(self, sales, reason="Asked for it on paper"):
        self.wizard(sale_ids=sales.ids, reason=reason).action_erase()

    def stored(self, sale):
        """Return what the database itself has of a transaction's lead data."""
        self.env.flush_all()
        self.env.cr.execute("SELECT lead_data FROM lead_sale WHERE id = %s", [sale.id])
        return self.env.cr.fetchone()[0]

    def run_cron(self, now):
        with freeze_time(now), self.enter_registry_test_mode():
            self.erase_cron.method_direct_trigger()
        self.env.invalidate_all()


class TestFindAPerson(ErasureCommon):
    def test_by_what_the_leads_say(self):
        ada = self.new_sale(lead_data=ADA)
        self.new_sale(lead_data={"first_name": "Adam", "email": "sada@example.com"})
        self.assertEqual(self.search(texts=" ADA@example.COM "), ada)
        # All of a field, not a part of it.
        self.assertFalse(self.search(texts="example.com"))
        # What a field is called is not what it says.
        self.assertFalse(self.search(texts="first_name"))

    def test_a_name_in_one_field_or_in_two(self):
        two = self.new_sale(lead_data={"first_name": "Ada", "program": "Lovelace"})
        one = self.new_sale(lead_data={"first_name": "Ada Lovelace"})
        self.new_sale(lead_data={"first_name": "Ada", "program": "Byron"})
        self.assertEqual(self.search(texts="ada lovelace"), two | one)

    def test_a_name_of_several_words_and_accents(self):
        sales = self.new_sale(
            lead_data={"first_name": " Ana ", "program": "García López"}
        ) | self.new_sale(lead_data={"program": "Jose\u0301"})
        self.new_sale(lead_data={"first_name": "Ana", "program": "López"})
        self.assertEqual(self.search(texts="Ana García López"), sales[0])
        self.assertEqual(self.search(texts="López García\nJosé"), sales)

    def test_phone_numbers_of_other_countries(self):
        for text, stored in (
            ("+45 12 34 56 78", "12345678"),
            ("12345678", "+45 12 34 56 78"),
            ("02 123 45 67", "+32 2 123 45 67"),
            ("+44 20 7946 0000", "+44 (0)20 7946 0000"),
            ("2125551234", "+1 (212) - 555 / 1234"),
            ("2125551234", "212.555.1234 x"),
            ("2125551234", "2125551234 / 2125559999"),
        ):
            sale = self.new_sale(lead_data={"program": stored})
            with self.subTest(text=text, stored=stored):
                self.assertIn(sale, self.search(texts=text))

    def test_a_phone_number_however_it_is_written(self):
        sales = self.env["lead.sale"]
        for number in ("+1 (555) 010-1234", "5550101234", "001.555.010.1234"):
            sales |= self.new_sale(lead_data={"program": number})
        self.new_sale(lead_data={"program": "5550101235"})
        for number in ("555 010 1234", "+15550101234", "(555) 010-1234"):
            with self.subTest(number=number):
                self.assertEqual(self.search(texts=number), sales)

    def test_one_of_several_lines(self):
        sales = self.new_sale(lead_data=ADA) | self.new_sale(
            lead_data={"first_name": "Grace"}
        )
        self.new_sale(lead_data={"first_name": "Linus"})
        self.assertEqual(self.search(texts="ada@example.com\n\nGrace\n"), sales)

    def test_texts_are_no_patterns(self):
        sale = self.new_sale(lead_data={"first_name": 'A.d"a\\ (x', "program": "%"})
        for text in (".*a", "%%%", "___", "A.+a", "(?i)ada", "***:a", "ada'; --"):
            with self.subTest(text=text):
                self.assertFalse(self.search(texts=text))
        self.assertEqual(self.search(texts='a.d"a\\ (x'), sale)

    def test_the_leads_own_returns_and_other_sales(self):
        sale = self.new_sale(lead_data=ADA, lead_ref="L1")
        back = self.new_return(sale, "3.00")
        other_buyer = self.new_buyer("Buyer B")
        again = self.new_sale(other_buyer, lead_ref="L1")
        self.new_sale(lead_ref="L2")
        self.assertEqual(self.search(texts="ada@example.com"), sale | back | again)
        self.assertEqual(self.search(lead_ref="L1"), sale | back | again)
        # Where only a return has the data, its sale and the sale's returns.
        other = self.new_sale()
        returns = self.new_return(other, "3.00", lead_data={"first_name": "Grace"})
        returns |= self.new_return(other, "4.00")
        self.assertEqual(self.search(texts="grace"), other | returns)

    def test_step_by_step_in_a_large_ledger(self):
        sales = self.new_sale(lead_data=ADA) | self.new_sale(lead_data=ADA)
        wizard = self.wizard(texts="ada@example.com")
        with patch.object(lead_erasure_wizard, "SEARCH_SECONDS", 0):
            wizard.action_search()
        self.assertTrue(wizard.is_searching)
        self.assertLess(wizard.progress, 100)
        self.assertFalse(wizard.sale_ids)
        wizard.reason = "Asked"
        with self.assertRaises(UserError):
            wizard.action_erase()
        with patch.object(lead_erasure_wizard, "SEARCH_SLICE", sales[0].id):
            wizard.action_search_on()
        self.assertEqual(wizard.sale_ids.sudo(), sales)
        self.assertEqual(wizard.progress, 100)

    def test_what_cannot_be_searched_for(self):
        for values in ({}, {"texts": " \n "}, {"texts": "ab"}):
            with self.subTest(values=values), self.assertRaises(UserError):
                self.search(**values)
        for _number in range(3):
            self.new_sale(lead_data=ADA)
        with (
            patch.object(lead_erasure_wizard, "FOUND_LIMIT", 2),
            self.assertRaisesRegex(UserError, "More than 2"),
        ):
            self.search(texts="ada@example.com")

    def test_who_does_not_see_lead_data_finds_by_the_lead_alone(self):
        sale = self.new_sale(lead_data=ADA, lead_ref="L1")
        self.assertEqual(self.search(self.manager, lead_ref="L1"), sale)
        with self.assertRaises(AccessError):
            self.wizard(self.manager, texts="ada@example.com")
        wizard = self.wizard(texts="ada@example.com")
        wizard.action_search()
        with self.assertRaises(AccessError):
            wizard.with_user(self.manager).read(["texts"])

    def test_only_in_the_company(self):
        self.new_sale(lead_data=ADA, lead_ref="L1")
        abroad = self._create_company(name="Other House")
        stranger = new_test_user(
            self.env,
            login="erasure_stranger",
            groups="lead_invoicing.group_manager,lead_invoicing.group_lead_data",
            company_id=abroad.id,
            company_ids=[(6, 0, abroad.ids)],
        )
        self.assertFalse(self.search(stranger, lead_ref="L1"))
        self.assertFalse(self.search(stranger, texts="ada@example.com"))
        wizard = self.wizard(stranger, lead_ref="L1")
        with self.assertRaises(AccessError):
            wizard.write({"company_id": self.company.id})
            wizard.action_search()


class TestErase(ErasureCommon):
    def test_the_data_go_and_the_money_stays(self):
        sale = self.new_sale(lead_data=ADA, lead_ref="L1", price="12.50")
        unbilled = self.new_sale(lead_data=ADA, at="2026-11-10T12:00:00Z")
        invoice = self.generate()
        before = [sale.read(KEPT), unbilled.read(KEPT), invoice.amount_total]
        self.erase(sale | unbilled)
        after = [sale.read(KEPT), unbilled.read(KEPT), invoice.amount_total]
        self.assertEqual(before, after)
        self.assertEqual(invoice.lead_sale_ids, sale)
        self.assert_ties_out(invoice)
        for erased in (sale, unbilled):
            self.assertIsNone(self.stored(erased))
            self.assertTrue(erased.lead_data_erased_at)
            self.assertFalse(any(dict(erased.lead_data).values()))
        # It is billed like any other.
        (document,) = self.generate(datetime(2026, 11, 16, 11))
        self.assertEqual(document.lead_sale_ids, unbilled)

    def test_a_record_says_who_why_and_how_many(self):
        sales = self.new_sale(lead_data=ADA) | self.new_sale(lead_data=ADA)
        self.new_sale(lead_data=ADA)
        without = self.new_sale()
        wizard = self.wizard(sale_ids=(sales | without).ids, reason="Letter of May 2")
        wizard.action_erase()
        record = self.env["lead.erasure"].search([])
        self.assertEqual(
            (record.create_uid, record.kind, record.reason, record.sale_count),
            (self.officer, "request", "Letter of May 2", 2),
        )
        self.assertEqual(record.company_id, self.company)
        # There was nothing to erase.
        self.assertFalse(without.lead_data_erased_at)
        # What was searched for is gone with the wizard.
        self.assertFalse(wizard.exists())
        for user in (self.officer, self.manager, self.billing_user):
            own = record.with_user(user)
            for method, args in (
                (own.write, [{"reason": "x"}]),
                (own.unlink, []),
                (own.copy, []),
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    method(*args)

    def test_only_with_a_reason_and_a_transaction(self):
        sale = self.new_sale(lead_data=ADA)
        for values in (
            {"sale_ids": sale.ids},
            {"sale_ids": sale.ids, "reason": "  "},
            {"reason": "x"},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                self.wizard(**values).action_erase()
        self.assertEqual(self.stored(sale), ADA)

    def test_only_managers(self):
        sale = self.new_sale(lead_data=ADA)
        for user in (self.billing_user, self.portal_user, self.plain_user):
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    self.wizard(user)
                with self.assertRaises(AccessError):
                    sale.with_user(user).action_erase_lead_data()
        self.assertEqual(self.stored(sale), ADA)

    def test_nothing_brings_the_data_back(self):
        vals = self.sale_vals("P1", lead_type="EDU", lead_data=ADA)
        sale = self.record_all(vals)
        self.erase(sale)
        (answer,) = self.record(vals)
        self.assertEqual(answer["status"], "duplicate")
        (answer,) = self.record({**vals, "price": 3})
        self.assertEqual(answer["status"], "conflict")
        for value in (
            {"first_name": "Ada"},
            [{"name": "first_name", "type": "char", "value": "Ada"}],
        ):
            with self.assertRaisesRegex(UserError, "has been erased"):
                sale.with_user(self.officer).write({"lead_data": value})
        self.assertIsNone(self.stored(sale))

    def test_a_later_return_of_the_lead_comes_without_data(self):
        sale = self.new_sale(lead_data=ADA)
        self.erase(sale)
        with freeze_time("2027-12-31"):
            (answer,) = self.record(
                self.return_vals(
                    "R1",
                    sale.external_ref,
                    buyer_ref=self.buyer.ref,
                    lead_type="EDU",
                    occurred_at="2026-11-05T12:00:00Z",
                    price=10,
                    lead_data=ADA,
                )
            )
        self.assertEqual(answer["status"], "created", answer["message"])
        self.assertIn("not stored", answer["warning"])
        back = self.env["lead.sale"].browse(answer["id"])
        self.assertIsNone(self.stored(back))
        self.assertEqual(back.lead_data_erased_at, sale.lead_data_erased_at)

    def test_from_the_list_of_transactions(self):
        sale = self.new_sale(lead_data=ADA)
        # Its own data, or those of its sale: the list shows no difference.
        back = self.new_return(sale, "3.00")
        other = self.new_return(sale, "4.00", lead_data=ADA)
        action = back.with_user(self.officer).action_erase_lead_data()
        wizards = self.env["lead.erasure.wizard"].with_user(self.officer)
        with Form(wizards.browse(action["res_id"])) as form:
            form.reason = "Asked"
        form.record.action_erase()
        for erased in sale | back | other:
            self.assertIsNone(self.stored(erased))
            with self.assertRaisesRegex(UserError, "has been erased"):
                erased.with_user(self.officer).write({"lead_data": ADA})

    def test_a_failed_recording_leaves_no_lead_data_in_the_log(self):
        self.env.cr.execute(
            "ALTER TABLE lead_sale ADD CONSTRAINT only_for_this_test"
            " CHECK (lead_ref != 'L13')"
        )
        with (
            self.assertNoLogs("odoo.sql_db", "ERROR"),
            self.assertRaisesRegex(Exception, "only_for_this_test"),
            self.env.cr.savepoint(),
        ):
            self.record(self.sale_vals("P1", lead_ref="L13"))


class TestEraseByAge(ErasureCommon):
    def test_a_company_keeps_all_until_it_says_otherwise(self):
        sale = self.new_sale(lead_data=ADA)
        self.run_cron("2036-11-05 12:00")
        self.assertEqual(self.stored(sale), ADA)

    def test_older_than_so_many_months(self):
        old = self.new_sale(lead_data=ADA, at="2026-11-04T11:00:00Z")
        other = self.new_sale(self.new_buyer("Buyer B"), lead_data=ADA)
        young = self.new_sale(lead_data=ADA, at="2026-11-05T12:00:01Z")
        self.company.lead_data_months = 6
        self.run_cron("2027-05-05 12:00:00")
        self.assertIsNone(self.stored(old))
        self.assertIsNone(self.stored(other))
        self.assertTrue(old.lead_data_erased_at)
        self.assertEqual(self.stored(young), ADA)
        record = self.env["lead.erasure"].search([])
        self.assertEqual(
            (record.kind, record.sale_count, record.create_uid),
            ("age", 2, self.env.ref("base.user_root")),
        )
        self.assertEqual(
            self.company.lead_data_erased_before, datetime(2026, 11, 5, 12)
        )
        self.run_cron("2027-05-06 12:00:00")
        self.assertIsNone(self.stored(young))
        self.assertEqual(self.env["lead.erasure"].search_count([]), 2)
        # Nothing to erase, nothing to record.
        self.run_cron("2027-05-07 12:00:00")
        self.assertEqual(self.env["lead.erasure"].search_count([]), 2)

    def test_of_this_company_alone(self):
        abroad = self._create_company(name="Other House")
        abroad.lead_data_months = 1
        sale = self.new_sale(lead_data=ADA)
        self.run_cron("2027-05-05 12:00:00")
        self.assertEqual(self.stored(sale), ADA)

    def test_day_by_day_with_a_commit_after_each(self):
        sales = [
            self.new_sale(lead_data=ADA, at=f"2026-11-{day:02}T12:00:00Z")
            for day in (1, 2, 20)
        ]
        self.company.lead_data_months = 6
        crons = type(self.env["ir.cron"])
        steps = []

        def commit_progress(cron, processed=0, *, remaining=None, **kwargs):
            self.env.flush_all()
            steps.append(
                (
                    [self.stored(sale) is None for sale in sales],
                    sum(self.env["lead.erasure"].search([]).mapped("sale_count")),
                    remaining,
                )
            )
            # The scheduler's time is up after the second day.
            return 0 if len(steps) == 2 else 10

        with (
            freeze_time("2027-06-01 00:00"),
            patch.object(crons, "_commit_progress", commit_progress),
        ):
            erasures = self.env["lead.erasure"].with_user(
                self.env.ref("base.user_root")
            )
            erasures._cron_erase_aged()
            self.assertEqual(
                [step[:2] for step in steps],
                [
                    ([True, False, False], 1),
                    ([True, True, False], 2),
                ],
            )
            # There is a rest, and it becomes less.
            self.assertGreater(steps[0][2], steps[1][2])
            self.assertGreater(steps[1][2], 0)
            erasures._cron_erase_aged()
        self.assertEqual(steps[-1], ([True, True, True], 3, 0))

    def test_what_is_recorded_too_late_comes_without_data(self):
        self.company.lead_data_months = 6
        self.run_cron("2027-12-31 12:00:00")
        with freeze_time("2027-12-31 12:00"):
            sale = self.new_sale(lead_data=ADA)  # of 2026
            self.assertIsNone(self.stored(sale))
            self.assertTrue(sale.lead_data_erased_at)
            created = self.env["lead.sale"].create(
                {
                    "external_ref": "M1",
                    "partner_id": self.buyer.id,
                    "lead_type_id": self.edu.id,
                    "price": 1,
                    "date": "2026-11-04 12:00:00",
                    "lead_data": ADA,
                }
            )
            self.assertFalse(any((self.stored(created) or {}).values()))
            self.assertTrue(created.lead_data_erased_at)
            bare = self.new_sale()
            self.assertFalse(bare.lead_data_erased_at)
            with self.assertRaisesRegex(UserError, "has been erased"):
                bare.with_user(self.officer).write({"lead_data": {"first_name": "Ada"}})

    def test_another_time_looks_at_all_of_them_again(self):
        self.company.lead_data_months = 12
        self.run_cron("2027-05-05 12:00:00")
        self.company.lead_data_months = 0
        self.assertFalse(self.company.lead_data_erased_before)
        sale = self.new_sale(lead_data=ADA, at="2020-01-01T12:00:00Z")
        self.assertEqual(self.stored(sale), ADA)
        self.company.lead_data_months = 12
        self.run_cron("2027-05-05 12:00:00")
        self.assertIsNone(self.stored(sale))

    def test_the_number_of_months_is_sensible(self):
        for months in (-1, 601):
            with self.assertRaises(ValidationError):
                self.company.lead_data_months = months
