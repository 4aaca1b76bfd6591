import json
from itertools import count

from odoo.tests import tagged

from .common.any_input import FIELDS, JSON, LEAD_DATA
from .common.optional_packages import HealthCheck, given, settings, st
from .common.world import LeadInvoicingHttpCommon


@tagged("post_install", "-at_install")
class TestJson2(LeadInvoicingHttpCommon):
    """The platform's view: real HTTP requests with an API key."""

    calls = count()

    def call(self, method, user=None, **arguments):
        user = user or self.integrator
        key = (
            self.env["res.users.apikeys"]
            .with_user(user)
            .sudo()  # a user makes such a key in the preferences
            ._generate("rpc", "Platform", None)
        )
        return self.url_open(
            f"/json/2/lead.sale/{method}",
            data=json.dumps(arguments),
            headers={
                "Authorization": f"bearer {key}",
                "Content-Type": "application/json",
            },
        )

    def test_platform_records_and_repeats(self):
        rows = [
            self.sale_vals("T1", lead_data={"First Name": "Zoë 🚗"}),
            self.return_vals("R1", "T1", price="5.00"),
            self.sale_vals("T2", price=-1),
            self.sale_vals("T3", reason="half \ud83d of a pair", lead_ref="\u0000"),
        ]
        response = self.call("record_transactions", vals_list=rows)
        self.assertEqual(response.status_code, 200, response.text)
        answers = response.json()
        self.assertEqual(
            [answer["status"] for answer in answers],
            ["created", "created", "error", "error"],
        )
        self.assertIn("price", answers[2]["message"])
        sale = self.env["lead.sale"].browse(answers[0]["id"])
        self.assertEqual(sale.lead_data["first_name"], "Zoë 🚗")
        self.assertEqual(sale.create_uid, self.integrator)
        again = self.call("record_transactions", vals_list=rows[:2]).json()
        self.assertEqual([a["status"] for a in again], ["duplicate"] * 2)
        self.assertEqual([a["id"] for a in again], [a["id"] for a in answers[:2]])

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3)
            | st.fixed_dictionaries({"lead_data": LEAD_DATA}),
            max_size=3,
        )
    )
    def test_whatever_json_says_the_good_rows_are_answered(self, rows):
        calls = next(self.calls)
        rows = [
            {**self.sale_vals(f"row {calls} {number}"), **row}
            for number, row in enumerate(rows)
        ]
        good = self.sale_vals(f"good {calls}")
        response = self.call("record_transactions", vals_list=[*rows, good])
        self.assertEqual(response.status_code, 200, response.text[:1000])
        # Strict: what is no JSON for others is none for us.
        answers = json.loads(response.content, parse_constant=self.fail)
        self.assertEqual(len(answers), len(rows) + 1)
        self.assertEqual(answers[-1]["status"], "created", answers)

    def test_what_cannot_be_stored_costs_neither_the_others_nor_a_secret(self):
        secret = {"email": "secret@example.com"}
        rows = [
            self.sale_vals("\ud800", lead_data=secret),
            self.sale_vals("T1", lead_data={**secret, "value": 10**400}),
            self.sale_vals(float("nan"), lead_data=secret),
            self.sale_vals("x" * 10_000_000, lead_data=secret),
            self.sale_vals("T2", lead_data=[secret]),
            self.sale_vals("T2", lead_data=json.dumps(secret)),
            self.sale_vals("T2", lead_data={"first_name": "secret@ \ud800"}),
            self.sale_vals("T2", lead_data={"vehicle_year": "secret@"}),
            self.sale_vals("T2", lead_data={"asked_at": "secret@"}),
            json.dumps({"lead_data": secret}),
            self.sale_vals("T3", lead_data=secret),
        ]
        with self.assertNoLogs(level="WARNING"):
            response = self.call("record_transactions", vals_list=rows)
        self.assertEqual(response.status_code, 200, response.text[:1000])
        self.assertLess(len(response.content), 10_000)
        answers = json.loads(response.content, parse_constant=self.fail)
        self.assertEqual(
            [answer["status"] for answer in answers], ["error"] * 10 + ["created"]
        )
        self.assertEqual(self.env["lead.sale"].search([]).external_ref, "T3")
        self.assertNotIn("secret@", response.text)

    def test_platform_compares(self):
        self.sell("T1")
        days = {"date_from": "2026-01-01", "date_to": "2026-01-31"}
        response = self.call("control_totals", **days)
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(
            response.json(),
            [
                {
                    "day": "2026-01-15",
                    "type": "sale",
                    "currency": "USD",
                    "count": 1,
                    "amount": 20.0,
                }
            ],
        )
        response = self.call("control_totals", date_from="x", date_to="y")
        self.assertEqual(response.status_code, 422, response.text)
        self.assertIn("date_from", response.json()["message"])
        response = self.call("control_totals", user=self.plain_user, **days)
        self.assertEqual(response.status_code, 403)

    def test_wrong_calls_are_explained(self):
        response = self.call("record_transactions", vals_list={"external_ref": "T1"})
        self.assertEqual(response.status_code, 422, response.text)
        self.assertIn("list", response.json()["message"])
        response = self.call("record_transactions", rows=[])
        self.assertEqual(response.status_code, 422, response.text)

    def test_the_context_says_in_which_company(self):
        other = self._create_company(name="Other House")
        self.integrator.company_ids += other
        context = {"allowed_company_ids": other.ids}
        days = {"date_from": "2026-01-01", "date_to": "2026-01-31"}
        self.sell("T1")
        self.assertEqual(len(self.call("control_totals", **days).json()), 1)
        response = self.call("control_totals", context=context, **days)
        self.assertEqual((response.status_code, response.json()), (200, []))
        (answer,) = self.call(
            "record_transactions", context=context, vals_list=[self.sale_vals("T1")]
        ).json()
        # Its lead types are other ones.
        self.assertIn(other.name, answer["message"])

    def test_integrator_can_do_nothing_else(self):
        sale = self.sell("T1")
        for method, arguments in (
            ("read", {"ids": sale.ids, "fields": ["price"]}),
            ("search", {"domain": []}),
            ("write", {"ids": sale.ids, "vals": {"reason": "x"}}),
            ("unlink", {"ids": sale.ids}),
            ("action_waive", {"ids": sale.ids}),
        ):
            with self.subTest(method=method):
                self.assertEqual(self.call(method, **arguments).status_code, 403)

    def test_others_cannot_record(self):
        for user in (self.billing_user, self.plain_user):
            response = self.call(
                "record_transactions", user=user, vals_list=[self.sale_vals("T1")]
            )
            self.assertEqual(response.status_code, 403)

    def test_nobody_bills_or_waives_over_the_api(self):
        sale = self.sell("T1")
        for vals in ({"waived": True}, {"invoice_line_id": 1}, {"price": 1}):
            response = self.call("write", user=self.manager, ids=sale.ids, vals=vals)
            self.assertEqual(response.status_code, 422, response.text)
