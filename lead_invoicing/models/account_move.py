import logging
from collections import defaultdict
from datetime import timedelta
from urllib.parse import urlencode

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, formatLang, plaintext2html

from ..tools.engine_fields import check_engine_fields
from ..tools.windows import to_wall
from .lead_invoice_run_buyer import TRY_AGAIN

_logger = logging.getLogger(__name__)

# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {
    "lead_credited",
    "lead_delivery_state",
    "lead_is_receipt",
    "lead_posted_at",
    "lead_replaces_id",
    "lead_review_reason",
    "lead_run_buyer_id",
    "lead_run_id",
    "lead_window_end",
    "lead_window_start",
}


class AccountMove(models.Model):
    """Invoices and credit notes that a lead invoicing run made."""

    _inherit = "account.move"

    lead_run_buyer_id = fields.Many2one(
        "lead.invoice.run.buyer",
        "Lead Invoicing Work Item",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    lead_run_id = fields.Many2one(
        "lead.invoice.run",
        "Lead Invoicing Run",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    lead_window_start = fields.Datetime("Leads From", readonly=True, copy=False)
    lead_window_end = fields.Datetime(
        "Leads Until", readonly=True, copy=False, help="Exclusive."
    )
    lead_window_label = fields.Char("Leads Sold", compute="_compute_lead_window_label")
    lead_sale_ids = fields.Many2many(
        "lead.sale",
        string="Lead Transactions",
        compute="_compute_lead_sale_ids",
        search="_search_lead_sale_ids",
        groups="lead_invoicing.group_user",
    )
    lead_sale_count = fields.Integer(
        "Leads", compute="_compute_lead_sale_totals", groups="lead_invoicing.group_user"
    )
    lead_amount_difference = fields.Monetary(
        compute="_compute_lead_sale_totals",
        groups="lead_invoicing.group_user",
        help="The lead lines of this document less the transactions behind them. Zero,"
        " unless somebody changed a lead line by hand.",
    )
    lead_posted_at = fields.Datetime(
        "Posted on",
        readonly=True,
        copy=False,
        help="Since when this document is in the books.",
    )
    lead_is_receipt = fields.Boolean(
        "Paid From Balance",
        readonly=True,
        copy=False,
        help="The buyer's balance covered this invoice in full when it was posted: it"
        " is a receipt.",
    )
    lead_delivery_state = fields.Selection(
        [
            ("to_send", "To send"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
            ("no_address", "No e-mail address"),
            ("by_hand", "To deliver by hand"),
        ],
        "Lead Invoice Delivery",
        readonly=True,
        copy=False,
    )

    lead_review_reason = fields.Text(
        "To Review Because",
        readonly=True,
        copy=False,
        help="Why the run that made this document kept it as a draft.",
    )

    @api.depends("lead_window_start", "lead_window_end")
    @api.depends_context("lang")
    def _compute_lead_window_label(self):
        for move in self:
            move.lead_window_label = move._get_lead_window_label()

    def _compute_lead_sale_ids(self):
        sales = self.env["lead.sale"].search([("invoice_id", "in", self.ids)])
        by_move = sales.grouped("invoice_id")
        releases = self.env["lead.sale.release"].search(
            [("invoice_id", "in", self.ids)]
        )
        released = releases.grouped("invoice_id")
        for move in self:
            move.lead_sale_ids = (
                by_move.get(move._origin, self.env["lead.sale"])
                | released.get(move._origin, releases.browse()).sale_id
            )

    def _search_lead_sale_ids(self, operator, value):
        if operator not in ("in", "any"):
            return NotImplemented
        if operator == "in":
            value = [("id", "in", value)]
        sales = self.env["lead.sale"]._search(value)
        return [
            (
                "id",
                "in",
                SQL(
                    """(SELECT aml.move_id FROM account_move_line aml
                          JOIN lead_sale ON lead_sale.invoice_line_id = aml.id
                         WHERE lead_sale.id IN %s)""",
                    sales.subselect(),
                ),
            )
        ]

    @api.depends(
        "invoice_line_ids.quantity",
        "invoice_line_ids.price_unit",
        "currency_id",
        "state",
    )
    def _compute_lead_sale_totals(self):
        totals = self._read_lead_sale_totals()
        for move in self:
            count, amount = totals.get(move._origin.id, (0, 0.0))
            move.lead_sale_count = count
            move.lead_amount_difference = 0.0
            if move.lead_run_id and move.state != "cancel":
                move.lead_amount_difference = move.currency_id.round(
                    move._get_lead_lines_amount() - float(amount or 0)
                )

    # Whose last document ended when?
    _lead_period_idx = models.Index(
        "(commercial_partner_id, company_id, lead_window_end)"
        " WHERE lead_run_id IS NOT NULL"
    )

    def write(self, vals):
        """Release the transactions of cancelled documents.

        :raises UserError: for a change of what Lead Invoicing itself decides
        """
        check_engine_fields(self, ENGINE_FIELDS, vals)
        given_back = self.browse()
        if vals.get("state") in ("draft", "cancel"):
            given_back = self._get_lead_documents_to_follow()
            given_back._lock_lead_documents()
        if vals.get("state") == "cancel":
            # Whoever may cancel a document is told what keeps it.
            self.sudo()._check_lead_returns_free(self)
        if vals.get("state", "posted") != "posted" or "date" in vals:
            self._end_lead_posting()
        res = super().write(vals)
        if "state" in vals or "date" in vals:
            self._start_lead_posting()
        if vals.get("state") in ("posted", "cancel"):
            self._end_lead_review()
        if vals.get("state") in ("draft", "cancel"):
            self._after_lead_documents_unposted()
        if vals.get("state") == "cancel":
            self.filtered("lead_run_id").line_ids._release_lead_sales()
        given_back._update_given_back()
        return res

    def _end_lead_posting(self):
        """Record that posted documents leave the books as they stand in them."""
        posted = self.filtered("lead_posted_at")
        # Whoever may take a document back leaves this record.
        self.env["lead.sale.past.billing"].sudo()._log(posted.line_ids)
        posted._set_lead_posted_at(False)

    def _start_lead_posting(self):
        """Note since when documents are in the books."""
        self.filtered(
            lambda move: (
                move.lead_run_id and move.state == "posted" and not move.lead_posted_at
            )
        )._set_lead_posted_at(self.env.cr.now())

    def _set_lead_posted_at(self, moment):
        # Whoever may post a document, or take it back, has this written down. Nothing
        # that its lines are computed from changes.
        self.sudo().with_context(skip_invoice_sync=True).lead_posted_at = moment

    def _after_lead_documents_unposted(self):
        """Follow what is no longer posted: a document will not be sent, and is no
        receipt."""
        # Whoever may take a document back may have this follow.
        self.sudo().filtered(
            lambda move: move.lead_delivery_state == "to_send"
        ).lead_delivery_state = False
        self.sudo().filtered("lead_is_receipt").lead_is_receipt = False

    def button_draft(self):
        """Refuse to take back what others rely on.

        :raises UserError: naming the other document
        """
        self._check_lead_documents_free()
        left = self._get_lead_amounts_left()
        res = super().button_draft()
        self._check_lead_amounts_left(left)
        return res

    def _post(self, soft=True):
        self.filtered("lead_run_id")._check_lead_sales_claimed()
        self._link_lead_returns()
        given_back = self._get_lead_documents_given_back()
        given_back._lock_lead_documents()
        self._check_lead_undoing()
        posted = super(AccountMove, self - self._keep_lead_excess())._post(soft)
        given_back._update_given_back()
        posted._settle_lead_documents()
        return posted

    def _settle_lead_documents(self):
        """Settle what these posted lead documents and deposits can settle, and make
        those that the buyer's balance covers in full receipts."""
        documents = self.filtered("lead_run_id")
        deposits = self.filtered(
            lambda move: (
                move.origin_payment_id.partner_type == "customer"
                and move.origin_payment_id.payment_type == "inbound"
            )
        )
        moves = documents | deposits
        for company, partner, currency in {
            (move.company_id, move.commercial_partner_id, move.currency_id)
            for move in moves
            if move.commercial_partner_id
        }:
            partner._settle_lead_invoices(company, currency)
        # Posting decides it, whoever posts.
        documents.sudo().filtered(
            lambda move: (
                move._is_prepaid_lead_invoice()
                and move.currency_id.is_zero(move.amount_residual)
            )
        ).lead_is_receipt = True

    def _is_prepaid_lead_invoice(self):
        """Tell whether this is an invoice for leads of a buyer who prepays."""
        self.ensure_one()
        buyer = self.commercial_partner_id.with_company(self.company_id)
        return (
            bool(self.lead_run_id)
            and self.move_type == "out_invoice"
            and buyer.lead_billing_mode == "prepaid"
        )

    # Actions

    def action_open_lead_report(self):
        """Open the Invoicing Report of exactly the leads behind this document.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizards = self.env["lead.invoicing.report.wizard"]
        return wizards._get_open_action(
            {"partner_id": self.commercial_partner_id.id, "invoice_id": self.id}
        )

    def action_view_lead_sales(self):
        """Open the transactions behind this document.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        self.env["lead.sale"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_sale"
        )
        action["domain"] = [
            "|",
            ("invoice_id", "=", self.id),
            ("release_ids.invoice_id", "=", self.id),
        ]
        action["context"] = {"create": False}
        return action

    def action_lead_post(self):
        """Post these drafts of runs; one that fails does not hold up the others.

        :return: the action that says how many were posted, and what failed
        :raises AccessError: for users without rights in Lead Invoicing
        """
        return self._post_lead_drafts()

    def action_lead_post_and_send(self):
        """Post these drafts of runs and send them to their buyers; one that fails does
        not hold up the others.

        :return: the action that says how many were posted, and what failed
        :raises AccessError: for users without rights in Lead Invoicing
        """
        return self._post_lead_drafts(send=True)

    def _schedule_lead_activity(self, summary, reason):
        """Raise an activity on this document, for whoever looks after its run.

        Quietly: the list of activities tells, not a mail for each document. Nor does
        that person follow the document, and get what the buyer gets.

        :param reason: sentences that say what to do
        """
        self.ensure_one()
        followers = self.message_partner_ids
        self.with_context(mail_activity_quick_update=True).activity_schedule(
            "lead_invoicing.mail_activity_type_lead_invoicing",
            summary=summary,
            note=plaintext2html(reason),
            # Whoever makes or sends a document need not be allowed to see its run.
            user_id=self.sudo()._get_lead_run()._get_responsible().id,
        )
        self.message_unsubscribe((self.message_partner_ids - followers).ids)

    # Review

    def _set_lead_review(self, reason):
        """Note why a person should look at this draft, with an activity for someone.

        :param reason: sentences, each on a line of its own
        """
        self.ensure_one()
        # What looks wrong is written down by whoever may make the document.
        self.sudo().lead_review_reason = reason
        self._schedule_lead_activity(self.env._("Review before posting"), reason)

    def _end_lead_review(self):
        """Remove the reason and the activity of documents that were decided upon."""
        reviewed = self.filtered("lead_review_reason")
        if reviewed:
            reviewed.activity_unlink(
                ["lead_invoicing.mail_activity_type_lead_invoicing"]
            )
            # Whoever may post or cancel a document has looked at it.
            reviewed.sudo().lead_review_reason = False

    def _post_lead_drafts(self, send=False):
        """Post the drafts of runs among these documents: together, and when that
        fails, one by one.

        :param send: send what was posted
        :return: the action that tells the user
        """
        self.env["lead.invoice.run"].check_access("read")
        drafts = self.filtered(lambda move: move.lead_run_id and move.state == "draft")
        if not drafts:
            raise UserError(self.env._("Select drafts that a lead invoicing run made."))
        posted, failures = drafts._try_to_post_lead_drafts()
        for item, moves in posted.grouped("lead_run_buyer_id").items():
            if item:
                # Posting may leave a message on the item that made the document.
                item.sudo()._tell_of_uncovered(moves.sudo())
        if send:
            posted._queue_lead_sending()
        return self._get_lead_posted_action(posted, failures)

    def _try_to_post_lead_drafts(self):
        """Post these drafts as far as possible.

        :return: (the documents posted, a sentence for each of the others)
        """
        failures = []
        try:
            with self.env.cr.savepoint():
                posted = self._post(soft=False)
            failures += [
                f"{move._get_lead_draft_name()}: {move.lead_review_reason}"
                for move in self - posted
            ]
            return posted, failures
        except TRY_AGAIN:
            # Nothing is wrong with a document: Odoo repeats the whole request.
            raise
        except Exception as error:
            _logger.info("Lead invoicing: posting %s failed", self, exc_info=True)
            if len(self) == 1:
                reason = self.lead_run_buyer_id._explain(error)
                failures.append(f"{self._get_lead_draft_name()}: {reason}")
                return self.browse(), failures
        posted = self.browse()
        for move in self:
            posted_one, failed = move._try_to_post_lead_drafts()
            posted += posted_one
            failures += failed
        return posted, failures

    def _get_lead_draft_name(self):
        """Return what a clerk knows a draft by, which has no number yet."""
        self.ensure_one()
        return ", ".join(
            filter(None, [self.partner_id.display_name, self.lead_window_label])
        )

    @api.model
    def _get_lead_posted_action(self, posted, failures):
        """Return the action that says what became of drafts that were posted together,
        and shows the list anew."""
        sentences = [self.env._("Documents posted: %s.", len(posted))] + failures
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if failures else "success",
                "sticky": bool(failures),
                "message": "\n".join(sentences),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # Delivery

    def _queue_lead_sending(self):
        """Let Odoo send these posted documents in the background, at once; those that
        nobody can receive get an activity instead."""
        send = self.env["account.move.send"]
        to_send = self.browse()
        for move in self:
            methods = send._get_default_sending_methods(move)
            if methods == {"manual"}:
                move._set_lead_undelivered(
                    "by_hand",
                    self.env._(
                        "This buyer gets its invoices by hand: print and deliver it."
                    ),
                )
            elif methods == {"email"} and not move._get_lead_recipients():
                move._set_lead_undelivered(
                    "no_address",
                    self.env._(
                        "%s has no e-mail address. Add one, or name other recipients"
                        " on the buyer's Invoicing/Billing page, then send this"
                        " document.",
                        move.partner_id.display_name,
                    ),
                )
            else:
                to_send += move
        if not to_send:
            return
        # What became of a document is written down by whoever may post or send it.
        to_send.sudo().write(
            {
                "lead_delivery_state": "to_send",
                "sending_data": {
                    "author_user_id": self.env.user.id,
                    "author_partner_id": self.env.user.partner_id.id,
                },
            }
        )
        # Billing users may not touch scheduled actions; waking the one that sends
        # what they may send anyway gives them nothing more.
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def _get_lead_recipients(self):
        """Return the contacts that get this document by e-mail."""
        self.ensure_one()
        return self.commercial_partner_id._get_lead_invoice_recipients(self.partner_id)

    def _for_lead_responsible(self):
        """Return this document in the language of who gets its activities: jobs that
        send it have none."""
        self.ensure_one()
        # Whoever sends a document need not be allowed to see its run.
        user = self.sudo().lead_run_id._get_responsible()
        return self.with_context(lang=user.lang)

    def _set_lead_undelivered(self, state, reason):
        """Make visible that a document did not reach its buyer, with an activity.

        :param state: one of ``lead_delivery_state``
        :param reason: a sentence that says what to do
        """
        self.ensure_one()
        # What became of a document is written down by whoever may post or send it.
        self.sudo().lead_delivery_state = state
        self.activity_unlink(["lead_invoicing.mail_activity_type_lead_invoicing"])
        self._schedule_lead_activity(self.env._("Invoice was not sent"), reason)

    def _set_lead_delivered(self):
        """Note that these documents were handed to the buyers' mail servers."""
        # What became of a document is written down by whoever may post or send it.
        self.sudo().lead_delivery_state = "sent"
        self.activity_unlink(["lead_invoicing.mail_activity_type_lead_invoicing"])

    def _get_mail_template(self):
        if self and all(move.lead_is_receipt for move in self):
            return self.env.ref("lead_invoicing.mail_template_lead_receipt")
        if self and all(move.lead_run_id for move in self):
            return self.env.ref("lead_invoicing.mail_template_lead_invoice")
        return super()._get_mail_template()

    # Reading

    def _read_lead_sale_totals(self):
        """Count and sum the transactions behind each of these documents; those that
        were released from it after it was reversed, too.

        :return: {move id: (number of transactions, sum of the signed amounts of those
            in the document's currency)}
        """
        ids = self._origin.ids
        if not ids:
            return {}
        self.env["lead.sale"].flush_model(["invoice_line_id", "amount"])
        self.flush_recordset(["currency_id"])
        # How many transactions are behind each document, and what is their sum?
        return {
            move_id: (count, amount)
            for move_id, count, amount in self.env.execute_query(
                SQL(
                    """
                    SELECT move_id, count(*),
                           sum(behind.amount)
                               FILTER (WHERE behind.currency_id = move.currency_id)
                      FROM (SELECT line.move_id, sale.amount, sale.currency_id
                              FROM account_move_line line
                              JOIN lead_sale sale ON sale.invoice_line_id = line.id
                             WHERE line.move_id IN %(moves)s
                             UNION ALL
                            SELECT release.invoice_id, sale.amount, sale.currency_id
                              FROM lead_sale_release release
                              JOIN lead_sale sale ON sale.id = release.sale_id
                             WHERE release.invoice_id IN %(moves)s) behind
                      JOIN account_move move ON move.id = behind.move_id
                     GROUP BY move_id
                    """,
                    moves=tuple(ids),
                )
            )
        }

    def _get_lead_lines_amount(self):
        """Return the sum of quantity times unit price of the lead lines, with the
        sign of the transactions: negated on a credit note."""
        self.ensure_one()
        amount = sum(
            line.quantity * line.price_unit
            for line in self.invoice_line_ids
            if line.lead_type_id
        )
        return -amount if self.move_type == "out_refund" else amount

    def _get_lead_window_label(self):
        """Return the period of the leads, printed for the buyer in the language of
        the context; empty for documents that no run made."""
        self.ensure_one()
        # A buyer who may see the document may see its period.
        move = self.sudo()
        if not move.lead_window_end:
            return ""
        return self.env["lead.billing.cycle"]._format_window(
            move.lead_window_start, move.lead_window_end, move.lead_run_id.tz
        )

    def _get_lead_report_url(self):
        """Return the address of the buyer's Invoicing Report for the days of this
        document and its first lead type; empty for documents that no run made."""
        self.ensure_one()
        # A buyer who may see the document may see its period and its lead types.
        move = self.sudo()
        if not move.lead_run_id:
            return ""
        zone = self.env["lead.billing.cycle"]._get_zone(move.lead_run_id.tz)
        # The last instant, not the day before: a zone can skip a whole day.
        last = max(move.lead_window_start, move.lead_window_end - timedelta.resolution)
        params = {
            "lead_type_id": move.invoice_line_ids.lead_type_id[:1].id or "",
            "date_from": to_wall(move.lead_window_start, zone).date(),
            "date_to": to_wall(last, zone).date(),
        }
        return f"{self.get_base_url()}/my/invoicing-report?{urlencode(params)}"

    def _get_lead_payment_request(self):
        """Return what the mail asks for, in the language of the context; empty for
        what is not to be paid."""
        self.ensure_one()
        if self.move_type != "out_invoice" or not self.amount_residual:
            return ""
        due = format_date(self.env, self.invoice_date_due or self.invoice_date)
        if self.payment_reference:
            request = self.env._(
                "Please pay by %(date)s, with the reference %(reference)s.",
                date=due,
                reference=self.payment_reference,
            )
        else:
            request = self.env._("Please pay by %s.", due)
        settled = self.amount_total - self.amount_residual
        if self.currency_id.is_zero(settled):
            return request
        already = self.env._(
            "%(settled)s of this invoice is settled already, %(rest)s is left.",
            settled=formatLang(self.env, settled, currency_obj=self.currency_id),
            rest=formatLang(
                self.env, self.amount_residual, currency_obj=self.currency_id
            ),
        )
        return f"{already} {request}"

    def _notify_by_email_prepare_rendering_context(self, message, **kwargs):
        context = super()._notify_by_email_prepare_rendering_context(message, **kwargs)
        if self.lead_run_id and self.payment_state == "partial":
            # Odoo writes the total above the mail, whatever is left of it.
            context["subtitles"][-1] = self.env._(
                "%(amount)s due\N{NO-BREAK SPACE}%(date)s",
                amount=formatLang(
                    self.env, self.amount_residual, currency_obj=self.currency_id
                ),
                date=format_date(
                    self.env, self.invoice_date_due, lang_code=context.get("lang")
                ),
            )
        return context

    def _get_lead_summary(self):
        """Return what the document says of its leads: per lead type, and per
        sub-account where there are any; never per lead.

        :return: list of dicts with ``lead_type``, ``purchased`` and ``returned``
            (numbers of leads), ``purchased_amount``, ``returned_amount``,
            ``adjusted_amount`` and ``net_amount`` (signed as transactions: sales
            above zero; in the document's currency, before tax or including it as the
            prices are) and ``sub_accounts``, a list of the same with ``partner``
        """
        self.ensure_one()
        # A buyer who may see the document may see what it consists of.
        move = self.sudo()
        sign = -1 if move.move_type == "out_refund" else 1
        summary = {}
        for line in move.invoice_line_ids.filtered("lead_type_id"):
            row = summary.setdefault(line.lead_type_id, self._new_lead_summary_row())
            self._add_to_lead_summary(
                row,
                line.lead_transaction_type,
                line.lead_count,
                sign * line.quantity * line.price_unit,
            )
        sub_accounts = move._get_lead_sub_accounts() if summary else {}
        return [
            {**row, "lead_type": lead_type, "sub_accounts": sub_accounts[lead_type]}
            for lead_type, row in summary.items()
        ]

    @api.model
    def _new_lead_summary_row(self):
        return {
            "purchased": 0,
            "returned": 0,
            "purchased_amount": 0.0,
            "returned_amount": 0.0,
            "adjusted_amount": 0.0,
            "net_amount": 0.0,
        }

    @api.model
    def _add_to_lead_summary(self, row, transaction_type, lead_count, amount):
        if transaction_type == "sale":
            row["purchased"] += lead_count
            row["purchased_amount"] += amount
        elif lead_count:
            row["returned"] += lead_count
            row["returned_amount"] += amount
        else:
            row["adjusted_amount"] += amount
        row["net_amount"] += amount

    def _get_lead_sub_accounts(self):
        """Return the summary rows per sub-account, for buyers that have any.

        :return: {lead type: list of rows with ``partner``}; no rows where all leads
            are the billed buyer's own
        """
        self.ensure_one()
        self.env["lead.sale"].flush_model()
        # What did each contact of the buyer purchase and return on this document?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.lead_type_id, sale.partner_id, sale.transaction_type,
                       count(*) FILTER (WHERE sale.price_adjustment IS NOT TRUE),
                       sum(sale.amount)
                  FROM account_move_line line
                  JOIN lead_sale sale ON sale.invoice_line_id = line.id
                 WHERE line.move_id = %s
                 GROUP BY line.lead_type_id, sale.partner_id, sale.transaction_type,
                       sale.price_adjustment
                """,
                self.id,
            )
        )
        result = defaultdict(list)
        if {row[1] for row in rows} <= {self.commercial_partner_id.id}:
            return result
        by_account = {}
        for lead_type_id, partner_id, transaction_type, count, amount in rows:
            row = by_account.setdefault(
                (lead_type_id, partner_id), self._new_lead_summary_row()
            )
            self._add_to_lead_summary(row, transaction_type, count, float(amount))
        for (lead_type_id, partner_id), row in by_account.items():
            lead_type = self.env["lead.type"].browse(lead_type_id)
            partner = self.env["res.partner"].browse(partner_id)
            result[lead_type].append({**row, "partner": partner})
        for rows_of_type in result.values():
            rows_of_type.sort(
                key=lambda row: (row["partner"].name or "", row["partner"].id)
            )
        return result
