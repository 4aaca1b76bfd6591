import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from ..tools.concurrency import TRY_AGAIN
from ..tools.local_time import format_window, local_day
from ..tools.protected_fields import EngineOnly
from .lead_billing_cycle import INVOICE_DATE_POLICIES, POSTINGS
from .lead_sale import unbilled_sql
from .mail_activity_mixin import ACTIVITY_TYPE

_logger = logging.getLogger(__name__)

# Buyers invoiced in one database transaction. Larger batches cost less per invoice
# (51 ms in batches of 20, 41 ms in batches of 100), but hold the journal's numbering
# longer and lose more work when one of their buyers fails.
BATCH_SIZE = 40


class LeadInvoiceRun(EngineOnly, models.Model):
    """One execution of invoicing, for one cycle and window or by hand.

    A run copies from its cycle what decides how it invoices, so that it can be read,
    and its failed buyers retried, long after the cycle has changed.
    """

    _name = "lead.invoice.run"
    _description = "Lead Invoice Run"
    _order = "window_end desc, id desc"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    # Who may see a run may discuss it.
    _mail_post_access = "read"
    _check_company_auto = True

    cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle",
        readonly=True,
        check_company=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    window_start = fields.Datetime("Billing Period Start", readonly=True)
    window_end = fields.Datetime(
        "Billing Period End",
        required=True,
        readonly=True,
        help="The billing period ends just before this moment.",
    )
    tz = fields.Char("Time Zone", required=True, readonly=True)
    window = fields.Char("Billing Period", compute="_compute_window")
    include_earlier = fields.Boolean(readonly=True, default=True)
    lead_type_ids = fields.Many2many(
        "lead.type",
        string="Lead Types",
        readonly=True,
        help="Lead types included; all if empty.",
    )
    posting = fields.Selection(
        POSTINGS,
        "Confirmation",
        required=True,
        readonly=True,
        default="draft",
    )
    invoice_date_policy = fields.Selection(
        INVOICE_DATE_POLICIES,
        required=True,
        readonly=True,
        default="generation",
    )
    ignore_minimum = fields.Boolean(
        readonly=True,
        help="Invoices are created even below the buyers' hold amounts: for the"
        " last billing period of a year, or because this was chosen when the run was"
        " created manually.",
    )
    state = fields.Selection(
        [
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Done with failures"),
            ("stopped", "Stopped"),
        ],
        required=True,
        readonly=True,
        default="running",
        index=True,
    )
    message = fields.Text(readonly=True)
    buyer_ids = fields.One2many(
        "lead.invoice.run.buyer", "run_id", "Buyers", readonly=True
    )
    failure_ids = fields.One2many(
        "lead.invoice.run.buyer",
        "run_id",
        "Failures",
        domain=[("state", "=", "failed")],
        readonly=True,
    )
    invoice_ids = fields.One2many(
        "account.move", "lead_run_id", "Documents", readonly=True
    )
    buyer_count = fields.Integer("Number of Buyers", compute="_compute_buyer_counts")
    todo_count = fields.Integer("To Do", compute="_compute_buyer_counts")
    done_count = fields.Integer("Done", compute="_compute_buyer_counts")
    skipped_count = fields.Integer("Skipped", compute="_compute_buyer_counts")
    failed_count = fields.Integer("Failed", compute="_compute_buyer_counts")
    progress = fields.Float(compute="_compute_buyer_counts")

    _cycle_window_uniq = models.UniqueIndex(
        "(cycle_id, window_end) WHERE cycle_id IS NOT NULL"
    )

    @api.depends("cycle_id", "window")
    def _compute_display_name(self):
        for run in self:
            name = run.cycle_id.name or self.env._("Manual")
            run.display_name = f"{name}, {run.window}" if run.window else name

    @api.depends("window_start", "window_end", "tz")
    @api.depends_context("lang")
    def _compute_window(self):
        for run in self:
            run.window = run._get_window_label()

    @api.depends("buyer_ids.state")
    def _compute_buyer_counts(self):
        counts = {}
        for run, state, count in self.env["lead.invoice.run.buyer"]._read_group(
            [("run_id", "in", self.ids)], ["run_id", "state"], ["__count"]
        ):
            counts[run.id, state] = count
        for run in self:
            run.todo_count = counts.get((run._origin.id, "todo"), 0)
            run.done_count = counts.get((run._origin.id, "done"), 0)
            run.skipped_count = counts.get((run._origin.id, "skipped"), 0)
            run.failed_count = counts.get((run._origin.id, "failed"), 0)
            run.buyer_count = (
                run.todo_count + run.done_count + run.skipped_count + run.failed_count
            )
            run.progress = (
                100.0 * (run.buyer_count - run.todo_count) / run.buyer_count
                if run.buyer_count
                else 100.0
            )

    # Opening and closing

    @api.model
    def _open_scheduled_run(self, cycle, window_start, window_end):
        """Open the run of a closed window, with a work item for each buyer of the
        cycle that has something to bill. A window that was run before is run again
        for what came in since.

        :param cycle: the ``lead.billing.cycle``
        :param window_start, window_end: naive UTC, end exclusive
        :return: the run
        """
        run = self.search(
            [("cycle_id", "=", cycle.id), ("window_end", "=", window_end)]
        )
        settings = {
            "window_start": window_start,
            "ignore_minimum": cycle._is_last_window_of_year(window_end),
            "include_earlier": cycle.include_earlier,
            "include_charges": True,
            "posting": cycle.posting,
            "invoice_date_policy": cycle.invoice_date_policy,
            "tz": cycle.tz,
            "state": "running",
            "is_stopped_by_hand": False,
            "message": False,
        }
        if run:
            run.write(settings)
        else:
            run = self.create(
                {
                    **settings,
                    "cycle_id": cycle.id,
                    "company_id": cycle.company_id.id,
                    "window_end": window_end,
                }
            )
        run._add_buyers()
        run._update_state()
        return run

    @api.model
    def _open_stopped_run(self, cycle, trouble):
        """Open a run that says why a due cycle cannot be invoiced at all; the cycle
        stays due, and goes on when the trouble is over."""
        moment = cycle.next_generation_at
        run = self.search([("cycle_id", "=", cycle.id), ("window_end", "=", moment)])
        run = run or self.create(
            {
                "cycle_id": cycle.id,
                "company_id": cycle.company_id.id,
                "window_end": moment,
                "tz": cycle.company_id.lead_tz,
            }
        )
        run._stop(trouble)
        return run

    def _get_limits_sql(self, start):
        """Return the conditions on ``sale``, what is unbilled of a buyer, for being
        billed in this run, by what is told of those for which one does not hold.

        :param SQL start: from when on the buyer's period runs, naive UTC
        :return: {name: SQL}; the first that does not hold is told
        """
        self.ensure_one()
        lead_types = self.lead_type_ids
        return {
            "later": SQL("sale.date < %s", self.window_end),
            "earlier": SQL("(%s OR sale.date >= %s)", self.include_earlier, start),
            "type": SQL(
                "(%s OR sale.lead_type_id = ANY(%s))", not lead_types, lead_types.ids
            ),
        }

    def _find_buyers(self, partners=None):
        """Return the ids of the buyers that this run has something to bill: those of
        its cycle, or in a run by hand all, or the given ones; each is the commercial
        entity that whoever bought belongs to today.

        :param partners: look at these buyers only, whatever their cycle
        """
        self.ensure_one()
        self.env.flush_all()
        company = self.company_id
        partner_model = self.env["res.partner"].with_company(company)
        query = partner_model._search([], active_test=False, bypass_access=True)
        conditions = []
        if partners:
            conditions.append(SQL("res_partner.id = ANY(%s)", partners.ids))
        elif self.cycle_id:
            conditions.append(
                SQL(
                    "COALESCE(%s, %s) = %s",
                    partner_model._field_to_sql(
                        "res_partner", "lead_billing_cycle_id", query
                    ),
                    company.lead_billing_cycle_id.id or None,
                    self.cycle_id.id,
                )
            )
        conditions.append(
            SQL(
                "NOT COALESCE(%s, FALSE)",
                partner_model._field_to_sql("res_partner", "lead_billing_hold", query),
            )
        )
        if not self.cycle_id and self.window_start:
            # In a run of a cycle, where the buyer's period starts is decided item by
            # item: it may be where another cycle's last document ended.
            conditions.append(SQL("unbilled.last_date >= %s", self.window_start))
        limits = self._get_limits_sql(SQL("NULL"))
        # Which buyers have unbilled transactions in the window?
        rows = self.env.execute_query(
            SQL(
                """
                WITH unbilled AS (
                    SELECT commercial_partner_id AS partner_id, max(date) AS last_date
                      FROM lead_sale sale
                     WHERE company_id = %(company)s
                       AND %(unbilled)s
                       AND %(not_later)s
                       AND %(of_type)s
                     GROUP BY commercial_partner_id
                )
                SELECT DISTINCT res_partner.id
                  FROM unbilled
                  JOIN res_partner contact ON contact.id = unbilled.partner_id
                  JOIN res_partner ON res_partner.id = contact.commercial_partner_id
                 WHERE %(conditions)s
                 ORDER BY res_partner.id
                """,
                company=company.id,
                unbilled=unbilled_sql("sale"),
                not_later=limits["later"],
                of_type=limits["type"],
                conditions=SQL(" AND ").join(conditions) if conditions else SQL("TRUE"),
            )
        )
        return [partner_id for (partner_id,) in rows]

    def _add_buyers(self, partners=None):
        """Add a work item for each buyer that this run has something to bill, unless
        one already waits."""
        self.ensure_one()
        # Insert all at once: there may be ten thousand.
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_invoice_run_buyer
                    (run_id, partner_id, company_id, window_end, state, create_uid,
                     create_date)
                SELECT %(run)s, buyer.id, %(company)s, %(window_end)s, 'todo', %(uid)s,
                       %(now)s
                  FROM unnest(%(buyers)s::int[]) AS buyer(id)
                 WHERE NOT EXISTS (
                       SELECT FROM lead_invoice_run_buyer item
                        WHERE item.run_id = %(run)s
                          AND item.partner_id = buyer.id
                          AND item.state IN ('todo', 'failed'))
             RETURNING id
                """,
                run=self.id,
                company=self.company_id.id,
                window_end=self.window_end,
                uid=self.env.uid,
                now=self.env.cr.now(),
                buyers=self._find_buyers(partners),
            )
        )
        self.env.invalidate_all()

    def _start(self):
        """Work this run off: at once when it is one batch, else in the background, as
        what is left when others work on the same buyers.

        Commits: the run stands before its buyers are invoiced, whatever becomes of
        them.
        """
        self.ensure_one()
        if blocker := self._get_blocker():
            self._stop(blocker)
            return
        self.env["ir.cron"]._commit_progress()
        if len(self.buyer_ids) <= BATCH_SIZE:
            self._work_off()
        if self.state == "running":
            self._trigger_generation()

    def _work_off(self):
        """Invoice the buyers of this run now, and commit."""
        try:
            self.buyer_ids._process()
            self._update_state()
            self.env["ir.cron"]._commit_progress()
        except TRY_AGAIN:
            # Somebody else changed the same run: the scheduled action goes on.
            self.env.cr.rollback()

    def _update_state(self):
        """Set the state of runs that have nothing left to do."""
        for run in self:
            if run.state != "stopped" and not run.todo_count:
                run.state = "failed" if run.failed_count else "done"

    def _try_to_close(self):
        """Set the state of this run if it has nothing left to do, unless somebody
        stops it, or puts a buyer back in line, at this moment."""
        try:
            self._update_state()
            self.env.flush_all()
        except TRY_AGAIN:
            # The batch is committed; the next call looks at the run again.
            self.env.cr.rollback()

    @api.model
    def _close_worked_off_runs(self):
        """Close runs that have nothing left to do and that nobody works on: two workers
        finished the last items at once, so that neither closed the run."""
        self.search(
            [
                ("state", "=", "running"),
                ("buyer_ids", "not any", [("state", "=", "todo")]),
            ]
        )._update_state()

    def _stop(self, trouble):
        """Stop these runs for a trouble of their whole company, with one activity."""
        for run in self:
            run.write({"state": "stopped", "message": trouble})
            # One for a whole company: it gets a mail, too.
            run._schedule_lead_activity(
                self.env._("Invoicing has stopped"),
                trouble,
                run.company_id,
                run._get_responsible(),
                mail_team=True,
            )

    def _resume(self):
        """Let stopped runs go on."""
        self.write({"state": "running", "message": False})
        self._update_state()
        self.activity_unlink([ACTIVITY_TYPE])

    def _get_responsible(self):
        """Return the user who gets this run's activities; empty: the team shares
        them."""
        self.ensure_one()
        return self.company_id._get_lead_responsible(self.cycle_id)

    def _for_responsible(self):
        """Return this run in the language of who reads what it says: the scheduled
        action itself has none."""
        self.ensure_one()
        return self.with_context(lang=self._get_responsible_lang())

    def _get_responsible_lang(self):
        """Return the language of who reads this run's activities."""
        self.ensure_one()
        return self.company_id._get_lead_lang(self.cycle_id)

    # Running

    @api.model
    def _generate_due(self):
        """Invoice every window whose generation moment has come, the oldest first, as
        long as the scheduler has time."""
        cycles = self.env["lead.billing.cycle"]
        self._resume_unblocked_runs()
        self._close_worked_off_runs()
        while True:
            processed = self._run_next_batch()
            waiting = self._count_waiting()
            # Windows are opened once all of the earlier ones is dealt with; those of
            # other cycles also when others hold what is left.
            opened = not (waiting and processed) and self._open_next_run()
            waiting = waiting or self._count_waiting() + len(cycles._get_due_cycles())
            time_left = self.env["ir.cron"]._commit_progress(
                int(bool(opened)), remaining=waiting
            )
            if not (waiting and (processed or opened) and time_left):
                break

    @api.model
    def _open_next_run(self):
        """Open the run of the window that has been due for longest, if any. A cycle of
        which none can be opened is stopped: the others are invoiced.

        :return: the run, maybe a stopped one; empty when nothing is due
        """
        cycles = self.env["lead.billing.cycle"]
        due = cycles._get_due_cycles().try_lock_for_update(
            allow_referencing=True, limit=1
        )
        if not due:
            return self.browse()
        # In the language of who reads what keeps the cycle from being invoiced.
        due = due.with_context(lang=due.company_id._get_lead_lang(due))
        runs = self.with_env(due.env)
        try:
            return runs._open_due_run(due)
        except TRY_AGAIN:
            raise
        except UserError as error:
            # A zone that the server no longer knows, for example.
            trouble = str(error)
            self.env.cr.rollback()
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("Lead Invoicing: %s cannot be invoiced", due)
            trouble = runs.env["lead.invoice.run.buyer"]._explain_unexpected(error)
        return runs._open_stopped_run(due, trouble)

    @api.model
    def _open_due_run(self, cycle):
        """Open the run of a due cycle's window, and set the cycle to its next one.

        :return: the run; empty where the window is not due after all
        """
        start, end, generation = cycle._next_due_window(cycle.next_generation_at)
        run = self.browse()
        if generation <= fields.Datetime.now():
            run = self._open_scheduled_run(cycle, start, end)
            # The next generation moment is after this one, by at least the window that
            # lies between them.
            generation = cycle._next_due_window(
                generation + timedelta.resolution
            ).generation
        cycle.next_generation_at = generation
        self.env.flush_all()
        return run

    @api.model
    def _trigger_generation(self, at=None):
        """Wake the scheduled action.

        :param at: naive UTC moments; by default now
        """
        self.env["ir.cron"]._wake_lead_job(
            "lead_invoicing.ir_cron_generate_invoices", at
        )

    @api.model
    def _run_next_batch(self):
        """Invoice one batch of buyers, of the run with the oldest window that has any.

        Its items alone say whether a run has work left: a clerk may put one back in
        line at the moment its run is being closed. A later window of a cycle waits
        until all of an earlier one is dealt with, by whatever worker; other cycles do
        not.

        :return: how many work items were dealt with; 0 when none waits, or when
            others work on those that wait
        """
        held = self.env["lead.billing.cycle"]
        for run in self._get_working_runs():
            if run.cycle_id & held:
                # Its earlier window comes first.
                continue
            if processed := run._try_next_batch():
                return processed
            if run.state != "stopped":
                held |= run.cycle_id
        return 0

    def _try_next_batch(self):
        """Invoice one batch of buyers of this run; stop it where that cannot be: the
        other runs go on.

        :return: as :meth:`_run_next_batch`
        """
        try:
            run = self._for_responsible()
            if blocker := run._get_blocker():
                run._stop(blocker)
                return 0
            run.state = "running"
            processed = run._lock_next_buyers()._process()
            run._try_to_close()
            return processed
        except TRY_AGAIN:
            raise
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("Lead Invoicing: %s cannot go on", self)
            run = self._for_responsible()
            trouble = run.env["lead.invoice.run.buyer"]._explain_unexpected(error)
            self.env["ir.cron"]._try_lead_step(
                lambda: run._stop(trouble), f"{self} cannot be stopped"
            )
            return 0

    @api.model
    def _get_working_runs(self):
        """Return the runs with items to do, the oldest window first."""
        return self.search(
            [("state", "!=", "stopped"), ("buyer_ids.state", "=", "todo")],
            order="window_end, id",
        )

    def _lock_next_buyers(self):
        """Lock and return the next batch of items that no other worker has."""
        self.ensure_one()
        self.env.flush_all()
        # Which items are next?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM lead_invoice_run_buyer
                 WHERE run_id = %s AND state = 'todo'
                 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                """,
                self.id,
                BATCH_SIZE,
            )
        )
        return self.env["lead.invoice.run.buyer"].browse([row[0] for row in rows])

    @api.model
    def _resume_unblocked_runs(self):
        """Let stopped runs go on whose company's trouble is over; not those that a
        person stopped."""
        stopped = self.search(
            [("state", "=", "stopped"), ("is_stopped_by_hand", "=", False)],
            order="window_end, id",
        )
        for run in stopped:
            self.env["ir.cron"]._try_lead_step(
                run._try_to_resume, f"whether {run} can go on is not known"
            )

    def _try_to_resume(self):
        """Let this stopped run go on, if nothing keeps it any more. Its next step is
        tried first: what fails again stays as it is, and is not told anew."""
        if self._get_blocker():
            return
        run = self._for_responsible()
        due_at = run.cycle_id.next_generation_at
        if run.todo_count:
            run._lock_next_buyers()._process()
        elif due_at and due_at <= fields.Datetime.now():
            run._open_due_run(run.cycle_id)
        run._resume()

    @api.model
    def _count_waiting(self):
        """Return the number of work items that are still to be done."""
        return self.env["lead.invoice.run.buyer"].search_count(
            [("state", "=", "todo"), ("run_id.state", "!=", "stopped")]
        )

    def _get_today(self):
        """Return today's date in the time zone of this run."""
        self.ensure_one()
        return self._get_local_date(fields.Datetime.now())

    def _get_window_label(self):
        """Return the window in words, in the language of the context."""
        self.ensure_one()
        if not self.window_end:
            return False
        if self.window_start:
            return format_window(self.env, self.window_start, self.window_end, self.tz)
        if self.cycle_id:
            # It was stopped before its window was looked at.
            return False
        # By hand, all that was unbilled is invoiced up to a day.
        last_day = self._get_window_last_day()
        return self.env._(
            "through %s", format_date(self.env, last_day, date_format="medium")
        )

    def _get_window_last_day(self):
        """Return the last day of this run's window, in its time zone."""
        self.ensure_one()
        return self._get_local_date(self.window_end - timedelta.resolution)

    def _get_local_date(self, moment):
        """Return the day of a naive UTC moment in the time zone of this run."""
        self.ensure_one()
        return local_day(self.env, moment, self.tz)
