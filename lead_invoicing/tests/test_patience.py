from threading import Thread

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged

from .common.generation import GenerationCommon
from .common.world import let_threads_have_the_registry

NAME = "Edited all the time"


@tagged("post_install", "-at_install")
class TestPatience(GenerationCommon):
    """Others change what is being billed: what they leave alone is billed."""

    def test_one_buyer_in_conflict_holds_up_no_other(self):
        buyers = [self.new_buyer(f"Buyer {letter}") for letter in "BCDEF"]
        for buyer in [self.buyer, *buyers]:
            self.new_sale(buyer)
        edited = buyers[2]
        model = self.env.registry["lead.invoice.run.buyer"]
        original = model._generate
        sizes = []

        def generate(items):
            sizes.append(len(items))
            if edited in items.partner_id:
                raise SerializationFailure
            return original(items)

        self.patch(model, "_generate", generate)
        documents = self.generate()
        self.assertEqual(len(documents), 5)
        self.assertNotIn(edited, documents.partner_id)
        self.assertEqual(sizes[:3], [6, 3, 3])
        item = self.env["lead.invoice.run.buyer"].search(
            [("partner_id", "=", edited.id)]
        )
        self.assertEqual((item.state, item.run_id.state), ("todo", "running"))
        self.patch(model, "_generate", original)
        self.assertEqual(self.generate().partner_id, edited)


@tagged("post_install", "-at_install")
class TestPatienceAtOnce(BaseCase):
    """Two database connections, as a worker and a clerk have them; what they store is
    removed."""

    def setUp(self):
        super().setUp()
        let_threads_have_the_registry(self)
        self.registry = Registry(get_db_name())
        self.remove()
        self.addCleanup(self.remove)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            buyer = env["res.partner"].create({"name": NAME})
            run = env["lead.invoice.run"].create(
                {
                    "company_id": env.company.id,
                    "window_end": "2026-11-09 05:00:00",
                    "tz": "UTC",
                    "state": "stopped",
                }
            )
            self.item_id = (
                env["lead.invoice.run.buyer"]
                .create(
                    {
                        "run_id": run.id,
                        "company_id": env.company.id,
                        "partner_id": buyer.id,
                    }
                )
                .id
            )

    def remove(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            items = env["lead.invoice.run.buyer"].search(
                [("partner_id.name", "=", NAME)]
            )
            items.run_id.unlink()
            env["res.partner"].search([("name", "=", NAME)]).unlink()

    def edit(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.partner"].search([("name", "=", NAME)]).phone = "+1 212 555 0123"

    def get_items(self, cr):
        env = api.Environment(cr, SUPERUSER_ID, {})
        return env["lead.invoice.run.buyer"].browse(self.item_id)

    def test_an_edit_waits_for_the_batch_that_bills_its_contact(self):
        with self.registry.cursor() as cr:
            item = self.get_items(cr)._lock_todo()
            self.assertEqual(item.id, self.item_id)
            clerk = Thread(target=self.edit)
            clerk.start()
            clerk.join(0.3)
            self.assertTrue(clerk.is_alive())
            # What names the contact is stored; the edit did not come between.
            item.partner_id.message_post(body="billed")
            item.env.flush_all()
        clerk.join()

    def test_a_contact_that_is_being_edited_is_billed(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.partner"].search([("name", "=", NAME)]).phone = "+1 212 555 0100"
            env.flush_all()
            with self.registry.cursor() as worker_cr:
                self.assertEqual(
                    self.get_items(worker_cr)._lock_todo().id, self.item_id
                )
