from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .lead_unbilled import UNBILLED_REASONS, flush_depends


class LeadSale(models.Model):
    """What the reports on unbilled leads say of each transaction."""

    _inherit = "lead.sale"

    was_unbilled = fields.Boolean(
        compute="_compute_was_unbilled",
        search="_search_was_unbilled",
        groups="lead_invoicing.group_user",
        help="Unbilled at the end of the day, based on the data through the moment,"
        " that the context has as unbilled_as_at and unbilled_known_at.",
    )

    unbilled_reason = fields.Selection(
        UNBILLED_REASONS,
        "Reason for Waiting",
        compute="_compute_unbilled_reason",
        search="_search_unbilled_reason",
        groups="lead_invoicing.group_user",
    )

    @api.depends("waived", "invoice_line_id", "commercial_partner_id", "date")
    def _compute_unbilled_reason(self):
        reasons = {}
        if self.ids:
            flush_depends(self.env["lead.unbilled"])
            # Why does each of these transactions wait?
            reasons = dict(
                self.env.execute_query(
                    SQL(
                        "SELECT id, reason FROM (%s) waiting WHERE id IN %s",
                        self.env["lead.unbilled"]._get_transactions_sql(
                            self.company_id, self.commercial_partner_id
                        ),
                        tuple(self.ids),
                    )
                )
            )
        for sale in self:
            sale.unbilled_reason = reasons.get(sale.id, False)

    @api.model
    def _search_unbilled_reason(self, operator, value):
        if operator != "in":
            return NotImplemented
        unbilled = self.env["lead.unbilled"]
        flush_depends(unbilled)
        waiting = SQL(
            "(SELECT id FROM (%s) waiting WHERE reason = ANY(%s))",
            unbilled._get_transactions_sql(self.env.companies),
            [reason for reason in value if reason],
        )
        found = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN %s", SQL.identifier(alias, "id"), waiting
            )
        )
        if False in value:
            # Without a reason are those that do not wait at all.
            found |= Domain("billing_state", "!=", "unbilled")
        return found

    @api.depends_context("unbilled_as_at", "unbilled_known_at", "allowed_company_ids")
    def _compute_was_unbilled(self):
        unbilled = self.search([("id", "in", self.ids), ("was_unbilled", "=", True)])
        for sale in self:
            sale.was_unbilled = sale in unbilled

    @api.model
    def _search_was_unbilled(self, operator, value):
        if operator != "in":
            return NotImplemented
        report = self.env["lead.unbilled.as.at"]
        flush_depends(report)
        unbilled = report._get_transactions_sql(*report._get_moments())
        found = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN (SELECT id FROM (%s) unbilled)",
                SQL.identifier(alias, "id"),
                unbilled,
            )
        )
        return found if True in value else ~found

    @api.model
    def _read_unbilled_as_at(self, as_at, known_at=None):
        """Return what was unbilled at the end of a past day, in the current companies.

        A transaction counts when

        - its date is before the end of that day, in its company's billing time zone;
        - it was recorded by ``known_at``;
        - it was not waived, as was decided by ``known_at``;
        - it was in no books of that day: on no document whose accounting date is that
          day or before, and that was posted at ``known_at``. One that has left a
          reversed document, when a manager released it or it was invoiced again, was
          in the books until that day.

        The answer for a moment that is over stays the same for ever, whatever becomes
        of the transactions and their documents; what was still being written at that
        moment belongs to it. It changes with the time zone of the day; and where a
        manager deletes a transaction that was never billed, as if it had not been
        recorded.

        :param date as_at: the day
        :param datetime known_at: naive UTC; by default all that is known now
        :return: a list of dicts for each company, billed buyer, lead type, currency
            and age at that moment: ``company_id``, ``partner_id``, ``lead_type_id``,
            ``currency_id``, ``age``, ``sale_count``, ``amount``, ``oldest_date``
        :rtype: list[dict]
        """
        self.check_access("read")
        report = self.env["lead.unbilled.as.at"]
        flush_depends(report)
        return self.env.execute_query_dict(report._get_sql(as_at, known_at))
