from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..report.screen_document import Money


class LeadControlTotalsSum(models.TransientModel):
    """The totals of all days of one type and currency, ours and the platform's."""

    _name = "lead.control.totals.sum"
    _description = "Sum of Control Totals"
    _order = "id"
    _transient_max_hours = 24.0

    wizard_id = fields.Many2one(
        "lead.control.totals", required=True, index=True, ondelete="cascade"
    )
    transaction_type = fields.Selection(
        [
            ("sale", "Sales"),
            ("return", "Returns"),
            ("correction", "Price Corrections"),
        ],
        "Type",
    )
    currency_id = fields.Many2one("res.currency")
    transaction_count = fields.Integer("Recorded")
    amount = fields.Monetary("Amount Recorded")
    platform_count = fields.Integer("Platform")
    platform_amount = fields.Monetary()
    # Of the days that the platform's totals cover.
    count_difference = fields.Integer("Difference")
    amount_difference = fields.Monetary()
    is_different = fields.Boolean(compute="_compute_is_different")

    @api.depends("count_difference", "amount_difference")
    def _compute_is_different(self):
        for line in self:
            line.is_different = bool(line.count_difference) or not (
                line.currency_id.is_zero(line.amount_difference)
            )

    def action_view_sales(self):
        """Open the transactions behind this row."""
        self.ensure_one()
        self.check_access("read")
        self.wizard_id._check_shown()
        company = self.wizard_id.company_id
        first, last = self._get_days()
        domain = Domain(
            [
                ("company_id", "=", company.id),
                ("currency_id", "=", self.currency_id.id),
                ("date", ">=", company._get_lead_day_start(first)),
                ("date", "<", company._get_lead_day_start(last + timedelta(days=1))),
                # What was recorded since is not counted.
                ("create_date", "<=", self.wizard_id.shown_at),
            ]
        )
        if self.transaction_type == "correction":
            domain &= Domain("corrected_sale_id", "!=", False)
            # A price correction is two transactions, and one group.
            return self.env["lead.sale"]._get_view_action(
                domain, group_by=["corrected_sale_id"]
            )
        domain &= Domain("corrected_sale_id", "=", False)
        domain &= Domain("transaction_type", "=", self.transaction_type)
        return self.env["lead.sale"]._get_view_action(domain)

    def _get_days(self):
        """Return the first and the last day that this row counts."""
        return self.wizard_id.date_from, self.wizard_id.date_to

    def _get_cells(self, with_day):
        """Return this row of the table, for paper and workbook."""
        types = dict(self._fields["transaction_type"]._description_selection(self.env))
        cells = [self._get_days()[0]] if with_day else []
        cells += [
            self.currency_id.name,
            types[self.transaction_type],
            self.transaction_count,
            Money(self.amount, self.currency_id),
        ]
        return cells + self._get_platform_cells()

    def _get_platform_cells(self):
        if not self.wizard_id.is_compared:
            return []
        return [
            self.platform_count,
            Money(self.platform_amount, self.currency_id),
            self.count_difference,
            Money(self.amount_difference, self.currency_id),
        ]


class LeadControlTotalsLine(models.TransientModel):
    """The totals of one day, type and currency, ours and the platform's."""

    _name = "lead.control.totals.line"
    _description = "Control Total"
    _inherit = "lead.control.totals.sum"
    _order = "id"
    _transient_max_hours = 24.0

    day = fields.Date()
    is_covered = fields.Boolean(
        "Compared", help="The platform's totals cover this day."
    )
    count_difference = fields.Integer(compute="_compute_difference", store=True)
    amount_difference = fields.Monetary(compute="_compute_difference", store=True)

    @api.depends(
        "is_covered", "transaction_count", "amount", "platform_count", "platform_amount"
    )
    def _compute_difference(self):
        for line in self:
            count = line.platform_count - line.transaction_count
            amount = line.platform_amount - line.amount
            # A day that the platform did not give differs from nothing.
            line.count_difference = line.is_covered and count
            line.amount_difference = line.is_covered and amount

    def _get_days(self):
        return self.day, self.day

    def _get_platform_cells(self):
        cells = super()._get_platform_cells()
        return cells if self.is_covered else [None] * len(cells)
