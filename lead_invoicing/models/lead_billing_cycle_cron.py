from datetime import timedelta

from odoo import api, fields, models


class LeadBillingCycle(models.Model):
    _inherit = "lead.billing.cycle"

    # ------------------------------------------------------------------
    # Generation
    # ------------------------------------------------------------------

    @api.model
    def _cron_generate_invoices(self):
        """Invoice every window whose generation moment has come, the oldest first.

        The scheduled action calls it again and again while work remains. It commits
        after each batch of buyers, and leaves off when the scheduler's time is up.
        """
        runs = self.env["lead.invoice.run"]
        runs._resume_mended_runs()
        while True:
            processed = runs._run_next_batch()
            opened = not processed and self._open_next_run()
            waiting = runs._count_waiting() + len(self._get_due_cycles())
            time_left = self.env["ir.cron"]._commit_progress(
                int(bool(opened)), remaining=waiting
            )
            if not (waiting and (processed or opened) and time_left):
                break

    @api.model
    def _get_due_cycles(self):
        """Return the cycles whose next generation has come, the longest due first;
        without those that a stopped run holds."""
        due = self.search(
            [("next_generation_at", "<=", fields.Datetime.now())],
            order="next_generation_at, id",
        )
        stopped = self.env["lead.invoice.run"].search([("state", "=", "stopped")])
        return due - stopped.cycle_id

    @api.model
    def _open_next_run(self):
        """Open the run of the window that has been due for longest, if any, and set
        its cycle to its next one.

        :return: the run, empty when nothing is due
        """
        runs = self.env["lead.invoice.run"]
        due = self._get_due_cycles().try_lock_for_update(
            allow_referencing=True, limit=1
        )
        if not due:
            return runs
        start, end, generation = due._next_due_window(due.next_generation_at)
        if generation > fields.Datetime.now():
            due.next_generation_at = generation
            return runs
        run = runs._open_scheduled_run(due, start, end)
        # The next generation moment is after this one, by at least the window that
        # lies between them.
        due.next_generation_at = due._next_due_window(
            generation + timedelta.resolution
        ).generation
        return run

    def _is_last_window_of_year(self, window_end):
        """Tell whether the window with this end (naive UTC) is the last of a year."""
        self.ensure_one()
        following = self._get_window_by_index(self._get_window_index(window_end) + 1)
        last_days = (
            self._local_date(end - timedelta.resolution)
            for end in (window_end, following.end)
        )
        return len({day.year for day in last_days}) == 2
