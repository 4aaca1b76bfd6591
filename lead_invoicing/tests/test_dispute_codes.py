from unittest.mock import patch

from odoo.tests import tagged

from .common.dispute import DisputeCommon


@tagged("post_install", "-at_install")
class TestDisputeCodes(DisputeCommon):
    """The code on a printed invoice asks for as much as the sentence beside it."""

    def setUp(self):
        super().setUp()
        self.company.qr_code = True
        self.sales = [self.new_sale(price="12.00"), self.new_sale(price="30.00")]
        self.invoice = self.generate()
        self.invoice.partner_bank_id = self.env["res.partner.bank"].create(
            {"acc_number": "123", "partner_id": self.company.partner_id.id}
        )
        # Odoo's own ways of codes want banks of certain countries.
        banks = self.env.registry["res.partner.bank"]
        for name, function in {
            "_get_available_qr_methods": lambda bank: [("test", "Test", 1)],
            "_get_error_messages_for_qr": lambda *args: None,
            "_check_for_qr_code_errors": lambda *args: None,
            "_get_qr_code_base64": lambda bank, qr_method, amount, **vals: str(amount),
        }.items():
            self.startPatcher(patch.object(banks, name, function))

    def get_amount(self):
        self.invoice.invalidate_recordset()
        return self.invoice._generate_qr_code(silent_errors=True)

    def test_it_asks_for_what_is_open(self):
        self.assertEqual(self.get_amount(), "42.0")

    def test_it_asks_for_the_rest_while_a_part_is_disputed(self):
        dispute = self.dispute(self.invoice, sale_ids=self.sales[0])
        self.assertEqual(self.get_amount(), "30.0")
        self.assertTrue(self.invoice.display_qr_code)
        self.reject(dispute)
        self.assertEqual(self.get_amount(), "42.0")

    def test_there_is_none_while_all_is_disputed(self):
        self.company.link_qr_code = True
        self.dispute(self.invoice, scope="whole")
        self.assertFalse(self.get_amount())
        self.assertFalse(self.invoice.display_qr_code)
        self.assertFalse(self.invoice.display_link_qr_code)
