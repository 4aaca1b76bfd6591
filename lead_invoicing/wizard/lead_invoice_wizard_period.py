from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.local_time import format_window

_DAYS = {"date_from", "date_to"}


class LeadInvoiceWizard(models.TransientModel):
    """Invoice a month or a billing period by one click, with or without returns."""

    _inherit = "lead.invoice.wizard"

    period = fields.Selection(
        [
            ("days", "Days I choose"),
            ("month", "Last month"),
            ("window", "Last billing period"),
        ],
        required=True,
        default="days",
    )
    window_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle",
        compute="_compute_window",
        help="The cycle that all these buyers have; without buyers, the company's"
        " default one.",
    )
    window_label = fields.Char("Billing Period", compute="_compute_window")
    with_returns = fields.Boolean(
        default=True, help="When off, returns wait for the next invoice."
    )

    @api.depends("partner_ids", "company_id", "period")
    @api.depends_context("lang")
    def _compute_window(self):
        for wizard in self:
            cycle = wizard._get_window_cycle()
            wizard.window_cycle_id = cycle
            window = bool(cycle) and cycle._get_window(fields.Datetime.now())
            wizard.window_label = window and format_window(self.env, *window, cycle.tz)

    def _get_window_cycle(self):
        """Return the cycle whose last billing period is meant: that of all the chosen
        buyers, or none where they have several."""
        self.ensure_one()
        buyers = self.partner_ids.commercial_partner_id.with_company(self.company_id)
        if not buyers:
            return self.company_id.lead_billing_cycle_id
        cycles = {buyer._get_lead_billing_cycle() for buyer in buyers}
        return cycles.pop() if len(cycles) == 1 else self.env["lead.billing.cycle"]

    @api.model_create_multi
    def create(self, vals_list):
        """Know the days of the last month also where no form has set them."""
        wizards = super().create(vals_list)
        for wizard, vals in zip(wizards, vals_list, strict=True):
            if not _DAYS & vals.keys():
                wizard._set_days_of_month()
        return wizards

    def write(self, vals):
        """Set the days of the last month where only the period is chosen."""
        result = super().write(vals)
        if "period" in vals and not _DAYS & vals.keys():
            for wizard in self:
                wizard._set_days_of_month()
        return result

    @api.onchange("period", "partner_ids")
    def _onchange_period(self):
        self._set_days_of_month()

    def _set_days_of_month(self):
        if self.period == "month":
            month = fields.Date.subtract(self.company_id._get_lead_today(), months=1)
            self.date_from = fields.Date.start_of(month, "month")
            self.date_to = fields.Date.end_of(month, "month")

    @api.onchange("period", "with_returns")
    def _onchange_what(self):
        self.is_previewed = False

    def _check_selection(self):
        """Refuse a billing period that is none.

        :raises UserError: for buyers without a cycle that they share
        """
        if self.period == "window" and not self.window_label:
            raise UserError(
                self.env._(
                    "These buyers do not share a billing cycle with a schedule. Choose"
                    " days instead, or buyers of one cycle."
                )
            )
        return super()._check_selection()

    def _prepare_run_vals(self):
        vals = super()._prepare_run_vals()
        vals["without_returns"] = not self.with_returns
        if self.period == "window":
            cycle = self.window_cycle_id
            start, end = cycle._get_window(fields.Datetime.now())
            vals.update(
                window_start=start, window_end=end, include_earlier=False, tz=cycle.tz
            )
        return vals
