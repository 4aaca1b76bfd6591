from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, formatLang, html2plaintext

from .account_move_delivery import DELIVERY_ACTIVITY_TYPE, UNDELIVERED
from .lead_sale import unbilled_sql

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

    @api.depends("state", "held_back")
    @api.depends_context("lang")
    def _compute_not_invoiced_summary(self):
        # What came in since for who is done waits like any other lead.
        is_left = Domain("state", "!=", "done") | Domain("held_back", "=", True)
        query = self._search(Domain("id", "in", self.ids) & is_left)
        amounts = self._sum_not_invoiced(query, SQL.identifier("item_id"))
        for item in self:
            item.not_invoiced_summary = amounts.get(item._origin.id)

    @api.model
    def _sum_not_invoiced(self, query, key):
        """Return what work items were to invoice and is still unbilled, in words.

        :param query: the search of the work items
        :param SQL key: what is told apart, ``item_id`` or ``run_id``
        :return: {id: amounts per currency}, without those where nothing is
        """
        self.env.flush_all()
        # How much of what each buyer, once for each run, was to be billed is not?
        rows = self.env.execute_query(
            SQL(
                """
                WITH item AS (
                    SELECT max(id) AS item_id, run_id, company_id, partner_id
                      FROM lead_invoice_run_buyer
                     WHERE id IN %(items)s
                     GROUP BY run_id, company_id, partner_id
                )
                SELECT %(key)s, sale.currency_id, sum(sale.amount)
                  FROM item
                  JOIN lead_invoice_run run ON run.id = item.run_id
                  JOIN res_partner contact
                       ON contact.commercial_partner_id = item.partner_id
                  JOIN lead_sale sale
                       ON sale.company_id = item.company_id
                      AND sale.commercial_partner_id = contact.id
                      AND sale.date < run.window_end
                      AND %(unbilled)s
                 WHERE (run.include_earlier OR sale.date >= run.window_start)
                   AND (run.without_returns IS NOT TRUE
                        OR sale.transaction_type = 'sale')
                   AND (NOT EXISTS (SELECT FROM lead_invoice_run_lead_type_rel rel
                                     WHERE rel.lead_invoice_run_id = run.id)
                        OR EXISTS (SELECT FROM lead_invoice_run_lead_type_rel rel
                                    WHERE rel.lead_invoice_run_id = run.id
                                      AND rel.lead_type_id = sale.lead_type_id))
                 GROUP BY 1, 2
                HAVING sum(sale.amount) != 0
                 ORDER BY 1, 2
                """,
                items=query.subselect(),
                key=key,
                unbilled=unbilled_sql("sale"),
            )
        )
        amounts = defaultdict(list)
        for record_id, currency_id, amount in rows:
            currency = self.env["res.currency"].browse(currency_id)
            amounts[record_id].append(
                formatLang(self.env, float(amount), currency_obj=currency)
            )
        return {record_id: "; ".join(found) for record_id, found in amounts.items()}

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
