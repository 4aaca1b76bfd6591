from datetime import timedelta

from odoo.tests import tagged

from .common.tours import TourCommon

CLOSE = "/odoo/action-lead_invoicing.action_open_lead_month_close"


@tagged("-clock")
class CloseTourCommon(TourCommon):
    """Last month, with two leads that nobody has billed, and a chief of finance."""

    def setUp(self):
        super().setUp()
        self.chief = self.new_user(
            "chief", "lead_invoicing.group_manager,account.group_account_user"
        )
        self.company.lead_accrual_journal_id = self.env["account.journal"].search(
            [("company_id", "=", self.company.id), ("type", "=", "general")], limit=1
        )
        self.company.lead_accrual_account_id = self.env["account.account"].create(
            {"name": "Accrued", "code": "117777", "account_type": "asset_current"}
        )
        # What waits in the world of all tours may be of last month, too.
        self.env["lead.sale"].search([("billing_state", "=", "unbilled")]).unlink()
        buyer = self.new_buyer("Buyer C")
        last_month = self.company._get_lead_today().replace(day=1) - timedelta(days=5)
        for price in ("11.00", "20.00"):
            self.new_sale(buyer, price, at=f"{last_month}T12:00:00Z")

    def walk(self, name):
        self.start_tour(CLOSE, name, login="tour_chief")
        self.env.invalidate_all()

    def check_accrual(self):
        accrual = self.env["lead.accrual"].search([])
        self.assertEqual(
            (accrual.move_id + accrual.reversal_id).mapped("state"),
            ["posted", "posted"],
        )
        self.assertEqual(accrual.move_id.amount_total, 31)


@tagged("post_install", "-at_install")
class TestCloseTours(CloseTourCommon):
    def test_chief_closes_and_accrues(self):
        self.walk("lead_invoicing_chief_closes")
        self.walk("lead_invoicing_chief_accrues")
        self.check_accrual()


@tagged("post_install", "-at_install", "long")
class TestClosePhoneTours(CloseTourCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_chief_closes_and_accrues_on_a_phone(self):
        self.walk("lead_invoicing_chief_closes_on_a_phone")
        self.walk("lead_invoicing_chief_drills_on_a_phone")
        self.walk("lead_invoicing_chief_accrues_on_a_phone")
        self.check_accrual()
