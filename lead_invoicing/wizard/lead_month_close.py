from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, date_utils, format_date

from ..report.lead_sale_close import CLOSE_FIGURES, CLOSE_SIGNS
from ..report.screen_document import Money, ScreenDocument, ScreenTable

# How many months back one can be chosen, this one included.
MONTHS = 60
# The two transactions of a price correction, beside each other.
GROUP_CORRECTIONS = {"group_by": ["corrected_sale_id"]}
_SIGNS = {1: "+", -1: "\N{MINUS SIGN}"}


class LeadMonthClose(models.TransientModel):
    """The month-end close: what became of the leads in a month, in the company's
    billing time zone, beside the month before and the platform's own totals."""

    _name = "lead.month.close"
    _description = "Month-End Close"
    _inherit = "lead.screen"
    _transient_max_hours = 24.0
    _screen = "month-close"
    _screen_action = "lead_invoicing.action_lead_month_close"
    _choices = ("month", "platform_text", "platform_file")

    month = fields.Selection(
        lambda self: self._get_months(),
        required=True,
        default=lambda self: self._get_months()[1][0],
    )
    date_from = fields.Date("First Day", compute="_compute_days")
    date_to = fields.Date("Last Day", compute="_compute_days")
    total_ids = fields.One2many(
        "lead.month.close.total", "close_id", "Reconciliation", readonly=True
    )
    line_ids = fields.One2many(
        "lead.month.close.line", "close_id", "Figures", readonly=True
    )
    control_id = fields.Many2one("lead.control.totals", readonly=True)
    # Read as the user: another user's comparison is not told.
    control_sum_ids = fields.One2many(related="control_id.sum_ids", related_sudo=False)
    is_compared = fields.Boolean(related="control_id.is_compared", related_sudo=False)
    difference_count = fields.Integer(
        related="control_id.difference_count", related_sudo=False
    )
    coverage = fields.Char(related="control_id.coverage", related_sudo=False)
    platform_text = fields.Text(
        "Platform's Totals",
        help="CSV with the columns day,type,currency,count,amount. Amounts of returns"
        " are negative.",
    )
    platform_file = fields.Binary("File", attachment=False)
    platform_filename = fields.Char()

    @api.model
    def _get_months(self):
        """Return the months that can be chosen, this one first."""
        today = self.env.company._get_lead_today()
        days = [
            fields.Date.subtract(today, months=number).replace(day=1)
            for number in range(MONTHS)
        ]
        return [(f"{day:%Y-%m}", self._format_month(day)) for day in days]

    @api.model
    def _format_month(self, day):
        return format_date(self.env, day, date_format="MMMM yyyy")

    @api.depends("month")
    def _compute_days(self):
        for close in self:
            day = close.month and fields.Date.to_date(f"{close.month}-01")
            days = date_utils.get_month(day) if day else (False, False)
            close.date_from, close.date_to = days

    @api.depends("month")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for close in self:
            close.display_name = close._get_title()

    def _get_title(self):
        if not self.date_from:
            return self.env._("Month-End Close")
        return self.env._("Month-End Close %s", self._format_month(self.date_from))

    # Actions

    def action_view_by_lead_type(self):
        """Open the figures of each lead type."""
        return self._get_lines_action("lead_type_id")

    def action_view_by_buyer(self):
        """Open the figures of each buyer."""
        return self._get_lines_action("partner_id")

    def action_view_differences(self):
        """Open the figures that differ from those of the month before."""
        return self._get_lines_action("partner_id", search_default_different=1)

    def _get_lines_action(self, group, **context):
        self.ensure_one()
        self._check_shown()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_month_close_line"
        )
        action["name"] = action["display_name"] = self._get_title()
        action["domain"] = [("close_id", "=", self.id)]
        # Figures are not added up, nor are currencies.
        groups = ["figure", "currency_id", group]
        if len(self.total_ids.currency_id) < 2:
            groups.remove("currency_id")
        action["context"] = {"group_by": groups, **context}
        return action

    def action_view_days(self):
        """Open the control totals of the month, day by day: those that differ, where
        any do."""
        self.ensure_one()
        self._check_shown()
        self.control_id.only_differences = bool(self.difference_count)
        return self.control_id._get_screen_action()

    # The screen

    def _fill(self):
        self._fill_lines()
        self._fill_totals()
        self._fill_control()

    def _fill_lines(self):
        self.env.flush_all()
        # Forget the figures of before: they can be very many.
        self.env.cr.execute(
            SQL("DELETE FROM lead_month_close_line WHERE close_id = %s", self.id)
        )
        ledger = self.env["lead.sale"]
        month_before = self.date_from - timedelta(days=1)
        # What are the figures of the month and of the month before?
        self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_month_close_line
                    (close_id, partner_id, lead_type_id, currency_id, figure,
                     sale_count, amount, previous_count, previous_amount, change,
                     is_different, create_uid, create_date)
                SELECT %(close)s, partner_id, lead_type_id, currency_id, figure,
                       sum(sale_count), sum(amount), sum(previous_count),
                       sum(previous_amount), sum(amount) - sum(previous_amount),
                       sum(sale_count) != sum(previous_count)
                       OR sum(amount) != sum(previous_amount), %(uid)s, %(now)s
                  FROM (SELECT partner_id, lead_type_id, currency_id, figure,
                               sale_count, amount, 0 AS previous_count,
                               0 AS previous_amount
                          FROM (%(month)s) this_month
                         UNION ALL
                        SELECT partner_id, lead_type_id, currency_id, figure, 0, 0,
                               sale_count, amount
                          FROM (%(month_before)s) month_before) months
                 GROUP BY partner_id, lead_type_id, currency_id, figure
                """,
                close=self.id,
                uid=self.env.uid,
                now=self.env.cr.now(),
                month=ledger._get_close_sql(self.date_from, self.shown_at),
                month_before=ledger._get_close_sql(month_before, self.shown_at),
            )
        )
        self.env["lead.month.close.line"].invalidate_model()
        self.invalidate_recordset(["line_ids"])

    def _fill_totals(self):
        """Add up each figure for each currency, so that the reader can follow how the
        month goes from its start to its end."""
        rows = {
            (currency, figure): sums
            for currency, figure, *sums in self.env[
                "lead.month.close.line"
            ]._read_group(
                [("close_id", "=", self.id)],
                ["currency_id", "figure"],
                [
                    "sale_count:sum",
                    "amount:sum",
                    "previous_count:sum",
                    "previous_amount:sum",
                ],
            )
        }
        currencies = {currency: None for currency, _figure in rows}
        self.total_ids.unlink()
        self.total_ids.create(
            [
                self._prepare_total_vals(currency, figure, rows.get((currency, figure)))
                for currency in sorted(currencies, key=lambda currency: currency.name)
                for figure, _label in CLOSE_FIGURES
            ]
        )

    def _prepare_total_vals(self, currency, figure, sums):
        count, amount, previous_count, previous_amount = sums or (0, 0.0, 0, 0.0)
        return {
            "close_id": self.id,
            "currency_id": currency.id,
            "figure": figure,
            "sale_count": count,
            "amount": amount,
            "previous_count": previous_count,
            "previous_amount": previous_amount,
        }

    def _fill_control(self):
        """Compare with the platform's own totals, where they are given."""
        self.control_id.unlink()
        self.control_id = self.env["lead.control.totals"].create(
            {
                "company_id": self.company_id.id,
                "date_from": self.date_from,
                "date_to": self.date_to,
                "platform_text": self.platform_text,
                "platform_file": self.platform_file,
                "platform_filename": self.platform_filename,
            }
        )
        self.control_id.action_show()

    def _get_link_params(self):
        return {"month": self.month}

    @api.model
    def _read_link_params(self, params):
        month = params.get("month")
        if not month:
            return {}
        if month not in dict(self._get_months()):
            raise UserError(
                self.env._("Choose one of the last %s months, such as 2026-01.", MONTHS)
            )
        return {"month": month}

    def _prepare_document(self):
        return ScreenDocument(
            self.env,
            self._get_title(),
            self.company_id,
            self._get_facts(),
            [
                self._get_totals_table(),
                self.control_id._get_table(
                    self.env._("Control Totals"), self.control_sum_ids
                ),
                self._get_matrix(self.env._("By Lead Type"), "lead_type_id"),
                self._get_matrix(self.env._("By Buyer"), "partner_id"),
            ],
        )

    def _get_totals_table(self):
        return ScreenTable(
            self.env._("Reconciliation"),
            [
                self.env._("Currency"),
                "",
                self.env._("Figure"),
                self.env._("Transactions"),
                self.env._("Amount"),
                self.env._("Month Before"),
                self.env._("Change"),
            ],
            [total._get_cells() for total in self.total_ids],
        )

    def _get_matrix(self, title, group):
        """Return the table of the figures by buyer or lead type: a column for each."""
        matrix = {}
        for record, currency, figure, amount in self.env[
            "lead.month.close.line"
        ]._read_group(
            [("close_id", "=", self.id)],
            [group, "currency_id", "figure"],
            ["amount:sum"],
        ):
            matrix.setdefault((record, currency), {})[figure] = amount
        figures = self.env["lead.sale"]._fields["close_figure"]
        labels = dict(figures._description_selection(self.env))
        label = self.env["lead.month.close.line"]._fields[group]
        return ScreenTable(
            title,
            [
                label._description_string(self.env),
                self.env._("Currency"),
                *labels.values(),
            ],
            [
                [
                    record.display_name,
                    currency.name,
                    *(Money(amounts.get(name, 0.0), currency) for name in labels),
                ]
                for (record, currency), amounts in matrix.items()
            ],
        )


