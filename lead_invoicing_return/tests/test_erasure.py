from freezegun import freeze_time

from odoo.tests import tagged

from .common import NOW, ReturnRequestCommon


@tagged("post_install", "-at_install")
class TestErasure(ReturnRequestCommon):
    @freeze_time(NOW)
    def test_what_was_written_about_a_lead_is_erased_with_its_data(self):
        requests = [
            self.new_request(
                self.new_sale(lead_data={"first_name": "Ada"}), note="Ada hung up."
            )
            for _number in range(2)
        ]
        for request in requests:
            request.action_ask("Did Ada say why?")
        erased, kept = requests
        self.env["lead.erasure"]._erase_on_request(erased.sale_id, "She asked")
        self.assertEqual((erased.note, erased.answer), (False, False))
        self.assertNotIn("Ada", "".join(erased.message_ids.mapped("body")))
        self.assertEqual((kept.note, kept.answer), ("Ada hung up.", "Did Ada say why?"))
        self.assertIn("Ada", "".join(kept.message_ids.mapped("body")))
