from collections import defaultdict
from urllib.parse import urlencode

from odoo import api, models
from odoo.tools import SQL, format_date, formatLang

from ..tools.local_time import last_instant, local_day


class AccountMove(models.Model):
    """What a buyer reads on a document, its mail and its page in the portal."""

    _inherit = "account.move"

    def _get_lead_report_url(self):
        """Return the address of the buyer's Invoicing Report for the days of this
        document, and its lead type where it has one only; empty for documents that no
        run made."""
        self.ensure_one()
        # A buyer who may see the document may see its period and its lead types.
        move = self.sudo()
        if not move.lead_run_id:
            return ""
        tz = move.lead_run_id.tz
        last = last_instant(move.lead_window_start, move.lead_window_end)
        lead_types = move.invoice_line_ids.lead_type_id
        params = {
            "lead_type_id": lead_types.id if len(lead_types) == 1 else "",
            "date_from": local_day(self.env, move.lead_window_start, tz),
            "date_to": local_day(self.env, last, tz),
        }
        return f"{self.get_base_url()}/my/invoicing-report?{urlencode(params)}"

    def _is_posted_for_leads(self):
        """Tell whether this is a posted document for leads, or the credit note of one:
        never a pro forma, as Odoo calls what was not emailed yet."""
        self.ensure_one()
        # A buyer who may see the document may see what it is for.
        move = self.sudo()
        documents = move | move.reversed_entry_id
        return move.state == "posted" and bool(documents.lead_run_id)

    def _get_invoice_proforma_pdf_report_filename(self):
        if self._is_posted_for_leads():
            return self._get_invoice_report_filename()
        return super()._get_invoice_proforma_pdf_report_filename()

    def _get_lead_payment_request(self):
        """Return what the mail asks for, in the language of the context; empty for
        what is not to be paid."""
        self.ensure_one()
        if self.move_type != "out_invoice" or self.state != "posted":
            return ""
        if not self.amount_residual:
            return ""
        due = format_date(self.env, self.invoice_date_due or self.invoice_date)
        if self.payment_reference:
            request = self.env._(
                "Please pay by %(date)s and include the reference %(reference)s.",
                date=due,
                reference=self.payment_reference,
            )
        else:
            request = self.env._("Please pay by %s.", due)
        settled = self.amount_total - self.amount_residual
        if self.currency_id.is_zero(settled):
            return request
        already = self.env._(
            "%(settled)s has already been applied to this invoice; %(rest)s remains"
            " due.",
            settled=formatLang(self.env, settled, currency_obj=self.currency_id),
            rest=formatLang(
                self.env, self.amount_residual, currency_obj=self.currency_id
            ),
        )
        return f"{already} {request}"

    def _notify_by_email_prepare_rendering_context(self, message, *args, **kwargs):
        context = super()._notify_by_email_prepare_rendering_context(
            message, *args, **kwargs
        )
        # Whoever writes about a document causes its mail, a buyer in the portal, too.
        if self.sudo().lead_run_id and self.payment_state == "partial":
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
        sign = move._get_lead_sign()
        summary = {}
        for line in move.invoice_line_ids.filtered("lead_type_id"):
            row = summary.setdefault(line.lead_type_id, self._new_lead_summary_row())
            self._add_to_lead_summary(
                row,
                line.lead_transaction_type,
                line.lead_count,
                sign * line._get_lead_amount(),
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
        if not lead_count:
            row["adjusted_amount"] += amount
        elif transaction_type == "sale":
            row["purchased"] += lead_count
            row["purchased_amount"] += amount
        else:
            row["returned"] += lead_count
            row["returned_amount"] += amount
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
                       count(*) FILTER (WHERE sale.price_adjustment IS NOT TRUE
                                          AND sale.corrected_sale_id IS NULL),
                       sum(sale.amount)
                  FROM account_move_line line
                  JOIN lead_sale sale ON sale.invoice_line_id = line.id
                 WHERE line.move_id = %s
                 GROUP BY line.lead_type_id, sale.partner_id, sale.transaction_type,
                       sale.price_adjustment, sale.corrected_sale_id IS NOT NULL
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
