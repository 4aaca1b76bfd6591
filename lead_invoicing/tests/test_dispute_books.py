from odoo.tests import tagged

from ..report.lead_invoice_run_books_disputes import DISPUTE_RULES
from .common.dispute import DisputeCommon
from .common.generation import GENERATION


@tagged("post_install", "-at_install")
class TestDisputeBooks(DisputeCommon):
    """Each rule is broken in SQL, and found, alone."""

    def setUp(self):
        super().setUp()
        self.sale = self.new_sale()
        self.other_sale = self.new_sale()
        self.invoice = self.generate()
        self.open = self.dispute(self.invoice, sale_ids=self.sale)
        # What is broken here is not judged again.
        self.generated_at = None

    def find(self):
        self.env.flush_all()
        names = {rule.name for rule in DISPUTE_RULES}
        findings = self.env["lead.invoice.run"].sudo().check_books()
        return [one["rule"] for one in findings if one["rule"] in names]

    def run_sql(self, query, *values):
        self.env.flush_all()
        self.env.cr.execute(query, values)
        self.env.invalidate_all()

    def test_all_holds(self):
        self.assertEqual(self.find(), [])
        self.accept(self.open)
        self.accept(self.dispute(self.invoice, scope="amount", amount=5))
        self.assertEqual(self.find(), [])

    def test_each_rule_has_a_name_of_its_own(self):
        rules = self.env["lead.invoice.run"]._get_books_rules()
        self.assertEqual(len({rule.name for rule in rules}), len(rules))

    def test_dispute_without_invoice(self):
        self.run_sql(
            "UPDATE account_move SET state = 'draft' WHERE id = %s", self.invoice.id
        )
        self.assertEqual(self.find(), ["dispute_without_invoice"])

    def test_disputed_twice(self):
        other = self.dispute(self.invoice, sale_ids=self.other_sale)
        self.run_sql("DROP INDEX lead_dispute_row_sale_uniq")
        self.run_sql(
            "UPDATE lead_dispute_row SET sale_id = %s WHERE dispute_id = %s",
            self.sale.id,
            other.id,
        )
        self.assertEqual(self.find(), ["disputed_twice"])

    def test_disputed_elsewhere(self):
        self.run_sql(
            "UPDATE lead_sale SET invoice_line_id = NULL WHERE id = %s", self.sale.id
        )
        self.assertEqual(self.find(), ["disputed_elsewhere"])

    def test_dispute_state_of_lead(self):
        self.run_sql("UPDATE lead_dispute_row SET withdrawn = TRUE")
        self.assertEqual(self.find(), ["dispute_state_of_lead"])

    def test_accepted_without_credit(self):
        self.run_sql("UPDATE lead_dispute SET state = 'accepted'")
        self.assertEqual(self.find(), ["accepted_without_credit"])
        self.run_sql("UPDATE lead_dispute SET scope = 'amount'")
        self.assertEqual(self.find(), ["accepted_without_credit"])

    def test_reminded_too_early(self):
        vals = {"move_id": self.invoice.id, "level": 1, "due_date": "2026-11-09"}
        reminders = self.env["lead.reminder"].sudo()
        reminders.create({**vals, "day": GENERATION.date()})
        self.assertEqual(self.find(), ["reminded_too_early"])

    def test_account_closed_twice(self):
        vals = {"partner_id": self.buyer.id, "company_id": self.company.id}
        self.env["lead.account.closing"].sudo().create([vals, vals])
        self.assertEqual(self.find(), ["account_closed_twice"])
