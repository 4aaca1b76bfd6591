from odoo import Command, http
from odoo.tests import tagged

from ..controllers import dispute
from .common.generation import GENERATION, WEEK
from .common.portal import HOSTILE, PortalReportCommon


@tagged("post_install", "-at_install", "-clock")
class TestDisputePortal(PortalReportCommon):
    """A buyer disputes its own invoices, on their pages."""

    def url(self, document=None):
        return f"/my/invoices/{(document or self.document).id}/dispute"

    def send(self, url=None, **data):
        data.setdefault("csrf_token", http.Request.csrf_token(self))
        return self.url_open(url or self.url(), data=data, allow_redirects=False)

    def find(self):
        return self.env["lead.dispute"].search([])

    def test_leads_are_ticked(self):
        self.login(self.portal_user)
        page = self.get_page(self.url())
        (box,) = page.xpath("//input[@name='sale']")
        self.assertEqual(box.get("value"), str(self.sale.id))
        response = self.send(sale=self.sale.id, scope="rows", reason="Wrong number")
        self.assertEqual(response.status_code, 303)
        dispute = self.find()
        self.assertEqual(dispute.sale_ids, self.sale)
        self.assertEqual((dispute.amount, dispute.from_buyer), (12.5, True))
        page = self.get_page(f"/my/invoices/{self.document.id}")
        (card,) = self.text(page, "//div[@name='lead_dispute_card']")
        self.assertIn("Wrong number", card)
        self.assertIn("Open", card)
        (notice,) = self.text(page, "//div[@name='lead_dispute_notice']")
        self.assertIn("nothing to pay", notice)
        # Once.
        response = self.send(sale=self.sale.id, scope="rows", reason="Again")
        self.assertIn("already been disputed", response.text)
        self.assertEqual(self.find(), dispute)
        response = self.send(f"/my/disputes/{dispute.id}/withdraw")
        self.assertEqual(response.status_code, 303)
        dispute.invalidate_recordset()
        self.assertEqual(dispute.state, "withdrawn")

    def test_a_sum_and_the_whole(self):
        self.login(self.portal_user)
        response = self.send(scope="amount", amount="99", reason="Too much")
        self.assertIn("left to dispute", response.text)
        self.send(scope="amount", amount="2.50", reason="Too much")
        self.assertEqual(self.find().amount, 2.5)
        self.send(scope="whole", reason="All of it")
        self.assertEqual(sum(self.find().mapped("amount")), 12.5)

    def test_a_reason_is_asked_for(self):
        self.login(self.portal_user)
        response = self.send(scope="whole", reason="  ")
        self.assertIn("Tell us why", response.text)
        self.assertFalse(self.find())

    def test_references_name_leads(self):
        self.login(self.portal_user)
        response = self.send(references="L1, L2", reason="x")
        self.assertIn("There is no lead L2", response.text)
        self.send(references="L1", reason="x")
        self.assertEqual(self.find().sale_ids, self.sale)

    def test_more_leads_than_are_listed_are_named(self):
        self.patch(dispute, "MAX_LISTED", 1)
        sales = self.new_sale(at="2026-11-11T12:00:00Z")
        sales |= self.new_sale(at="2026-11-12T12:00:00Z")
        document = self.generate(GENERATION + WEEK)
        self.env["lead.dispute"].create(
            {
                "move_id": document.id,
                "scope": "rows",
                "sale_ids": [Command.set(sales[0].ids)],
                "reason": "x",
            }
        )
        self.login(self.portal_user)
        page = self.get_page(self.url(document))
        self.assertTrue(page.xpath("//textarea[@name='references']"))
        self.assertFalse(page.xpath("//input[@name='sale']"))

    def test_another_buyers_invoice_is_nobodys_business(self):
        dispute = self.env["lead.dispute"].create(
            {"move_id": self.document.id, "scope": "whole", "reason": "Secret"}
        )
        self.document._portal_ensure_token()
        for user in (self.other_portal_user, self.billing_user):
            self.login(user)
            token = f"?access_token={self.document.access_token}"
            for response in (
                self.url_open(self.url(), allow_redirects=False),
                self.url_open(self.url() + token, allow_redirects=False),
                self.send(scope="whole", reason="x"),
                self.send(f"/my/disputes/{dispute.id}/withdraw"),
                self.send("/my/disputes/999999999/withdraw"),
            ):
                self.assertEqual(response.status_code, 303)
                self.assertTrue(response.headers["Location"].endswith("/my"))
            # Whoever has the link sees the amounts, not what the buyer wrote.
            page = self.url_open(f"/my/invoices/{self.document.id}{token}")
            self.assertNotIn("Secret", page.text)
        dispute.invalidate_recordset()
        self.assertEqual(dispute.state, "open")
        self.assertEqual(self.find(), dispute)

    def test_leads_of_another_buyer_cannot_be_named(self):
        self.login(self.portal_user)
        self.send(sale=self.other_sale.id, reason="x")
        self.assertFalse(self.find())

    def test_whatever_is_sent_is_answered_with_a_page(self):
        self.login(self.portal_user)
        for text in HOSTILE:
            for name in ("scope", "amount", "sale", "references"):
                with self.subTest(name=name, text=text[:20]):
                    response = self.send(**{"reason": "", name: text})
                    self.assertEqual(response.status_code, 200)
        self.assertFalse(self.find())
