"""Two clerks at the same moment, on two database connections."""

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.at_once import AtOnceCommon
from odoo.addons.lead_invoicing.tests.common.world import LeadInvoicingCommon

CODE = "RETURN-AT-ONCE"


@tagged("post_install", "-at_install")
class TestDecidingAtOnce(AtOnceCommon):
    """Both have looked before the first one decides."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            product = env["product.product"].create(
                {"name": CODE, "type": "service", "taxes_id": False}
            )
            env["lead.type"].create(
                {"name": CODE, "code": CODE, "product_id": product.id}
            )
            env["res.partner"].create({"name": CODE, "ref": CODE})
            (answer,) = env["lead.sale"].record_transactions(
                [self.vals(LeadInvoicingCommon.sale_vals, CODE)]
            )
            self.assertEqual(answer["status"], "created", answer)
            request = env["lead.return.request"].create({"sale_id": answer["id"]})
            self.request_id = request.id

    def vals(self, make, *references, **vals):
        return make(*references, buyer_ref=CODE, lead_type=CODE, **vals)

    def remove(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
            lead_type = env["lead.type"].search([("code", "=", CODE)])
            sales = env["lead.sale"].search([("lead_type_id", "=", lead_type.id)])
            env["lead.return.request"].search([("sale_id", "in", sales.ids)]).unlink()
            sales.unlink()
            product = lead_type.product_id
            lead_type.unlink()
            product.unlink()
            env["res.partner"].search([("ref", "=", CODE)]).unlink()

    def get_returns(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            request = env["lead.return.request"].browse(self.request_id)
            return request.state, len(request.sale_id._search_returns())

    def accept(self, env):
        return env["lead.return.request"].browse(self.request_id).action_accept()

    def withdraw(self, env):
        env["lead.return.request"].browse(self.request_id)._withdraw()

    def test_two_clerks_make_one_return(self):
        self.at_once(self.accept, self.accept)
        self.assertEqual(self.get_returns(), ("accepted", 1))

    def test_what_is_withdrawn_is_not_accepted(self):
        with self.assertRaisesRegex(Exception, "can no longer be decided"):
            self.at_once(self.withdraw, self.accept)
        self.assertEqual(self.get_returns(), ("withdrawn", 0))

    def test_limits_count_what_is_asked_for_at_the_same_moment(self):
        references = ("RETURN-AT-ONCE-2", "RETURN-AT-ONCE-3")
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            rows = [self.vals(LeadInvoicingCommon.sale_vals, ref) for ref in references]
            for answer in env["lead.sale"].record_transactions(rows):
                self.assertEqual(answer["status"], "created", answer)

        def ask(env, reference):
            buyer = env["res.partner"].search([("ref", "=", CODE)])
            requests = env["lead.return.request"]
            return requests._ask_for_returns(buyer, {reference: None})[0].state

        first, second = references
        # The second looks again, at what the first has asked for by then.
        self.assertEqual(
            self.at_once(lambda env: ask(env, first), lambda env: ask(env, second)),
            "requested",
        )
