from threading import Thread
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from .common.generation import GENERATION, GenerationCommon
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


class BrokenError(Exception):
    """What nobody has thought of."""


@tagged("post_install", "-at_install")
class TestOneInTrouble(GenerationCommon):
    """Each job of ours: one record that always fails is no trouble of the others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Comes after the other one.
        cls.other_cycle = cls.cycle.copy(
            {"name": "Other", "next_generation_at": cls.cycle.next_generation_at}
        )
        cls.other = cls.new_buyer("Other", lead_billing_cycle_id=cls.other_cycle.id)

    def break_down(self, model, name, broken):
        """Let a method fail for some records.

        :param broken: tells of the records and arguments whether it does
        """
        original = getattr(self.env.registry[model], name)
        self.is_broken = True

        def method(records, *args, **kwargs):
            if self.is_broken and broken(records, *args):
                raise BrokenError("It broke")
            return original(records, *args, **kwargs)

        self.patch(self.env.registry[model], name, method)

    def run_job(self, name, now=GENERATION):
        job = self.env.ref(f"lead_invoicing.{name}")
        with (
            freeze_time(now),
            self.enter_registry_test_mode(),
            mute_logger("odoo.addons.lead_invoicing.models.ir_cron"),
            self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"),
        ):
            job.method_direct_trigger()
        self.env.invalidate_all()

    def assert_only_other_is_invoiced(self):
        """The other cycle's buyer is; the first one's waits, and someone is told."""
        run = self.env["lead.invoice.run"].search([("cycle_id", "=", self.cycle.id)])
        self.assertEqual(run.state, "stopped")
        self.assertIn("It broke", run.message)
        self.assertEqual(len(run.activity_ids), 1)
        told = (run.message, run.activity_ids, run.message_ids)
        # The next call tries it again, and says nothing more.
        with mute_logger("odoo.addons.lead_invoicing.models.ir_cron"):
            self.assertFalse(self.generate())
        self.assertEqual((run.message, run.activity_ids, run.message_ids), told)

    def assert_invoiced_at_last(self):
        """What was broken is not any more: the next call invoices, and is quiet."""
        self.assertEqual(self.generate().partner_id, self.buyer)
        runs = self.env["lead.invoice.run"].search([("cycle_id", "=", self.cycle.id)])
        self.assertEqual(set(runs.mapped("state")), {"done"})
        self.assertFalse(runs.activity_ids)

    @mute_logger("odoo.addons.lead_invoicing.models.lead_invoice_run")
    def test_a_cycle_whose_window_cannot_be_opened(self):
        self.new_sale()
        self.new_sale(self.other)
        self.break_down(
            "lead.invoice.run",
            "_open_scheduled_run",
            lambda _runs, cycle, *_window: cycle == self.cycle,
        )
        self.assertEqual(self.generate().partner_id, self.other)
        self.assert_only_other_is_invoiced()
        self.is_broken = False
        self.assert_invoiced_at_last()

    @mute_logger("odoo.addons.lead_invoicing.models.lead_invoice_run")
    def test_a_cycle_that_another_worker_has_is_not_stopped_for_the_next_one(self):
        self.break_down("lead.invoice.run", "_open_scheduled_run", lambda *_args: True)
        model = self.env.registry["lead.billing.cycle"]
        original = model.try_lock_for_update
        self.patch(
            model,
            "try_lock_for_update",
            lambda cycles, **options: original(cycles - self.cycle, **options),
        )
        self.generate()
        runs = self.env["lead.invoice.run"].search([("state", "=", "stopped")])
        self.assertEqual(runs.cycle_id, self.other_cycle)

    @mute_logger("odoo.addons.lead_invoicing.models.lead_invoice_run")
    def test_a_run_that_cannot_go_on(self):
        self.new_sale()
        self.new_sale(self.other)
        model = "lead.invoice.run.buyer"
        self.break_down(
            model, "_process", lambda items: items.run_id.cycle_id == self.cycle
        )
        self.assertEqual(self.generate().partner_id, self.other)
        self.assert_only_other_is_invoiced()
        self.is_broken = False
        self.assert_invoiced_at_last()

    def test_a_buyer_in_conflict_holds_up_no_other_cycle(self):
        self.new_sale()
        self.new_sale(self.other)
        model = self.env.registry["lead.invoice.run.buyer"]
        original = model._generate

        def generate(items):
            if self.buyer in items.partner_id:
                raise SerializationFailure
            return original(items)

        self.patch(model, "_generate", generate)
        self.assertEqual(self.generate().partner_id, self.other)
        self.patch(model, "_generate", original)
        self.assertEqual(self.generate().partner_id, self.buyer)

    def test_deliveries_that_cannot_be_followed(self):
        self.new_sale()
        self.break_down("account.move", "_look_after_lead_sending", lambda _moves: True)
        with mute_logger("odoo.addons.lead_invoicing.models.ir_cron"):
            self.assertEqual(self.generate().partner_id, self.buyer)

    def new_companies(self):
        companies = self.env["res.company"].create([{"name": "A"}, {"name": "B"}])
        self.env.cr.execute("UPDATE res_company SET lead_feed_silence_hours = 0")
        self.env.invalidate_all()
        return companies

    def test_a_company_whose_feed_cannot_be_watched(self):
        broken, _other = companies = self.new_companies()
        companies.lead_feed_silence_hours = 1
        self.break_down(
            "res.company",
            "_schedule_silent_feed_activity",
            lambda company: company == broken,
        )
        self.run_job("ir_cron_watch_feed")
        self.assertEqual(companies.mapped("lead_feed_is_silent"), [False, True])

    def test_a_company_whose_books_cannot_be_checked(self):
        told = []
        broken, other = self.new_companies()
        model = self.env.registry["lead.invoice.run"]
        self.break_down(
            "lead.invoice.run",
            "check_books",
            lambda books: books.env.company == broken,
        )
        with patch.object(
            model, "_tell_of_findings", lambda _books, company, _f: told.append(company)
        ):
            self.run_job("ir_cron_check_books")
        self.assertIn(other, told)
        self.assertNotIn(broken, told)

    @mute_logger("odoo.addons.lead_invoicing.models.lead_erasure")
    def test_a_company_whose_lead_data_cannot_be_erased(self):
        broken, other = companies = self.new_companies()
        companies.lead_data_months = 1
        self.break_down(
            "lead.erasure",
            "_erase_aged_of",
            lambda _erasures, company, _cutoffs: company == broken,
        )
        self.run_job("ir_cron_erase_lead_data", fields.Datetime.now())
        self.assertFalse(broken.lead_data_erased_before)
        self.assertTrue(other.lead_data_erased_before)


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
