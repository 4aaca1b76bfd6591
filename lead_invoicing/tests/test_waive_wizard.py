from odoo.exceptions import UserError
from odoo.tests import tagged

from .common.generation import GenerationCommon


@tagged("post_install", "-at_install")
class TestWaiveWizard(GenerationCommon):
    """The dialog that waives says what that means."""

    def open_dialog(self, sales):
        action = sales.with_user(self.manager).action_waive()
        dialog = self.env[action["res_model"]].with_user(self.manager)
        return dialog.with_context(**action["context"])

    def get_text(self, dialog):
        """Return what it says, with plain blanks."""
        return dialog.consequence.replace("\N{NO-BREAK SPACE}", "")

    def test_it_says_what_will_never_be_billed(self):
        sales = self.new_sale(price="21.00") + self.new_sale(price="4.00")
        dialog = self.open_dialog(sales).create({"reason": "Goodwill"})
        self.assertEqual(self.get_text(dialog), "$25.00 will never be billed.")
        # The unbilled returns of a sale are waived with it.
        self.new_return(sales[0], price="1.00")
        dialog.invalidate_recordset()
        self.assertEqual(self.get_text(dialog), "$24.00 will never be billed.")

    def test_each_currency_by_itself(self):
        self.env.ref("base.EUR").active = True
        sales = self.new_sale() + self.new_sale(price="5.00", currency="EUR")
        dialog = self.open_dialog(sales).create({"reason": "Goodwill"})
        self.assertIn("$10.00", self.get_text(dialog))
        self.assertIn("5.00", dialog.consequence)
        self.assertNotIn("15.00", dialog.consequence)

    def test_undoing_says_nothing_of_it(self):
        sale = self.new_sale()
        sale._waive("Goodwill")
        action = sale.with_user(self.manager).action_unwaive()
        dialog = self.env[action["res_model"]].with_context(**action["context"])
        self.assertFalse(dialog.create({"reason": "x"}).consequence)

    def test_it_does_not_open_for_an_invoiced_lead(self):
        sale = self.new_sale()
        self.generate()
        with self.assertRaisesRegex(UserError, "is on an invoice"):
            sale.with_user(self.manager).action_waive()

    def test_it_says_what_to_do_with_a_lead_on_a_draft(self):
        self.cycle.posting = "draft"
        sale = self.new_sale()
        draft = self.generate()
        with self.assertRaisesRegex(UserError, "on a draft, Buyer A.*then waive it"):
            sale.with_user(self.manager).action_waive()
        draft.invoice_line_ids.unlink()
        sale.with_user(self.manager)._waive("Goodwill")
        self.assertTrue(sale.waived)
