from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import formatLang, html2plaintext

from .account_move_delivery import DELIVERY_ACTIVITY_TYPE, UNDELIVERED

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
        help="Why it was not invoiced, posted or delivered, and what to do.",
    )

    @api.depends("invoice_ids.state")
    def _compute_lead_counts(self):
        counts = {}
        for item, transaction_type, count in self.env["account.move.line"]._read_group(
            [
                ("move_id.lead_run_buyer_id", "in", self.ids),
                ("parent_state", "!=", "cancel"),
                ("lead_type_id", "!=", False),
            ],
            ["move_id.lead_run_buyer_id", "lead_transaction_type"],
            ["lead_count:sum"],
        ):
            counts[item.id, transaction_type] = count
        for item in self:
            item.purchased_count = counts.get((item._origin.id, "sale"), 0)
            item.returned_count = counts.get((item._origin.id, "return"), 0)

    @api.depends(
        "message",
        "invoice_ids.state",
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
            item.amount_summary = item._sum_amounts(live)
            item.document_names = ", ".join(
                move.name or self.env._("Draft") for move in live
            )
            item.document_state = item._get_first(
                STATES_TO_DO_FIRST, {item._get_document_state(move) for move in moves}
            )
            item.delivery_state = item._get_first(
                DELIVERIES_TO_DO_FIRST,
                {m.lead_delivery_state for m in live if m.state == "posted"},
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
                move.state == "posted" and move.lead_delivery_state in UNDELIVERED
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
                        "=",
                        self.env.ref(DELIVERY_ACTIVITY_TYPE).id,
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
