from threading import Thread

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from .common.world import LeadInvoicingCommon, let_threads_have_the_registry

CODE = "AT-ONCE"


@tagged("post_install", "-at_install")
class TestRecordingAtOnce(BaseCase):
    """Two database connections, as two workers have them; what they store is removed.

    The second call waits for the first to commit, and is repeated as Odoo repeats a
    request.
    """

    def setUp(self):
        super().setUp()
        let_threads_have_the_registry(self)
        self.registry = Registry(get_db_name())
        self.remove()  # what a run that was killed left
        self.addCleanup(self.remove)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            product = env["product.product"].create({"name": CODE, "type": "service"})
            env["lead.type"].create(
                {"name": CODE, "code": CODE, "product_id": product.id}
            )
            env["res.partner"].create({"name": CODE, "ref": CODE})

    def remove(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
            lead_type = env["lead.type"].search([("code", "=", CODE)])
            env["lead.sale"].search([("lead_type_id", "=", lead_type.id)]).unlink()
            product = lead_type.product_id
            lead_type.unlink()
            product.unlink()
            env["res.partner"].search([("ref", "=", CODE)]).unlink()

    def vals(self, make, *references, **vals):
        return make(*references, buyer_ref=CODE, lead_type=CODE, **vals)

    def record(self, *vals_list):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return env["lead.sale"].record_transactions(list(vals_list))

    @mute_logger("odoo.sql_db", "odoo.service.model")
    def record_at_once(self, first, second):
        """Record ``first`` and ``second`` in transactions that overlap."""
        answers = []

        def record_second():
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                answers.extend(
                    retrying(
                        lambda: env["lead.sale"].record_transactions([second]), env
                    )
                )

        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            answers += env["lead.sale"].record_transactions([first])
            thread = Thread(target=record_second)
            thread.start()
            self.wait_until_blocked(cr, thread)
        thread.join()
        return answers

    def wait_until_blocked(self, cr, thread):
        """Wait until the thread's connection waits for this one's transaction."""
        while thread.is_alive():
            # Within a transaction PostgreSQL shows the same activity all the time.
            cr.execute("SELECT pg_sleep(0.02), pg_stat_clear_snapshot()")
            cr.execute(
                """
                SELECT 1 FROM pg_stat_activity
                 WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))
                """
            )
            if cr.fetchone():
                return
        self.fail("The second call did not wait for the first.")

    def test_duplicate_at_the_same_moment_is_a_duplicate(self):
        row = self.vals(LeadInvoicingCommon.sale_vals, "AT-ONCE-1")
        first, second = self.record_at_once(row, row)
        self.assertEqual((first["status"], second["status"]), ("created", "duplicate"))
        self.assertEqual(first["id"], second["id"])

    def test_corrections_at_the_same_moment_follow_each_other(self):
        self.record(self.vals(LeadInvoicingCommon.sale_vals, "AT-ONCE-1", price=20))
        first, second = self.record_at_once(
            *(
                self.vals(
                    LeadInvoicingCommon.return_vals,
                    ref,
                    "AT-ONCE-1",
                    type="correction",
                    price=price,
                )
                for ref, price in (("AT-ONCE-K1", 15), ("AT-ONCE-K2", 30))
            )
        )
        self.assertEqual((first["status"], second["status"]), ("created", "created"))
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            sales = env["lead.sale"].search([("external_ref", "like", "AT-ONCE-%")])
            self.assertEqual(sum(sales.mapped("amount")), 30)
            second = sales.browse(second["id"])
            self.assertEqual(second.corrected_sale_id.id, first["id"])

    def test_one_correction_at_the_same_moment_is_a_duplicate(self):
        self.record(self.vals(LeadInvoicingCommon.sale_vals, "AT-ONCE-1", price=20))
        row = self.vals(
            LeadInvoicingCommon.return_vals,
            "AT-ONCE-K1",
            "AT-ONCE-1",
            type="correction",
            price=15,
        )
        first, second = self.record_at_once(row, row)
        self.assertEqual((first["status"], second["status"]), ("created", "duplicate"))
        self.assertEqual(first["id"], second["id"])

    def test_returns_at_the_same_moment_do_not_exceed_the_price(self):
        self.record(self.vals(LeadInvoicingCommon.sale_vals, "AT-ONCE-1", price=20))
        returns = [
            self.vals(LeadInvoicingCommon.return_vals, ref, "AT-ONCE-1", price=15)
            for ref in ("AT-ONCE-R1", "AT-ONCE-R2")
        ]
        first, second = self.record_at_once(*returns)
        self.assertEqual((first["status"], second["status"]), ("created", "error"))
        self.assertIn("price", second["message"])