class LeadMonthCloseTotal(models.TransientModel):
    """A figure of a month-end close in one currency."""

    _name = "lead.month.close.total"
    _description = "Figure of the Month-End Close"
    _order = "id"
    _transient_max_hours = 24.0

    close_id = fields.Many2one(
        "lead.month.close", required=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency")
    figure = fields.Selection(CLOSE_FIGURES)
    sign = fields.Char("How It Adds Up", compute="_compute_sign")
    sale_count = fields.Integer("Transactions")
    amount = fields.Monetary()
    previous_count = fields.Integer("Transactions the Month Before")
    previous_amount = fields.Monetary("Month Before")
    change = fields.Monetary(compute="_compute_change", store=True)

    @api.depends("figure")
    def _compute_sign(self):
        for total in self:
            sign = _SIGNS.get(CLOSE_SIGNS.get(total.figure), "")
            if total.figure == "closing":
                sign = "="
            total.sign = "" if total.figure == "opening" else sign

    @api.depends("amount", "previous_amount")
    def _compute_change(self):
        for total in self:
            total.change = total.amount - total.previous_amount

    def action_view_sales(self):
        """Open the transactions that this figure counts."""
        self.ensure_one()
        return self._get_sales_action(self.close_id.date_from)

    def action_view_previous_sales(self):
        """Open the transactions that this figure counted the month before."""
        self.ensure_one()
        month_before = fields.Date.subtract(self.close_id.date_from, months=1)
        return self._get_sales_action(month_before)

    def _get_sales_action(self, month):
        """Return the action that opens the transactions of this figure.

        :param date month: its first day
        """
        self.check_access("read")
        close = self.close_id
        close._check_shown()
        action = self.env["lead.sale"]._get_view_action(
            [
                ("company_id", "=", close.company_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("close_figure", "=", self.figure),
                *self._get_sales_domain(),
            ],
            lead_close_month=fields.Date.to_string(month),
            lead_close_known_at=fields.Datetime.to_string(close.shown_at),
            # A price correction is two transactions, and one group.
            **(GROUP_CORRECTIONS if self.figure == "corrected" else {}),
        )
        name = self.env._(
            "%(figure)s, %(month)s",
            figure=self._get_figure_label(),
            month=close._format_month(month),
        )
        return {**action, "name": name, "display_name": name}

    def _get_figure_label(self):
        return dict(self._fields["figure"]._description_selection(self.env))[
            self.figure
        ]

    def _get_sales_domain(self):
        """Return what else the transactions of this figure have in common."""
        return []

    def _get_cells(self):
        """Return this row of the table, for paper and workbook."""
        currency = self.currency_id
        return [
            currency.name,
            self.sign,
            self._get_figure_label(),
            self.sale_count,
            Money(self.amount, currency),
            Money(self.previous_amount, currency),
            Money(self.change, currency),
        ]
