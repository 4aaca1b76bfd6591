from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# The speed of a run is that of its last minutes.
LOOK_BACK = timedelta(minutes=5)


class LeadInvoiceRun(models.Model):
    """A person stops a run, and lets it go on; and how fast it is.

    A stop takes effect after the batch that is being invoiced: what it committed
    stands, the other buyers stay to do. Nothing is counted or remembered beside the
    work items, so that going on is what a run does anyway.
    """

    _inherit = "lead.invoice.run"

    is_stopped_by_hand = fields.Boolean(
        "Stopped Manually",
        readonly=True,
        help="A user stopped this run. Click Resume to continue.",
    )
    pace = fields.Char("Progress in Words", compute="_compute_pace")

    @api.depends("buyer_ids.state")
    @api.depends_context("lang")
    def _compute_pace(self):
        speeds = self._get_speeds()
        for run in self:
            speed = speeds.get(run._origin.id) if run.todo_count else None
            values = {
                "done": run.buyer_count - run.todo_count,
                "all": run.buyer_count,
                "speed": round(speed or 0) or 1,
                "minutes": round(run.todo_count / speed) if speed else 0,
            }
            if not speed:
                sentence = self.env._("%(done)s of %(all)s buyers", **values)
            elif values["minutes"] <= 1:
                sentence = self.env._(
                    "%(done)s of %(all)s buyers, %(speed)s a minute, about a minute"
                    " left",
                    **values,
                )
            else:
                sentence = self.env._(
                    "%(done)s of %(all)s buyers, %(speed)s a minute, about %(minutes)s"
                    " minutes left",
                    **values,
                )
            run.pace = sentence

    def _get_speeds(self):
        """Return how many buyers a minute these runs have dealt with of late.

        :return: {run's id: buyers a minute}, without runs that dealt with none
        """
        self.env.flush_all()
        now = fields.Datetime.now()
        # How many were dealt with in the last minutes, and since when?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT run_id, count(*), min(write_date)
                  FROM lead_invoice_run_buyer
                 WHERE run_id = ANY(%s) AND state != 'todo' AND write_date > %s
                 GROUP BY run_id
                """,
                self.ids,
                now - LOOK_BACK,
            )
        )
        return {
            run_id: count / max((now - since) / timedelta(minutes=1), 1 / 60)
            for run_id, count, since in rows
        }

    # Actions

    def action_stop(self):
        """Stop these runs after the batch of buyers that is being invoiced. Runs that
        are not running are left alone: two people may click at once."""
        self.check_access("read")
        # Who may retry buyers may stop a run and have it go on; nobody edits runs.
        for run in self.sudo().filtered(lambda run: run.state == "running"):
            run.write(
                {
                    "state": "stopped",
                    "is_stopped_by_hand": True,
                    "message": self.env._(
                        "%s stopped this run. Click Resume to invoice the other"
                        " buyers.",
                        self.env.user.name,
                    ),
                }
            )
            run._message_log(body=self.env._("Stopped."))

    def action_go_on(self):
        """Let these stopped runs go on where they were; others are left alone."""
        self.check_access("read")
        # As above.
        stopped = self.sudo().filtered(lambda run: run.state == "stopped")
        if stopped:
            stopped._resume()
            self._trigger_generation()

    def _resume(self):
        self.write({"is_stopped_by_hand": False})
        return super()._resume()

    @api.model
    def _close_worked_off_runs(self):
        # A stop that came during the last batch stops nothing.
        self.search(
            [
                ("is_stopped_by_hand", "=", True),
                ("state", "=", "stopped"),
                ("buyer_ids", "not any", [("state", "=", "todo")]),
            ]
        )._resume()
        return super()._close_worked_off_runs()
