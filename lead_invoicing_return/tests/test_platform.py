"""The platform reads and decides requests, and reports its own returns."""

import json

from freezegun import freeze_time

from odoo.tests import HttpCase, tagged

from .common import NOW, ReturnRequestCommon


@tagged("post_install", "-at_install")
class TestPlatformsOwnReturn(ReturnRequestCommon):
    def setUp(self):
        super().setUp()
        self.startPatcher(freeze_time(NOW))

    def accept(self, **vals):
        request = self.new_request(**vals)
        request.action_accept()
        return request.sudo()

    def test_it_is_a_duplicate_of_the_requests_return(self):
        request = self.accept()
        for _time in range(2):
            answer = self.record_return(request.sale_id)
            self.assertEqual(answer["status"], "duplicate")
            self.assertEqual(answer["id"], request.return_id.id)
            self.assertIn(request.name, answer["message"])
            request.invalidate_recordset()
            self.assertEqual(request.platform_ref, "R1")
        self.assertEqual(request.sale_id._search_returns(), request.return_id)

    def test_a_request_stands_for_one_return_of_the_platform(self):
        request = self.accept(amount=4)
        self.assertEqual(
            self.record_return(request.sale_id, price="4")["status"], "duplicate"
        )
        # Another return of as much is another return.
        second = self.record_return(request.sale_id, ref="R2", price="4")
        self.assertEqual(second["status"], "created", second)
        third = self.record_return(request.sale_id, ref="R3", price="4")
        self.assertEqual(third["status"], "error")
        self.assertIn("at most 2", third["message"])

    def test_one_of_another_amount_is_judged_as_ever(self):
        request = self.accept(amount=4)
        answer = self.record_return(request.sale_id, price="10")
        self.assertEqual(answer["status"], "error")
        self.assertIn("at most 6", answer["message"])
        answer = self.record_return(request.sale_id, price="6")
        self.assertEqual(answer["status"], "created")
        self.assertFalse(request.platform_ref)

    def test_twice_in_one_call_it_is_once(self):
        request = self.accept(amount=4)
        row = {
            "type": "return",
            "origin_external_ref": request.sale_ref,
            "occurred_at": "2026-11-05T12:00:00Z",
            "buyer_ref": self.buyer.ref,
            "lead_type": "EDU",
            "price": 4,
        }
        ledger = self.env["lead.sale"].with_user(self.platform)
        answers = ledger.record_transactions(
            [
                {**row, "external_ref": "R1"},
                {**row, "external_ref": "R1"},
                {**row, "external_ref": "R2"},
            ]
        )
        self.assertEqual(
            [answer["status"] for answer in answers],
            ["duplicate", "duplicate", "created"],
        )
        self.assertEqual({a["id"] for a in answers[:2]}, set(request.return_id.ids))

    def test_in_a_file_it_is_a_row_recorded_already(self):
        request = self.accept()
        names = ["external_ref", "transaction_type", "origin_external_ref"]
        names += ["occurred_at", "buyer_ref", "lead_type_id", "price"]
        row = ["R1", "return", request.sale_ref, "2026-11-05T12:00:00Z"]
        row += [self.buyer.ref, "EDU", "10"]
        result = self.env["lead.sale"].load(names, [row])
        self.assertFalse(result["messages"])
        self.assertEqual(result["lead_duplicates"], 1)
        self.assertEqual(request.sale_id._search_returns(), request.return_id)

    def test_in_a_file_it_is_noted_on_the_request(self):
        request = self.accept(amount=4)
        names = ["external_ref", "transaction_type", "origin_external_ref"]
        names += ["occurred_at", "buyer_ref", "lead_type_id", "price"]
        row = ["return", request.sale_ref, "2026-11-05T12:00:00Z"]
        row += [self.buyer.ref, "EDU", "4"]
        for ref, created in (("R1", 0), ("R1", 0), ("R2", 1), ("R1", 0)):
            with self.subTest(ref=ref):
                result = self.env["lead.sale"].load(names, [[ref, *row]])
                self.assertFalse(result["messages"])
                self.assertEqual(result["lead_duplicates"], 1 - created)
                self.assertEqual(request.platform_ref, "R1")
        returns = request.sale_id._search_returns()
        self.assertEqual(set(returns.mapped("external_ref")), {request.name, "R2"})

    def test_a_file_that_is_not_imported_notes_nothing(self):
        request = self.accept(amount=4)
        names = ["external_ref", "transaction_type", "origin_external_ref"]
        names += ["occurred_at", "buyer_ref", "lead_type_id", "price"]
        row = ["R1", "return", request.sale_ref, "2026-11-05T12:00:00Z"]
        row += [self.buyer.ref, "EDU", "4"]
        result = self.env["lead.sale"].load(names, [row, ["R2", *row[1:-1], "x"]])
        self.assertTrue(result["messages"])
        self.assertFalse(request.platform_ref)

    def test_of_a_declined_request_it_is_recorded(self):
        request = self.new_request()
        request.action_decline("No.")
        self.assertEqual(self.record_return(request.sale_id)["status"], "created")


