from odoo import SUPERUSER_ID, api, fields
from odoo.tests import tagged

from .common.decisions import CODE, DecisionsAtOnceCommon


@tagged("post_install", "-at_install")
class TestRunStoppingAtOnce(DecisionsAtOnceCommon):
    """Stop, Resume and the job that invoices meet: each buyer is invoiced once."""

    def open_run(self, env):
        buyer = env["res.partner"].search([("ref", "=", CODE)])
        run = env["lead.invoice.run"].create(
            {
                "company_id": env.company.id,
                "window_end": fields.Datetime.now(),
                "tz": "UTC",
                "posting": "post",
            }
        )
        run._add_buyers(buyer)

    def run_of(self, env):
        return env["lead.invoice.run"].search([("buyer_ids.partner_id.ref", "=", CODE)])

    def stop(self, env):
        self.run_of(env).action_stop()

    def go_on(self, env):
        self.run_of(env).action_go_on()

    def work(self, env):
        """Invoice a batch, as the job does."""
        run = self.run_of(env)
        run._lock_next_buyers()._process()
        run._try_to_close()

    def assert_run(self, state, invoices):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            run = self.run_of(env)
            self.assertEqual(run.state, state)
            self.assertEqual(len(run.invoice_ids), invoices)

    def setUp(self):
        super().setUp()
        self.build()
        self.in_turn(self.open_run)

    def test_a_batch_that_has_begun_is_finished(self):
        self.at_once(self.stop, self.work, meet=False)
        self.assert_run("stopped", 1)
        self.in_turn(self.go_on, self.work)
        self.assert_run("done", 1)

    def test_a_stop_after_the_last_batch_stops_nothing(self):
        self.at_once(self.work, self.stop)
        self.assert_run("done", 1)

    def test_two_people_stop_and_go_on(self):
        self.at_once(self.stop, self.stop)
        self.assert_run("stopped", 0)
        self.at_once(self.go_on, self.go_on)
        self.assert_run("running", 0)
        self.in_turn(self.work, self.work)
        self.assert_run("done", 1)

    def test_stop_and_go_on_meet(self):
        self.at_once(self.stop, self.go_on, meet=False)
        self.in_turn(self.go_on, self.work, self.stop)
        self.assert_run("done", 1)
