from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .common.generation import GENERATION, WEEK, GenerationCommon
from .common.web_client import WebClient

FEW, MANY = 5, 40
LISTS = (
    "lead_invoicing.action_lead_sale",
    "lead_invoicing.action_lead_invoices",
    "lead_invoicing.action_lead_invoices_review",
    "lead_invoicing.action_lead_invoice_run",
    "lead_invoicing.action_lead_buyers",
    "lead_invoicing.action_lead_unbilled",
    "lead_invoicing.action_lead_unbilled_as_at",
)
GROUPS = (
    ("lead_invoicing.action_lead_sale", "commercial_partner_id"),
    ("lead_invoicing.action_lead_unbilled", "partner_id"),
    ("lead_invoicing.action_lead_unbilled_as_at", "partner_id"),
)


@tagged("post_install", "-at_install", "-clock")
class TestQueryCounts(GenerationCommon):
    """A screen asks the database as often for many records as for few, whoever of
    those who may look at it does."""

    # Many documents are copies of one.
    broken_rules = ("document_of_run",)

    def setUp(self):
        super().setUp()
        self.client = WebClient(self.env(user=self.billing_user, su=False))

    def make_buyers(self):
        """Create buyers, half of them of another cycle and with a sub-account each."""
        with freeze_time("2026-11-03 12:00"):
            cycles = self.cycle + self.cycle.copy({"interval": 2})
        vals_list = [
            {
                "name": f"Buyer {number}",
                "ref": f"Many {number}",
                "is_company": True,
                "email": f"b{number}@example.com",
                "lead_billing_cycle_id": cycles[number % 2].id,
            }
            for number in range(MANY)
        ]
        buyers = self.env["res.partner"].create(vals_list)
        accounts = self.env["res.partner"].create(
            [
                {
                    "name": "Branch",
                    "ref": f"Branch {number}",
                    "parent_id": buyers[number].id,
                }
                for number in range(1, MANY, 2)
            ]
        )
        return buyers, accounts

    def sell_to_all(self, contacts, at, price="10.00"):
        """Record a sale to each of these."""
        for contact in contacts:
            self.new_sale(contact, price, at)

    def fill_screens(self):
        """Make so many of all that is listed: leads, posted documents, drafts to
        review, runs with a document and activity each, and unbilled leads."""
        self.company.lead_review_zero_price = True
        buyers, accounts = self.make_buyers()
        self.sell_to_all(buyers + accounts, "2026-11-04T12:00:00Z")
        posted = self.generate(GENERATION + WEEK)
        self.assertEqual(set(posted.mapped("state")), {"posted"})
        self.sell_to_all(buyers, "2026-11-12T12:00:00Z", "0.00")
        drafts = self.generate(GENERATION + 3 * WEEK)
        self.assertEqual(set(drafts.mapped("state")), {"draft"})
        self.sell_to_all(buyers, "2026-11-13T12:00:00Z")
        self.assertEqual([len(posted), len(drafts)], [MANY, MANY])
        run = posted[0].lead_run_id
        for number, move in enumerate(posted[1:]):
            end = run.window_end - timedelta(days=number + 1)
            other = run.sudo().copy({"window_end": end, "window_start": end - WEEK})
            move.sudo().write({"lead_run_id": other.id})
            move.lead_run_buyer_id.sudo().run_id = other
            other.activity_schedule("mail.mail_activity_data_todo")
        return buyers, run

    def count_queries(self, call):
        """Return how many queries a call needs, with what Odoo keeps in memory for all
        users there already."""
        for _number in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            answer = self.client.run(call)
            count = self.env.cr.sql_log_count - before
        return count, answer

    def assert_same_count(self, few, many):
        (few_count, _few), (count, answer) = map(self.count_queries, (few, many))
        self.assertLessEqual(count, few_count)
        return answer

    @freeze_time("2026-12-10 12:00")
    def test_screens(self):
        buyers, run = self.fill_screens()
        for name in ("lists", "groups", "run", "forms"):
            getattr(self, f"check_{name}")(buyers, run)

    def check_lists(self, _buyers, _run):
        items = {
            "res_model": "lead.invoice.run.buyer",
            "domain": [],
            "context": {},
        }
        for action in (*LISTS, items):
            with self.subTest(list=action):
                few, many = (
                    self.client.open_action(action, limit=limit, groupby=[])
                    for limit in (FEW, MANY)
                )
                answer = self.assert_same_count(few, many)
                self.assertEqual(len(answer["records"]), MANY)

    def check_groups(self, _buyers, _run):
        for action, groupby in GROUPS:
            with self.subTest(groups=action):
                few, many = (
                    self.client.open_action(action, limit=limit, groupby=[groupby])
                    for limit in (FEW, MANY)
                )
                answer = self.assert_same_count(few, many)
                self.assertEqual(len(answer["groups"]), MANY)

    def check_run(self, _buyers, run):
        """The form of a run with many buyers, and of one with few."""
        runs = self.env["lead.invoice.run"].search([("id", "!=", run.id)])
        items = runs.buyer_ids
        for run, some in ((runs[0], items[:FEW]), (runs[1], items[FEW:])):
            some.sudo().write({"run_id": run.id, "state": "failed"})
        few, many = (
            self.client.open_form(run.with_user(self.billing_user)) for run in runs[:2]
        )
        (answer,) = self.assert_same_count(few, many)
        self.assertGreater(len(answer["buyer_ids"]), 4 * FEW)

    def check_forms(self, buyers, _run):
        """The forms of what has many leads behind it, and of what has few."""
        for _number in range(MANY):
            self.new_sale(buyers[1], at="2026-11-24T12:00:00Z")
        moves = self.generate(GENERATION + 5 * WEEK)
        # Buyers with a sub-account each.
        moves = moves.filtered("partner_id.child_ids").sorted("lead_sale_count")
        few_leads, many_leads = moves[0], moves[-1]
        self.assertGreater(many_leads.lead_sale_count, MANY)
        for few, many in (
            (few_leads, many_leads),
            (few_leads.partner_id, many_leads.partner_id),
            (few_leads.lead_sale_ids, many_leads.lead_sale_ids[0]),
        ):
            with self.subTest(form=few._name):
                self.assert_same_count(
                    *(
                        self.client.open_form(record.with_user(self.billing_user))
                        for record in (few, many)
                    )
                )
