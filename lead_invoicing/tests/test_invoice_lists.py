from odoo import Command
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common.prepaid import PrepaidCommon
from .common.rights import RightsCommon


@tagged("post_install", "-at_install")
class TestInvoiceLists(PrepaidCommon, RightsCommon):
    """What a clerk finds among lead invoices, and about buyers who prepay."""

    def setUp(self):
        super().setUp()
        self.credit_buyer = self.new_buyer("Credit Buyer", lead_billing_mode="credit")
        self.deposit(100)
        self.new_sale()
        self.new_return(self.new_sale(self.credit_buyer, lead_type="AUTO"), price="4")
        documents = self.generate()
        self.receipt = documents.filtered("lead_is_receipt")
        self.invoice = documents - self.receipt

    def get_filters(self):
        """Return {name of a filter: its domain} of the search as a clerk has it."""
        view = self.env.ref("lead_invoicing.action_lead_invoices").search_view_id
        moves = self.env["account.move"].with_user(self.billing_user)
        arch = moves._get_view(view.id, "search")[0]
        return {
            node.get("name"): node.get("domain")
            for node in arch.iter("filter")
            if node.get("domain")
        }

    def find(self, name):
        moves = self.env["account.move"].with_user(self.billing_user)
        domain = self.get_filters()[name].replace("'today'", "'2027-12-31'")
        return moves.search([("lead_run_id", "!=", False), *safe_eval(domain)]).sudo()

    def test_each_filter_finds_its_documents(self):
        for name, expected in {
            "posted": self.invoice + self.receipt,
            "draft": self.invoice.browse(),
            "open": self.invoice,
            "late": self.invoice,
            "lead_prepaid": self.receipt,
            "lead_receipts": self.receipt,
            "out_invoice": self.invoice,
            "out_refund": self.invoice.browse(),
            "lead_to_review": self.invoice.browse(),
            "lead_disputed": self.invoice.browse(),
            "lead_not_delivered": self.invoice.browse(),
        }.items():
            with self.subTest(name):
                self.assertEqual(self.find(name), expected)

    def test_no_two_filters_have_one_name(self):
        view = self.env.ref("lead_invoicing.account_move_view_search")
        arch = self.env["account.move"]._get_view(view.id, "search")[0]
        for group in (arch.xpath("./filter"), arch.xpath(".//group/filter")):
            labels = [node.get("string") for node in group]
            self.assertEqual(len(labels), len(set(labels)))

    def test_lead_types_and_cycles_are_found_by_name(self):
        moves = self.env["account.move"].with_user(self.billing_user)
        found = moves.search([("invoice_line_ids.lead_type_id", "ilike", "auto ins")])
        self.assertEqual(found.sudo(), self.invoice)
        found = moves.search([("lead_run_id.cycle_id", "ilike", self.cycle.name)])
        self.assertEqual(found.sudo(), self.receipt + self.invoice)

    def test_the_list_has_the_leads_and_what_is_due(self):
        view = self.env.ref("lead_invoicing.account_move_view_list")
        moves = self.env["account.move"].with_user(self.billing_user)
        arch = moves._get_view(view.id, "list")[0]
        names = [node.get("name") for node in arch.iter("field")]
        self.assertLess({"lead_sale_count", "amount_residual_signed"}, set(names))
        document = self.invoice.with_user(self.billing_user)
        self.assertEqual(document.lead_sale_count, len(document.lead_sale_ids))
        self.assertEqual(document.amount_residual_signed, 6)

    def test_the_last_deposit_is_the_last_money_paid_in(self):
        buyer = self.buyer.with_user(self.billing_user)
        self.assertEqual(str(buyer.lead_last_deposit_date), "2026-11-01")
        self.assertEqual(buyer.lead_last_deposit_amount, 100)
        later = self.new_payment(30)
        later.date = "2026-11-03"
        later.action_post()
        buyer.invalidate_recordset()
        self.assertEqual(str(buyer.lead_last_deposit_date), "2026-11-03")
        self.assertEqual(buyer.lead_last_deposit_amount, 30)
        later.action_cancel()
        buyer.invalidate_recordset()
        self.assertEqual(buyer.lead_last_deposit_amount, 100)
        credit = self.credit_buyer.with_user(self.billing_user)
        self.assertFalse(credit.lead_last_deposit_date)

    def test_a_deposit_of_several_items_is_one(self):
        account = self.buyer.property_account_receivable_id
        line = self.new_bank_line(50, date="2026-11-04")
        _liquidity, suspense, _other = line._seek_for_lines()
        items = [
            Command.create(
                {
                    "account_id": account.id,
                    "partner_id": self.buyer.id,
                    "balance": balance,
                }
            )
            for balance in (-35, -20, 5)
        ]
        # As Odoo's matching does it.
        move = line.move_id.with_context(skip_readonly_check=True, force_delete=True)
        move.write({"line_ids": [Command.delete(suspense.id), *items]})
        buyer = self.buyer.with_user(self.billing_user)
        buyer.invalidate_recordset()
        self.assertEqual(str(buyer.lead_last_deposit_date), "2026-11-04")
        self.assertEqual(buyer.lead_last_deposit_amount, 50)
        deposits = self.env["lead.buyer.home"]._open(self.buyer).get_deposits()
        self.assertEqual([deposit.amount for deposit in deposits], [50, 100])

    def test_last_deposits_take_one_query_for_all_buyers(self):
        buyers = self.buyer + self.credit_buyer
        self.env.flush_all()
        buyers.commercial_partner_id.mapped("name")
        with self.assertQueryCount(1):
            buyers._read_lead_deposits(self.company, 1)
