from datetime import datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common.world import LeadInvoicingCommon


@tagged("clock")
class TestRecordTransactions(LeadInvoicingCommon):
    def assert_refused(self, vals, *words):
        """Assert that ``vals`` is refused, in a sentence with ``words``."""
        before = self.env["lead.sale"].search_count([])
        [answer] = self.record(vals)
        self.assertEqual(answer["status"], "error", answer)
        self.assertFalse(answer["id"])
        for word in words:
            self.assertIn(word, answer["message"])
        self.assertEqual(self.env["lead.sale"].search_count([]), before)

    # Good rows

    def test_sale_is_stored_as_sent(self):
        sale = self.sell(
            "T1",
            occurred_at="2026-01-15T23:30:00.9+05:30",
            lead_ref="L1",
            campaign="C1",
            price="12.50",
            currency="usd",
            reason="",
        )
        self.assertRecordValues(
            sale,
            [
                {
                    "external_ref": "T1",
                    "transaction_type": "sale",
                    "partner_id": self.buyer.id,
                    "commercial_partner_id": self.buyer.id,
                    "lead_type_id": self.auto.id,
                    "lead_ref": "L1",
                    "campaign": "C1",
                    "company_id": self.company.id,
                    "currency_id": self.env.ref("base.USD").id,
                    "price": 12.5,
                    "amount": 12.5,
                    "date": datetime(2026, 1, 15, 18, 0, 0),
                    "reason": False,
                    "waived": False,
                    "price_adjustment": False,
                    "origin_id": False,
                    "billing_state": "unbilled",
                }
            ],
        )
        self.assertEqual(sale.create_uid, self.env.user)

    def test_answers_come_in_the_order_of_the_rows(self):
        answers = self.record(
            self.sale_vals("T2"), self.sale_vals("T1", price=-1), self.sale_vals("T0")
        )
        self.assertEqual([a["external_ref"] for a in answers], ["T2", "T1", "T0"])
        self.assertEqual(
            [a["status"] for a in answers], ["created", "error", "created"]
        )
        self.assertEqual(
            set(answers[0]), {"external_ref", "id", "status", "message", "warning"}
        )

    def test_sub_account_is_billed_as_its_company(self):
        sale = self.sell("T1", buyer_ref="B1-SUB")
        self.assertEqual(sale.partner_id, self.sub_account)
        self.assertEqual(sale.commercial_partner_id, self.buyer)

    def test_currency_left_out_is_the_companys(self):
        self.assertEqual(self.sell("T1").currency_id, self.company.currency_id)

    def test_lead_may_cost_nothing(self):
        self.assertEqual(self.sell("T1", price=0).amount, 0)

    # The same reference again

    def test_same_rows_again_create_nothing(self):
        rows = [
            self.sale_vals("T1", price=20, reason="a"),
            self.return_vals("R1", "T1", price="5.00"),
        ]
        ids = [answer["id"] for answer in self.record(*rows)]
        again = self.record(
            # The same content in another notation; a reason is not compared.
            {**rows[0], "price": "20.00", "occurred_at": "2026-01-15T13:00:00+01:00"},
            {**rows[1], "reason": "b", "currency": "USD"},
        )
        self.assertEqual([a["status"] for a in again], ["duplicate"] * 2)
        self.assertEqual([a["id"] for a in again], ids)
        self.assertEqual(self.env["lead.sale"].browse(ids[0]).reason, "a")

    def test_same_reference_with_other_content_is_a_conflict(self):
        sale = self.sell("T1")
        [answer] = self.record(self.sale_vals("T1", price=21))
        self.assertEqual((answer["status"], answer["id"]), ("conflict", sale.id))
        self.assertEqual(sale.price, 20)

    def test_conflict_is_judged_on_what_was_first_received(self):
        sale = self.sell("T1", campaign="C1")
        sale.campaign = "C2"
        [answer] = self.record(self.sale_vals("T1", campaign="C1"))
        self.assertEqual(answer["status"], "duplicate")

    def test_same_reference_twice_in_one_call(self):
        answers = self.record(
            self.sale_vals("T1"), self.sale_vals("T1"), self.sale_vals("T1", price=9)
        )
        self.assertEqual(
            [a["status"] for a in answers], ["created", "duplicate", "conflict"]
        )
        self.assertEqual(answers[1]["id"], answers[0]["id"])

    def test_refused_row_does_not_take_the_reference_from_a_good_one(self):
        answers = self.record(self.sale_vals("T1", price=-1), self.sale_vals("T1"))
        self.assertEqual([a["status"] for a in answers], ["error", "created"])

    def test_less_than_nothing_by_nothing_is_nothing(self):
        rows = [self.sale_vals("T1", price=price) for price in (-0.0, 0, "-0", "0.00")]
        answers = self.record(*rows)
        self.assertEqual(
            [answer["status"] for answer in answers], ["created", *["duplicate"] * 3]
        )

    def test_duplicate_stays_one_when_its_buyer_is_renamed(self):
        self.sell("T1")
        self.buyer.ref = "B9"
        self.assertEqual(self.record(self.sale_vals("T1"))[0]["status"], "duplicate")

    # Rows that are no rows

    def test_list_is_required(self):
        for vals_list in ({}, "T1", None, 7):
            with self.assertRaises(UserError):
                self.env["lead.sale"].record_transactions(vals_list)
        self.assertEqual(self.env["lead.sale"].record_transactions([]), [])

    def test_row_that_is_no_object_is_refused(self):
        answers = self.record(None, "T1", ["T1"], self.sale_vals("T2"))
        self.assertEqual([a["status"] for a in answers], ["error"] * 3 + ["created"])

    def test_unknown_field_is_refused_by_name(self):
        self.assert_refused(self.sale_vals("T1", prize=1, id=2), "id, prize")

    # References

    def test_bad_references_are_refused(self):
        for bad in (None, "", "  ", "x" * 129, "a\x00b", "a\nb", "\ud800", 1.5, True):
            with self.subTest(bad=bad):
                self.assert_refused(self.sale_vals("T", external_ref=bad))
                if bad not in (None, "", "  "):
                    self.assert_refused(self.sale_vals("T", lead_ref=bad), "lead_ref")
                    self.assert_refused(self.sale_vals("T", campaign=bad), "campaign")
                self.assert_refused(self.sale_vals("T", buyer_ref=bad), "buyer_ref")
                self.assert_refused(self.sale_vals("T", lead_type=bad), "lead_type")

    def test_quotes_emoji_and_the_limit_are_fine(self):
        reference = ("'\"\\%s🚗;--" * 20)[:128]
        sale = self.sell(reference, lead_ref=reference, campaign=reference)
        self.assertEqual(sale.external_ref, reference)
        self.assertEqual(self.sell(4711).external_ref, "4711")

    def test_reason_is_any_text_that_can_be_stored(self):
        self.assertEqual(self.sell("T1", reason="a\nb 🚗").reason, "a\nb 🚗")
        for bad in ("a\x00b", "\udfff", "x" * 10_240, 5, ["x"]):
            self.assert_refused(self.sale_vals("T2", reason=bad), "reason")

    # Buyers

    def test_unknown_buyer_is_refused(self):
        self.assert_refused(self.sale_vals("T1", buyer_ref="B?"), "buyer_ref", "B?")

    def test_ambiguous_buyer_is_refused_until_it_is_settled(self):
        self.other_buyer.ref = "B1"
        self.assert_refused(self.sale_vals("T1"), "2 contacts", "B1")
        self.env["lead.buyer.ref"].create({"ref": "B1", "partner_id": self.buyer.id})
        self.assertEqual(self.sell("T1").partner_id, self.buyer)

    def test_platform_reference_wins_over_the_contacts_own(self):
        self.env["lead.buyer.ref"].create(
            {"ref": "B1", "partner_id": self.other_buyer.id}
        )
        self.assertEqual(self.sell("T1").partner_id, self.other_buyer)

    def test_archived_buyer_is_known(self):
        self.buyer.active = False
        self.assertEqual(self.sell("T1").partner_id, self.buyer)

    def test_buyer_of_another_company_is_unknown(self):
        other = self._create_company(name="Other House")
        self.other_buyer.company_id = other
        self.assert_refused(self.sale_vals("T1", buyer_ref="B2"), "buyer_ref")
        self.env["lead.buyer.ref"].sudo().create(
            {"ref": "B3", "partner_id": self.other_buyer.id, "company_id": other.id}
        )
        self.assert_refused(self.sale_vals("T1", buyer_ref="B3"), "buyer_ref")

    # Lead types and currencies

    def test_unknown_lead_type_is_refused_with_the_known_ones(self):
        self.assert_refused(
            self.sale_vals("T1", lead_type="CAR"), "lead_type", "AUTO, EDU"
        )

    def test_currency_must_be_active(self):
        self.env.ref("base.JPY").active = False
        for code in ("JPY", "XXX", "US$"):
            self.assert_refused(self.sale_vals("T1", currency=code), "currency", code)
        self.env.ref("base.EUR").active = True
        self.assertEqual(self.sell("T1", currency="EUR").currency_id.name, "EUR")

    # Prices

    def test_bad_prices_are_refused(self):
        nan, infinity = float("nan"), float("inf")
        for bad in (
            *(None, "", "ten", "1,50", "1_0", "0x1", "１２", True, [], {}),
            *(-1, "-0.01", nan, infinity, -infinity, "NaN", "Infinity", "1e3"),
            *(10**12, 1e300, 10**5000, "9" * 10_240),
        ):
            with self.subTest(bad=str(bad)[:20] if bad != 10**5000 else "huge"):
                self.assert_refused(self.sale_vals("T1", price=bad), "price")

    def test_price_finer_than_its_currency_is_refused(self):
        self.assert_refused(self.sale_vals("T1", price=12.345), "12.345", "0.01")
        self.env.ref("base.JPY").active = True
        self.assert_refused(self.sale_vals("T1", price="1.5", currency="JPY"), "JPY")
        self.sell("T1", price="100.00", currency="JPY")

    def test_price_finer_than_product_price_is_refused(self):
        self.env.ref("product.decimal_price").digits = 1
        self.assert_refused(self.sale_vals("T1", price="1.25"), "Product Price")
        self.sell("T1", price="1.20")

    # Moments

    def test_bad_moments_are_refused(self):
        for bad in (
            *(None, "", "yesterday", 1768478400, True, ["2026-01-15T12:00:00Z"]),
            *("2026-02-30T12:00:00Z", "2026-01-15T25:00:00Z", "2026-01-15"),
            *("2026-01-15T12:00:00", "0001-01-01T00:00:00+05:00", "x" * 10_240),
            "2026-01-15T12:00:00+99:00",
        ):
            with self.subTest(bad=bad):
                self.assert_refused(
                    self.sale_vals("T1", occurred_at=bad), "occurred_at"
                )

    @freeze_time("2026-03-01 12:00:00")
    def test_moment_may_be_an_hour_ahead_and_no_more(self):
        self.sell("T1", occurred_at="2026-03-01T13:00:00Z")
        self.assert_refused(
            self.sale_vals("T2", occurred_at="2026-03-01T13:00:01Z"),
            "an hour in the future",
        )

    # Returns

    def test_return_names_its_sale_and_is_negative(self):
        sale = self.sell("T1")
        returned = self.give_back("R1", "T1")
        self.assertEqual(returned.origin_id, sale)
        self.assertEqual((returned.price, returned.amount), (20, -20))
        self.assertFalse(returned.price_adjustment)

    def test_a_sale_whose_id_is_taken_is_refused_and_its_return_with_it(self):
        """As in a database that was copied while it crashed: its sequence is behind."""
        taken = self.sell("T1").id
        self.env.cr.execute("SELECT last_value FROM lead_sale_id_seq")
        (last,) = self.env.cr.fetchone()
        set_last = "SELECT setval('lead_sale_id_seq', %s)"
        self.addCleanup(self.env.cr.execute, set_last, [last + 10])
        self.env.cr.execute("SELECT setval('lead_sale_id_seq', %s, FALSE)", [taken])
        answers = self.env["lead.sale"].record_transactions(
            [self.sale_vals("T2"), self.return_vals("R2", "T2"), self.sale_vals("T3")]
        )
        self.assertEqual(
            [(answer["status"], answer["message"]) for answer in answers],
            [
                ("error", "row: the row could not be recorded; send it again."),
                (
                    "error",
                    "origin_external_ref: the sale “T2” could not be recorded; send"
                    " both again.",
                ),
                ("created", ""),
            ],
        )

    def test_return_may_come_before_its_sale_in_one_call(self):
        returned, sale = self.record_all(
            self.return_vals("R1", "T1"), self.sale_vals("T1")
        )
        self.assertEqual(returned.origin_id, sale)

    def test_return_of_a_part_is_a_price_adjustment_and_of_the_rest_a_lead(self):
        self.sell("T1")
        part = self.give_back("R1", "T1", price=15)
        rest = self.give_back("R2", "T1", price=5)
        self.assertTrue(part.price_adjustment)
        self.assertFalse(rest.price_adjustment)
        self.assert_refused(self.return_vals("R3", "T1", price=0), "in full")

    def test_parts_in_one_call_count_by_their_dates(self):
        self.sell("T1")
        rest, part = self.record_all(
            self.return_vals("R2", "T1", price=5, occurred_at="2026-01-18T00:00:00Z"),
            self.return_vals("R1", "T1", price=15, occurred_at="2026-01-17T00:00:00Z"),
        )
        self.assertTrue(part.price_adjustment)
        self.assertFalse(rest.price_adjustment)

    def test_returns_never_exceed_the_price(self):
        self.sell("T1")
        self.assert_refused(self.return_vals("R1", "T1", price="20.01"), "price", "20")
        self.give_back("R1", "T1", price="19.99")
        self.assert_refused(self.return_vals("R2", "T1", price="0.02"), "0.01")
        answers = self.record(
            self.return_vals("R2", "T1", price="0.01"),
            self.return_vals("R3", "T1", price="0.01"),
        )
        self.assertEqual([a["status"] for a in answers], ["created", "error"])

    def test_free_lead_is_returned_once(self):
        self.sell("T1", price=0)
        self.assertFalse(self.give_back("R1", "T1", price=0).price_adjustment)
        self.assert_refused(self.return_vals("R2", "T1", price=0), "in full")

    def test_return_that_does_not_fit_its_sale_is_refused(self):
        self.sell("T1")
        self.give_back("R1", "T1", price=1)
        self.env.ref("base.EUR").active = True
        for changes, word in (
            ({"origin_external_ref": None}, "origin_external_ref"),
            ({"origin_external_ref": "T?"}, "T?"),
            ({"origin_external_ref": "R1"}, "itself a return"),
            ({"buyer_ref": "B2"}, "another buyer"),
            ({"buyer_ref": "B1-SUB"}, "another buyer"),
            ({"currency": "EUR"}, "USD"),
            ({"lead_type": "EDU"}, "AUTO"),
            ({"occurred_at": "2026-01-15T11:59:59Z"}, "before its sale"),
        ):
            with self.subTest(changes=changes):
                self.assert_refused(
                    self.return_vals("R2", "T1", **{"price": 1, **changes}), word
                )

    def test_sale_names_no_origin(self):
        self.assert_refused(
            self.sale_vals("T1", origin_external_ref="T0"), "origin_external_ref"
        )

    def test_return_of_a_refused_sale_is_refused(self):
        answers = self.record(
            self.sale_vals("T1", price=-1), self.return_vals("R1", "T1")
        )
        self.assertEqual([a["status"] for a in answers], ["error", "error"])

    def test_return_is_billed_to_whom_its_sale_is_billed(self):
        self.sell("T1", buyer_ref="B1-SUB")
        self.sub_account.parent_id = self.other_buyer
        returned = self.give_back("R1", "T1", buyer_ref="B1-SUB")
        self.assertEqual(returned.commercial_partner_id, self.buyer)

    # What is not billed

    def test_history_is_recorded_as_waived(self):
        self.company.lead_billing_start = "2026-01-16"
        sale = self.sell("T1")
        self.assertEqual(
            (sale.billing_state, sale.reason), ("waived", "billed elsewhere")
        )
        late = self.sell("T2", occurred_at="2026-01-16T00:00:00Z")
        self.assertEqual(late.billing_state, "unbilled")
        self.assertFalse(self.give_back("R1", "T1").waived)

    def test_history_ends_at_midnight_of_the_companys_cycle(self):
        self.company.lead_billing_cycle_id = self.env["lead.billing.cycle"].create(
            {"name": "Weekly", "tz": "America/New_York", "company_id": self.company.id}
        )
        self.company.lead_billing_start = "2026-01-16"
        self.assertTrue(self.sell("T1", occurred_at="2026-01-16T04:59:59Z").waived)
        self.assertFalse(self.sell("T2", occurred_at="2026-01-16T05:00:00Z").waived)

    def test_reason_of_a_history_return_is_kept(self):
        self.company.lead_billing_start = "2026-02-01"
        self.sell("T1")
        returned = self.give_back("R1", "T1")
        self.assertEqual(returned.reason, "wrong number (billed elsewhere)")

    def test_return_of_a_sale_waived_as_goodwill_is_waived(self):
        self.company.lead_billing_start = "2026-01-01"
        sale = self.sell("T1", reason="replacement")
        sale._waive("replacement")
        self.assertTrue(self.give_back("R1", "T1").waived)

    def test_return_of_a_credited_sale_is_waived_with_a_warning(self):
        invoice = self.invoice(self.sell("T1"))
        invoice.sudo().lead_credited = True
        [answer] = self.record(self.return_vals("R1", "T1"))
        self.assertIn("credited", answer["warning"])
        returned = self.env["lead.sale"].browse(answer["id"])
        self.assertTrue(returned.waived)

    # Warnings

    def test_lead_sold_twice_to_one_buyer_is_stored_with_a_warning(self):
        self.sell("T1", lead_ref="L1")
        answers = self.record(
            self.sale_vals("T2", lead_ref="L1", buyer_ref="B1-SUB"),
            self.sale_vals("T3", lead_ref="L1", buyer_ref="B2"),
            self.sale_vals("T4", lead_ref="L1", buyer_ref="B2"),
        )
        self.assertEqual({a["status"] for a in answers}, {"created"})
        self.assertIn("T1", answers[0]["warning"])
        self.assertEqual(answers[1]["warning"], "")
        self.assertIn("T3", answers[2]["warning"])

    # Lead data

    def test_lead_data_are_stored_as_odoo_stores_them(self):
        data = {
            "first_name": 'Zoë "Z" O\'Neil 🚗',
            "VEHICLE YEAR": "2008",
            "Currently Insured": "false",
            "value": "1200.5",
            "born_on": "1990-02-28",
            "asked_at": "2026-01-15T12:00:00+01:00",
            "Fuel": "electric",
            "extras": "Sun roof,hook",
            "remarks": "one\ntwo",
            "email": "",
        }
        sale = self.sell("T1", lead_data=data)
        values = {
            prop["name"]: prop["value"]
            for prop in sale.read(["lead_data"])[0]["lead_data"]
            if "value" in prop
        }
        self.assertEqual(
            values,
            {
                "first_name": data["first_name"],
                "vehicle_year": 2008,
                "insured": False,
                "value": 1200.5,
                "born_on": "1990-02-28",
                "asked_at": "2026-01-15 11:00:00",
                "fuel": "ev",
                "extras": ["roof", "hook"],
                "remarks": "one\ntwo",
            },
        )
        found = self.env["lead.sale"].search([("lead_data.vehicle_year", "=", 2008)])
        self.assertEqual(found, sale)
        # As the web client's list reads it, and as the ORM itself would store it.
        web = sale.web_read({"lead_data": {}})[0]["lead_data"]
        stored = sale._fields["lead_data"].convert_to_cache(web, sale)
        self.assertEqual(stored, values)

    def test_no_lead_data_are_stored_as_none(self):
        for i, data in enumerate((None, {}, {"email": ""}, {"email": None})):
            sale = self.sell(f"T{i}", lead_data=data)
            self.env.cr.execute(
                "SELECT lead_data FROM lead_sale WHERE id = %s", [sale.id]
            )
            self.assertEqual(self.env.cr.fetchone(), (None,))

    def test_bad_lead_data_are_refused(self):
        for name, bad in (
            ("shoe_size", 43),
            ("shoe_size\x00", 43),
            *(("first_name", bad) for bad in (5, True, [], {}, "a\x00b", "x" * 10_240)),
            *(("vehicle_year", bad) for bad in ("new", 20.5, True, [], 10**20, "1e3")),
            *(("insured", bad) for bad in ("maybe", 2, [])),
            *(("value", bad) for bad in ("much", float("nan"), True)),
            *(("born_on", bad) for bad in ("28.2.1990", "1990-02-30", 1990)),
            *(("asked_at", bad) for bad in ("2026-01-15T12:00:00", "now", 5)),
            *(("fuel", bad) for bad in ("coal", 1)),
            *(("extras", bad) for bad in ("wings", ["roof", 1], 1)),
        ):
            with self.subTest(name=name, bad=str(bad)[:20]):
                self.assert_refused(
                    self.sale_vals("T1", lead_data={name: bad}),
                    "lead_data",
                    name.split("\x00")[0],
                )
        self.assert_refused(self.sale_vals("T1", lead_data=["x"]), "lead_data")

    def test_empty_column_of_another_lead_type_does_no_harm(self):
        self.sell("T1", lead_data={"Program": "", "Email": "a@example.com"})
        self.assert_refused(
            self.sale_vals("T2", lead_data={"Program": "Law"}), "Program"
        )

    def test_name_and_label_of_one_field_cannot_both_be_given(self):
        self.assert_refused(
            self.sale_vals("T1", lead_data={"first_name": "A", "First Name": "B"}),
            "twice",
        )

    def test_ambiguous_label_is_refused_its_names_are_fine(self):
        self.edu.lead_properties_definition = [
            {"name": "day_phone", "string": "Phone", "type": "char"},
            {"name": "night_phone", "string": "Phone", "type": "char"},
        ]
        vals = self.sale_vals("T1", lead_type="EDU", lead_data={"phone": "1"})
        self.assert_refused(vals, "day_phone, night_phone")
        self.sell("T1", lead_type="EDU", lead_data={"night_phone": "1"})

    # Access

    def test_integrator_records_and_sees_nothing(self):
        [answer] = self.record(
            self.sale_vals("T1", lead_data={"email": "x@example.com"}),
            user=self.integrator,
        )
        self.assertEqual(answer["status"], "created")
        sale = self.env["lead.sale"].browse(answer["id"]).with_user(self.integrator)
        for attempt in (
            lambda: sale.read(["price"]),
            lambda: sale.search([]),
            lambda: sale.write({"reason": "x"}),
            lambda: sale.unlink(),
        ):
            with self.assertRaises(AccessError):
                attempt()

    def test_only_integrators_and_managers_record(self):
        for user in (self.billing_user, self.plain_user, self.portal_user):
            with self.assertRaises(AccessError):
                self.record(self.sale_vals("T1"), user=user)
        [answer] = self.record(self.sale_vals("T1"), user=self.manager)
        self.assertEqual(answer["status"], "created")

    def test_companies_have_their_own_references(self):
        self.sell("T1")
        other = self._create_company(name="Other House")
        self.env.user.company_ids += other
        ledger = self.env["lead.sale"].with_company(other)
        self.auto.copy(
            {
                "code": "AUTO",
                "company_id": other.id,
                "product_id": self.env["product.product"]
                .create({"name": "x", "type": "service"})
                .id,
            }
        )
        [answer] = ledger.record_transactions([self.sale_vals("T1")])
        self.assertEqual(answer["status"], "created")
        self.assertEqual(ledger.browse(answer["id"]).company_id, other)
        [answer] = ledger.record_transactions([self.return_vals("R9", "T9")])
        self.assertEqual(answer["status"], "error")

    # A whole list at a time

    def test_questions_to_the_database_do_not_grow_with_the_rows(self):
        def rows(prefix, count):
            return [
                row
                for i in range(count)
                for row in (
                    self.sale_vals(f"{prefix}T{i}", lead_ref=f"{prefix}{i}"),
                    self.return_vals(f"{prefix}R{i}", f"{prefix}T{i}"),
                )
            ]

        self.record(*rows("warm", 2))
        start = self.cr.sql_log_count
        self.record(*rows("few", 2))
        few = self.cr.sql_log_count - start
        self.record_all(*rows("many", 300))
        self.assertLessEqual(self.cr.sql_log_count - start - few, few)
