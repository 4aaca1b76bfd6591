from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, formatLang

from .account_move_delivery import NOT_SENT_DOMAIN, TO_RESEND_DOMAIN
from .account_move_release import NOT_REPLACED

# The documents of a run, parted by what is to be done with them.
POSTED = Domain("state", "=", "posted") & NOT_REPLACED
TO_REVIEW = Domain("state", "=", "draft") & Domain("lead_review_reason", "!=", False)
TO_POST = Domain("state", "=", "draft") & Domain("lead_review_reason", "=", False)
# The buyers that something was left out of, which waits for a later run.
LEFT_OUT = Domain("state", "=", "skipped") | (
    Domain("held_back", "=", True) & Domain("state", "!=", "failed")
)
# So many reasons are named in the head of a run; its list of buyers has all.
MAX_REASONS = 5


class LeadInvoiceRun(models.Model):
    """The totals in the head of a run, apart by what is to be done. Each is counted by
    the domain that its button opens, so that the records add up to it."""

    _inherit = "lead.invoice.run"

    invoice_count = fields.Integer(
        "Number of Documents", compute="_compute_invoice_count"
    )
    not_sent_count = fields.Integer(
        "Not Sent",
        compute="_compute_totals",
        help="Documents that should have been sent but have not reached their buyers:"
        " they are waiting, failed, or have no address.",
    )
    not_sent_amounts = fields.Char(
        "Amount Not Sent", compute="_compute_totals", help="Including tax."
    )
    resend_count = fields.Integer(
        "To Resend",
        compute="_compute_resend_count",
        help="Documents that are not sent automatically any more: resend them.",
    )
    purchased_count = fields.Integer(
        "Leads Purchased", compute="_compute_lead_counts", help="On its documents."
    )
    returned_count = fields.Integer(
        "Leads Returned", compute="_compute_lead_counts", help="On its documents."
    )
    amount_summary = fields.Char(
        "Invoiced",
        compute="_compute_amount_summary",
        help="Total of its documents before tax, less credit notes, per currency.",
    )
    posted_count = fields.Integer("Posted", compute="_compute_totals")
    posted_amounts = fields.Char(
        "Posted Amount",
        compute="_compute_totals",
        help="Total of its posted documents including tax, less credit notes, per"
        " currency.",
    )
    review_count = fields.Integer(
        "To Review",
        compute="_compute_totals",
        help="Drafts that look wrong: approve or correct them before they are"
        " confirmed.",
    )
    review_amounts = fields.Char(
        "Amount to Review", compute="_compute_totals", help="Including tax."
    )
    draft_count = fields.Integer(
        "To Confirm",
        compute="_compute_totals",
        help="Drafts that wait to be confirmed.",
    )
    draft_amounts = fields.Char(
        "Amount to Confirm", compute="_compute_totals", help="Including tax."
    )
    left_out_count = fields.Integer(
        "Left Out",
        compute="_compute_left_out",
        help="Buyers with leads left for a later run.",
    )
    failed_amounts = fields.Char(
        "Amount Failed",
        compute="_compute_not_invoiced",
        help="Unbilled leads of these buyers, less returns, before tax and agreed"
        " charges.",
    )
    left_out_amounts = fields.Char(
        "Amount Left Out",
        compute="_compute_not_invoiced",
        help="Unbilled leads of these buyers, less returns, before tax and agreed"
        " charges.",
    )
    left_out_reasons = fields.Text("Left Out Because", compute="_compute_left_out")
    outcome = fields.Selection(
        [
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("failed", "Failures to fix"),
            ("not_sent", "Not all sent"),
            ("review", "To review"),
            ("draft", "To confirm"),
            ("done", "Done"),
        ],
        "Status",
        compute="_compute_outcome",
        help="What is to be done about this run first.",
    )

    @api.depends("invoice_ids")
    def _compute_invoice_count(self):
        counts = dict(
            self.env["account.move"]._read_group(
                [("lead_run_id", "in", self.ids)], ["lead_run_id"], ["__count"]
            )
        )
        for run in self:
            run.invoice_count = counts.get(run._origin, 0)

    @api.depends(
        "invoice_ids.state",
        "invoice_ids.lead_credited",
        "invoice_ids.lead_delivery_state",
    )
    def _compute_resend_count(self):
        counts = dict(
            self.env["account.move"]._read_group(
                [("lead_run_id", "in", self.ids), *TO_RESEND_DOMAIN],
                ["lead_run_id"],
                ["__count"],
            )
        )
        for run in self:
            run.resend_count = counts.get(run._origin, 0)

    @api.depends("invoice_ids.state", "invoice_ids.lead_credited")
    def _compute_lead_counts(self):
        counts = {}
        for run, transaction_type, count in self.env["account.move.line"]._read_group(
            Domain("move_id.lead_run_id", "in", self.ids)
            & Domain("parent_state", "!=", "cancel")
            & Domain("lead_type_id", "!=", False)
            & Domain("move_id", "any", NOT_REPLACED),
            ["move_id.lead_run_id", "lead_transaction_type"],
            ["lead_count:sum"],
        ):
            counts[run, transaction_type] = count
        for run in self:
            run.purchased_count = counts.get((run._origin, "sale"), 0)
            run.returned_count = counts.get((run._origin, "return"), 0)

    @api.depends(
        "invoice_ids.state",
        "invoice_ids.lead_credited",
        "invoice_ids.amount_untaxed_in_currency_signed",
    )
    @api.depends_context("lang")
    def _compute_amount_summary(self):
        amounts = defaultdict(list)
        for run, currency, amount in self.env["account.move"]._read_group(
            Domain("lead_run_id", "in", self.ids)
            & Domain("state", "!=", "cancel")
            & NOT_REPLACED,
            ["lead_run_id", "currency_id"],
            ["amount_untaxed_in_currency_signed:sum"],
        ):
            amounts[run].append(formatLang(self.env, amount, currency_obj=currency))
        for run in self:
            run.amount_summary = "; ".join(amounts[run._origin])

    @api.depends(
        "invoice_ids.state",
        "invoice_ids.lead_credited",
        "invoice_ids.lead_review_reason",
        "invoice_ids.lead_delivery_state",
    )
    @api.depends_context("lang")
    def _compute_totals(self):
        for name, domain in (
            ("posted", POSTED),
            ("review", TO_REVIEW),
            ("draft", TO_POST),
            ("not_sent", Domain(NOT_SENT_DOMAIN)),
        ):
            counts, amounts = defaultdict(int), defaultdict(list)
            for run, currency, count, amount in self.env["account.move"]._read_group(
                Domain("lead_run_id", "in", self.ids) & domain,
                ["lead_run_id", "currency_id"],
                ["__count", "amount_total_in_currency_signed:sum"],
            ):
                counts[run] += count
                amounts[run].append(formatLang(self.env, amount, currency_obj=currency))
            for run in self:
                run[f"{name}_count"] = counts[run._origin]
                run[f"{name}_amounts"] = "; ".join(amounts[run._origin])

    @api.depends("buyer_ids.state", "buyer_ids.held_back")
    def _compute_left_out(self):
        items = self.env["lead.invoice.run.buyer"]
        counts, reasons = defaultdict(int), defaultdict(list)
        query = items._search(Domain("run_id", "in", self.ids) & LEFT_OUT)
        no_reason = self.env._("No reason")
        # How many buyers of each run were left out, and why?
        for run_id, message, count in self.env.execute_query(
            SQL(
                """
                SELECT run_id, message, count(*) FROM lead_invoice_run_buyer
                 WHERE id IN %s GROUP BY run_id, message
                 ORDER BY count(*) DESC, message
                """,
                query.subselect(),
            )
        ):
            counts[run_id] += count
            reasons[run_id].append(f"{message or no_reason} ({count})")
        for run in self:
            found = reasons[run._origin.id]
            if len(found) > MAX_REASONS:
                found = [*found[:MAX_REASONS], "…"]
            run.left_out_count = counts[run._origin.id]
            run.left_out_reasons = "\n".join(found)

    @api.depends("buyer_ids.state", "buyer_ids.held_back")
    @api.depends_context("lang")
    def _compute_not_invoiced(self):
        items = self.env["lead.invoice.run.buyer"]
        for name, domain in (
            ("failed_amounts", Domain("state", "=", "failed")),
            ("left_out_amounts", LEFT_OUT),
        ):
            found = items.search(Domain("run_id", "in", self.ids) & domain)
            totals = defaultdict(lambda: defaultdict(Decimal))
            for item, amounts in found._read_not_invoiced().items():
                for currency_id, amount in amounts.items():
                    totals[item.run_id][currency_id] += amount
            for run in self:
                run[name] = items._format_amounts(totals[run._origin])

    @api.depends("state", "not_sent_count", "review_count", "draft_count")
    def _compute_outcome(self):
        for run in self:
            if run.state != "done":
                run.outcome = run.state
            elif run.not_sent_count:
                run.outcome = "not_sent"
            elif run.review_count:
                run.outcome = "review"
            else:
                run.outcome = "draft" if run.draft_count else "done"

    # Actions

    def action_view_posted(self):
        """Open the posted documents of this run."""
        action = self.action_view_invoices()
        name = self.env._("Posted")
        return {
            **action,
            "name": name,
            "display_name": name,
            "domain": list(Domain(action["domain"]) & POSTED),
        }

    def action_review(self):
        """Open the drafts of this run that are to be reviewed."""
        return self._get_own_documents_action(self.env._("To Review"), TO_REVIEW)

    def action_view_drafts(self):
        """Open the drafts of this run that wait to be confirmed."""
        return self._get_own_documents_action(self.env._("To Confirm"), TO_POST)

    def action_view_left_out(self):
        """Open the buyers of this run that something was left out of."""
        self.ensure_one()
        action = self._get_buyers_action(self.env._("Left Out"))
        action["domain"] = list(Domain(action["domain"]) & LEFT_OUT)
        return action

    def _get_own_documents_action(self, name, domain):
        self.ensure_one()
        return self._get_documents_action(
            name, Domain("lead_run_id", "=", self.id) & domain
        )

    @api.model
    def _get_documents_action(self, name, domain):
        """Return the action that shows documents as they are reviewed."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices_review"
        )
        # A browser's title is the name that is displayed.
        return {
            **action,
            "name": name,
            "display_name": name,
            "domain": list(domain),
        }
