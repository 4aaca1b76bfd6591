from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..models.lead_sale import behind_sql, unbilled_sql
from .books_rules_money import MONEY_RULES
from .books_rules_runs import RUN_RULES
from .books_rules_transactions import TRANSACTION_RULES

# So many records of a rule are named by their ids, and so many by their names.
MAX_IDS = 100
MAX_NAMES = 3
BOOKS_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_books"


class LeadInvoiceRun(models.Model):
    """Check the Books: does what always holds hold in this database?"""

    _inherit = "lead.invoice.run"

    @api.model
    def check_books(self):
        """Check what always holds, over all that was ever recorded and billed in the
        user's companies: each transaction billed once, documents the sum of their
        transactions, money given back once, nothing forgotten, and so on.

        Reads only; one query for each rule, whose memory does not grow with the books.

        :return: a list of findings, empty when all holds; each a dict with ``rule``
            (a technical name that does not change), ``model``, ``ids`` (at most the
            first 100) and ``message`` (what is wrong with how many, and what to do).
            ``edited`` and ``draft_without_transactions`` tell of what people did.
        :raises AccessError: for users who do not manage lead invoicing
        """
        if not (self.env.su or self.env.user.has_group("lead_invoicing.group_manager")):
            raise AccessError(
                self.env._("Only administrators of Lead Invoicing can check the books.")
            )
        self.env.flush_all()
        parameters = self._get_books_parameters()
        findings = []
        for rule in self._get_books_rules():
            rows = self.env.execute_query(rule.get_sql(MAX_IDS, **parameters))
            if rule.name == "windows_overlap":
                rows = self._drop_windows_of_other_schedules(rows)
            if rows:
                ids = [record_id for record_id, _count in rows]
                findings.append(self._prepare_finding(rule, ids, rows[0][1]))
        return findings

    @api.model
    def _get_books_rules(self):
        """Hook: return the rules that are checked. Another addon adds its own."""
        return [*TRANSACTION_RULES, *RUN_RULES, *MONEY_RULES]

    @api.model
    def _get_books_parameters(self):
        """Return the parameters of the rules' questions."""
        companies = self.env.companies
        return {
            "companies": companies.ids,
            "now": fields.Datetime.now(),
            "unbilled": unbilled_sql(),
            "behind": behind_sql(SQL("sale.company_id = ANY(%s)", companies.ids)),
            "waiting": self.env["lead.unbilled"]._get_transactions_sql(companies),
        }

    @api.model
    def _drop_windows_of_other_schedules(self, rows):
        """Leave out runs of a schedule that was changed since: the first window of
        another schedule may begin within the last one of the schedule before."""
        # Whoever may check the books may have the cycles' schedules looked at.
        runs = self.sudo().browse([run_id for run_id, _count in rows])
        kept = self.browse()
        for run in runs:
            overlapped = run.search(
                [
                    ("cycle_id", "=", run.cycle_id.id),
                    ("id", "!=", run.id),
                    ("window_end", "<=", run.window_end),
                    ("window_end", ">", run.window_start),
                ]
            )
            if run._is_of_schedule() and any(
                other._is_of_schedule() for other in overlapped
            ):
                kept += run
        return [(run.id, len(kept)) for run in kept]

    def _is_of_schedule(self):
        """Tell whether this run's window ends where one of its cycle's now does."""
        self.ensure_one()
        if self.cycle_id._get_schedule_error():
            return False
        window = self.cycle_id._get_window(self.window_end)
        return window and window[1] == self.window_end

    @api.model
    def _prepare_finding(self, rule, ids, count):
        """Return what is told of the records for which a rule does not hold."""
        # Names of records of the user's companies, for their manager.
        records = self.env[rule.model].sudo().browse(ids[:MAX_NAMES])
        names = [record.display_name or str(record.id) for record in records]
        if count > len(names):
            names.append("…")
        return {
            "rule": rule.name,
            "model": rule.model,
            "ids": ids,
            "message": self.env._(
                "%(sentence)s Found: %(count)s (%(names)s).",
                sentence=rule.sentence,
                count=count,
                names=", ".join(names),
            ),
        }

    # The scheduled action

    @api.model
    def _cron_check_books(self):
        """Check the books of each company; raise one activity where something does not
        hold, and remove it when all holds again."""
        for company in self.env["res.company"].search([("active", "=", True)]):
            # In the language of who reads it: the scheduled action itself has none.
            books = self.with_context(
                allowed_company_ids=company.ids,
                lang=company._get_lead_lang(),
            )
            self.env["ir.cron"]._try_lead_step(
                lambda books=books, company=company: books._tell_of_findings(
                    company, books.check_books()
                ),
                f"the books of {company} cannot be checked",
            )

    @api.model
    def _tell_of_findings(self, company, findings):
        """Raise one activity for what was found in a company's books, in the place of
        the last one; when nothing was found, only remove that."""
        company.partner_id.activity_unlink([BOOKS_ACTIVITY_TYPE])
        if not findings:
            return
        company.partner_id._schedule_lead_activity(
            self.env._("Check the Books"),
            "\n".join(finding["message"] for finding in findings),
            company,
            company._get_lead_responsible(),
            BOOKS_ACTIVITY_TYPE,
        )