@tagged("post_install", "-at_install")
class TestApi(ReturnRequestCommon, HttpCase):
    def call(self, method, user=None, **arguments):
        key = (
            self.env["res.users.apikeys"]
            .with_user(user or self.platform)
            .sudo()  # a user makes such a key in the preferences
            ._generate("rpc", "Platform", None)
        )
        return self.url_open(
            f"/json/2/lead.return.request/{method}",
            data=json.dumps(arguments),
            headers={
                "Authorization": f"bearer {key}",
                "Content-Type": "application/json",
            },
        )

    def test_the_platform_reads_and_decides(self):
        requests = [self.new_request(note="No answer") for _number in range(3)]
        names = ["sale_ref", "lead_ref", "amount", "reason_id", "note", "state"]
        response = self.call(
            "search_read", domain=[["state", "=", "requested"]], fields=names
        )
        self.assertEqual(response.status_code, 200, response.text)
        rows = {row["id"]: row for row in response.json()}
        self.assertEqual(rows.keys(), {request.id for request in requests})
        row = rows[requests[0].id]
        self.assertEqual(row["sale_ref"], requests[0].sale_ref)
        self.assertEqual(row["reason_id"][1], "Wrong number")
        for request, method, state in zip(
            requests,
            ("accept", "decline", "ask"),
            ("accepted", "declined", "question"),
            strict=True,
        ):
            response = self.call(f"action_{method}", ids=request.ids, answer="So be it")
            self.assertEqual(response.status_code, 200, response.text)
            request.invalidate_recordset()
            self.assertEqual((request.state, request.answer), (state, "So be it"))
        self.assertEqual(requests[0].sudo().return_id.create_uid, self.platform)
        response = self.call("action_decline", ids=requests[0].ids, answer="No")
        self.assertEqual(response.status_code, 422)
        self.assertIn("can no longer be decided", response.json()["message"])

    def test_it_reads_what_the_api_tells_of_requests(self):
        """Fields that `docs/api.md` names."""
        request = self.new_request()
        names = ["name", "sale_ref", "lead_ref", "campaign", "sale_date", "price"]
        names += ["partner_id", "lead_type_id", "currency_id", "company_id", "amount"]
        names += ["reason_id", "note", "state", "answer", "requester_id"]
        names += ["decided_by_id", "decided_at", "is_automatic", "platform_ref"]
        response = self.call("search_read", fields=names)
        self.assertEqual(response.status_code, 200, response.text)
        (row,) = response.json()
        self.assertEqual(row.keys(), {"id", *names})
        self.assertEqual(row["name"], f"REQ-{request.id}")
        self.assertEqual(row["partner_id"], [self.buyer.id, self.buyer.display_name])

    def test_it_can_do_nothing_else(self):
        request = self.new_request()
        for method, arguments in (
            ("write", {"ids": request.ids, "vals": {"answer": "x"}}),
            ("unlink", {"ids": request.ids}),
            ("create", {"vals_list": [{"sale_id": request.sale_id.id}]}),
        ):
            with self.subTest(method):
                self.assertEqual(self.call(method, **arguments).status_code, 403)
        for method in ("action_accept", "search_read"):
            arguments = {"ids": request.ids} if method == "action_accept" else {}
            response = self.call(method, user=self.integrator, **arguments)
            self.assertEqual(response.status_code, 403)
