from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common.decisions import CODE, DecisionsAtOnceCommon


@tagged("post_install", "-at_install")
class TestDisputesAtOnce(DecisionsAtOnceCommon):
    """Two people, or two jobs, at one moment: what they decide, they decide once."""

    def remove(self):
        with self.registry.cursor() as cr:
            for model in ("mail_activity WHERE res_model", "mail_message WHERE model"):
                cr.execute(
                    f"""
                    DELETE FROM {model} = 'lead.dispute' AND res_id IN (
                        SELECT dispute.id FROM lead_dispute dispute
                          JOIN account_move move ON move.id = dispute.move_id
                          JOIN res_partner partner ON partner.id = move.partner_id
                         WHERE partner.ref = %s)
                    """,
                    [CODE],
                )
            env = api.Environment(cr, SUPERUSER_ID, {})
            env.company.lead_reminders = False
        return super().remove()

    def dispute(self, env, **vals):
        env["lead.dispute"].create(
            {"move_id": self.invoice(env).id, "reason": "x", "scope": "whole", **vals}
        )

    def dispute_lead(self, env):
        sale = [Command.set(self.sale(env).ids)]
        self.dispute(env, scope="rows", sale_ids=sale)

    def accept(self, env):
        env["lead.dispute"].search([("partner_id.ref", "=", CODE)]).action_accept()

    def make_overdue(self, env):
        env.company.lead_reminders = True
        self.invoice(env).invoice_date_due = fields.Date.today() - timedelta(days=5)

    def send_reminder(self, env):
        invoice = self.invoice(env)
        if due := invoice._find_lead_reminder_due():
            invoice._send_lead_reminder(*due)

    def remind_never(self, env):
        self.invoice(env).partner_id.lead_reminders = "never"

    def try_to_remind(self, env):
        self.invoice(env)._try_to_remind()

    def refused(self, step):
        def try_step(env):
            try:
                with env.cr.savepoint(), mute_logger("odoo.sql_db"):
                    step(env)
            except (UserError, IntegrityError):
                self.refusals += 1

        return try_step

    def count(self, model):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return env[model].search_count([("move_id.partner_id.ref", "=", CODE)])

    def test_a_lead_is_disputed_once(self):
        self.build()
        self.in_turn(self.bill)
        step = self.refused(self.dispute_lead)
        self.at_once(step, step, meet=False)
        self.assertEqual((self.refusals, self.count("lead.dispute")), (1, 1))

    def test_two_disputes_are_for_no_more_than_the_invoice(self):
        self.build()
        self.in_turn(self.bill)
        step = self.refused(self.dispute)
        self.at_once(step, step)
        self.assertEqual((self.refusals, self.count("lead.dispute")), (1, 1))

    def test_two_clerks_accept_one_dispute(self):
        self.build()
        self.in_turn(self.bill, self.dispute)
        step = self.refused(self.accept)
        self.at_once(step, step)
        self.assertEqual(self.refusals, 1)
        self.assertEqual(self.assert_given_back_once(), 0)

    def test_two_clerks_return_a_disputed_lead_once(self):
        self.build()
        self.in_turn(self.bill, self.dispute_lead)
        step = self.refused(self.accept)
        self.at_once(step, step)
        with self.registry.cursor() as cr:
            returns = self.sale(api.Environment(cr, SUPERUSER_ID, {}))._search_returns()
            self.assertEqual((self.refusals, len(returns)), (1, 1))

    def test_what_is_decided_while_the_job_looks_keeps_its_reminder_back(self):
        for decide in (self.dispute, self.remind_never):
            with self.subTest(decide.__name__):
                self.build()
                self.in_turn(self.bill, self.make_overdue)
                self.at_once(decide, self.try_to_remind, meet=False)
                self.assertEqual(self.count("lead.reminder"), 0)

    def test_two_jobs_send_one_reminder(self):
        self.build()
        self.in_turn(self.bill, self.make_overdue)
        step = self.refused(self.send_reminder)
        self.at_once(step, step, meet=False)
        self.assertEqual((self.refusals, self.count("lead.reminder")), (1, 1))
