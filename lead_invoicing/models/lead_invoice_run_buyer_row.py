from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, formatLang, html2plaintext

from .account_move_delivery import UNDELIVERED
from .account_move_release import NOT_REPLACED
from .lead_invoice_run_buyer_plan import to_decimal

# Of several documents, what is to be done comes first.
STATES_TO_DO_FIRST = ("review", "draft", "posted", "cancel")
DELIVERIES_TO_DO_FIRST = (
    "failed",
    "no_address",
    "by_hand",
    "to_send",
    "handed_over",
    "sent",
)


class LeadInvoiceRunBuyer(models.Model):
    """A row of the workbench: what one buyer bought in a run, and what became of its
    documents. Worked out for the rows that are shown, in a fixed number of queries."""

    _inherit = "lead.invoice.run.buyer"

    purchased_count = fields.Integer(
        "Purchased", compute="_compute_lead_counts", help="Leads on its documents."
    )
    returned_count = fields.Integer(
        "Returned", compute="_compute_lead_counts", help="Leads on its documents."
    )
    amount_summary = fields.Char(
        "Amount",
        compute="_compute_documents",
        help="Total of its documents including tax, less credit notes, per currency.",
    )
    not_invoiced_summary = fields.Char(
        "Not Invoiced",
        compute="_compute_not_invoiced_summary",
        help="Unbilled leads of this buyer that the run is for, less returns, before"
        " tax and agreed charges, per currency.",
    )
    document_names = fields.Char("Document", compute="_compute_documents")
    document_state = fields.Selection(
        [
            ("review", "To review"),
            ("draft", "Draft"),
            ("posted", "Posted"),
            ("cancel", "Canceled"),
        ],
        "Posted",
        compute="_compute_documents",
    )
    delivery_state = fields.Selection(
        lambda self: (
            self.env["account.move"]
            ._fields["lead_delivery_state"]
            ._description_selection(self.env)
        ),
        "Delivered",
        compute="_compute_documents",
    )
    problem = fields.Text(
        compute="_compute_documents",
        help="Why it was not invoiced, confirmed or delivered, and what to do.",
    )

    @api.depends("invoice_ids.state", "invoice_ids.lead_credited")
    def _compute_lead_counts(self):
        counts = {}
        for item, transaction_type, count in self.env["account.move.line"]._read_group(
            Domain("move_id.lead_run_buyer_id", "in", self.ids)
            & Domain("parent_state", "!=", "cancel")
            & Domain("lead_type_id", "!=", False)
            & Domain("move_id", "any", NOT_REPLACED),
            ["move_id.lead_run_buyer_id", "lead_transaction_type"],
            ["lead_count:sum"],
        ):
            counts[item.id, transaction_type] = count
        for item in self:
            item.purchased_count = counts.get((item._origin.id, "sale"), 0)
            item.returned_count = counts.get((item._origin.id, "return"), 0)

    @api.depends("state", "held_back")
    @api.depends_context("lang")
    def _compute_not_invoiced_summary(self):
        # What came in since for who is done waits like any other lead.
        left = self._origin.filtered(
            lambda item: item.state != "done" or item.held_back
        )
        amounts = left._read_not_invoiced()
        for item in self:
            item.not_invoiced_summary = self._format_amounts(amounts[item._origin])

    def _read_not_invoiced(self):
        """Return what these items were to invoice and is still unbilled: what their
        runs would bill by now. One query, and one for the starts, for each run.

        :return: {item: {currency's id: amount}}; a buyer that is in a run more than
            once has it in its last item
        """
        self.env.flush_all()
        amounts = defaultdict(dict)
        # sudo: whoever sees an item sees its amount, though its buyer may belong to
        # another company by now.
        for run, items in self.sudo().grouped("run_id").items():
            by_buyer = {item.partner_id.id: item for item in items.sorted("id")}
            last = items.browse().concat(*by_buyer.values())
            last = last.with_company(run.company_id)
            # How much of what each buyer was to be billed is not?
            for partner_id, currency_id, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT partner_id, currency_id, sum(amount) FROM (%s) candidate
                     GROUP BY partner_id, currency_id
                    """,
                    last._candidates_sql(last._get_period_starts()),
                )
            ):
                amounts[by_buyer[partner_id]][currency_id] = to_decimal(amount)
        return amounts

    @api.model
    def _format_amounts(self, amounts):
        """Return amounts, {currency's id: amount}, in words, without those of zero."""
        return "; ".join(
            formatLang(
                self.env,
                float(amount),
                currency_obj=self.env["res.currency"].browse(currency_id),
            )
            for currency_id, amount in sorted(amounts.items())
            if amount
        )

    @api.depends(
        "message",
        "invoice_ids.state",
        "invoice_ids.lead_credited",
        "invoice_ids.lead_delivery_state",
        "invoice_ids.lead_review_reason",
    )
    @api.depends_context("lang")
    def _compute_documents(self):
        documents = self._get_row_documents()
        reasons = self._get_undelivered_reasons(documents.values())
        for item in self:
            moves = documents[item._origin.id]
            live = moves.filtered(lambda move: move.state != "cancel")
            item.amount_summary = item._sum_amounts(live.filtered_domain(NOT_REPLACED))
            item.document_names = ", ".join(
                move.name or self.env._("Draft") for move in live
            )
            item.document_state = item._get_first(
                STATES_TO_DO_FIRST, {item._get_document_state(move) for move in moves}
            )
            item.delivery_state = item._get_first(
                DELIVERIES_TO_DO_FIRST,
                {
                    move.lead_delivery_state
                    for move in live
                    if move.state == "posted" and not move.lead_credited
                },
            )
            item.problem = "\n".join(
                filter(
                    None,
                    [
                        item.message,
                        *live.mapped("lead_review_reason"),
                        *(reasons.get(move.id) for move in live),
                    ],
                )
            )

    def _get_row_documents(self):
        """Return the documents of these items, read at once: {item's id: documents}."""
        moves = self.env["account.move"].search_fetch(
            [("lead_run_buyer_id", "in", self.ids)],
            [
                "lead_run_buyer_id",
                "name",
                "state",
                "lead_credited",
                "lead_delivery_state",
                "lead_review_reason",
                "amount_total_in_currency_signed",
                "currency_id",
            ],
            order="id",
        )
        documents = defaultdict(moves.browse)
        for move in moves:
            documents[move.lead_run_buyer_id.id] += move
        return documents

    @api.model
    def _get_undelivered_reasons(self, documents):
        """Return what a person is told of documents that did not arrive.

        :return: {document's id: sentences}
        """
        moves = self.env["account.move"].concat(*documents)
        undelivered = moves.filtered(
            lambda move: (
                move.state == "posted"
                and not move.lead_credited
                and move.lead_delivery_state in UNDELIVERED
            )
        )
        # Whoever sees the document sees what is told of it, whosever exception it is.
        activities = (
            self.env["mail.activity"]
            .sudo()
            .search_fetch(
                [
                    ("res_model", "=", "account.move"),
                    ("res_id", "in", undelivered.ids),
                    (
                        "activity_type_id",
                        "in",
                        moves._get_lead_delivery_activity_type(),
                    ),
                ],
                ["res_id", "note"],
            )
        )
        return {
            activity.res_id: html2plaintext(activity.note or "").strip()
            for activity in activities
        }

    @api.model
    def _sum_amounts(self, moves):
        """Return the total of documents including tax, per currency, in words."""
        totals = defaultdict(float)
        for move in moves:
            totals[move.currency_id] += move.amount_total_in_currency_signed
        return "; ".join(
            formatLang(self.env, total, currency_obj=currency)
            for currency, total in totals.items()
        )

    @api.model
    def _get_document_state(self, move):
        is_kept = move.state == "draft" and move.lead_review_reason
        return "review" if is_kept else move.state

    @api.model
    def _get_first(self, order, found):
        return next((value for value in order if value in found), False)
