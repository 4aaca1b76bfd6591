from urllib.parse import parse_qs, urlparse

from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.dispute import DisputeCommon


@tagged("post_install", "-at_install")
class TestDisputedLink(DisputeCommon):
    """The link on a printed invoice asks for what is not disputed."""

    def test_it_asks_for_the_rest(self):
        sale = self.new_sale(price="12.00")
        self.new_sale(price="30.00")
        invoice = self.generate()
        self.assertEqual(self.get_amount(invoice), 42)
        self.dispute(invoice, sale_ids=sale)
        self.assertEqual(self.get_amount(invoice), 30)

    def get_amount(self, invoice):
        query = parse_qs(urlparse(invoice._get_portal_payment_link()).query)
        return float(query["amount"][0])
