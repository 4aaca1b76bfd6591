from odoo import api, fields, models
from odoo.tools import format_date

from ..report.screen_document import Money, ScreenDocument, ScreenTable
from ..tools.context_values import read_day, read_moment
from ..tools.local_time import local_day


class LeadUnbilledAsAtWizard(models.TransientModel):
    """Shows what was unbilled at the end of a day, as known at a moment."""

    _name = "lead.unbilled.as.at.wizard"
    _description = "Unbilled Leads as of a Date"
    _inherit = "lead.screen"
    _transient_max_hours = 24.0
    _screen = "unbilled-as-of"
    _screen_action = "lead_invoicing.action_lead_unbilled_as_at_wizard"
    _choices = ("as_at", "known_at")

    as_at = fields.Date(
        "As Of (End of Day)",
        required=True,
        default=lambda self: fields.Date.end_of(
            fields.Date.subtract(self.env.company._get_lead_today(), months=1), "month"
        ),
        help="Through the end of this day, in the company's billing time zone.",
    )
    known_at = fields.Datetime(
        "Based on Data Through",
        help="Leaves out what was recorded after this moment, to reproduce what a"
        " report showed then. Leave empty to use all data recorded so far.",
    )
    line_ids = fields.One2many(
        "lead.unbilled.as.at.wizard.line", "wizard_id", "Totals", readonly=True
    )

    @api.depends("as_at", "known_at", "shown_at")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = wizard._get_title()

    def action_view(self):
        """Open the list of what was unbilled, buyer by buyer."""
        self.ensure_one()
        self._check_shown()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_unbilled_as_at"
        )
        action["name"] = action["display_name"] = self._get_title()
        action["context"] = self._get_context()
        action["domain"] = [("company_id", "=", self.company_id.id)]
        return action

    def _get_context(self):
        """Return the context in which the reports tell what this screen shows."""
        return {
            "unbilled_as_at": fields.Date.to_string(self.as_at),
            "unbilled_known_at": fields.Datetime.to_string(self._get_known_at()),
        }

    def _get_known_at(self):
        """Return through when what is shown was known: at most when it was shown."""
        shown_at = self.shown_at or fields.Datetime.now()
        return min(self.known_at or shown_at, shown_at)

    def _get_title(self):
        if not self.as_at:
            return self.env._("Unbilled As Of")
        known = local_day(self.env, self._get_known_at(), self.tz)
        return self.env._(
            "Unbilled as of %(day)s (known %(known)s)",
            day=format_date(self.env, self.as_at, date_format="medium"),
            known=format_date(self.env, known, date_format="medium"),
        )

    # The screen

    def _get_report(self):
        """Return the report that tells what this screen shows, of its company alone."""
        return self.env["lead.unbilled.as.at"].with_context(
            **self._get_context(), allowed_company_ids=self.company_id.ids
        )

    def _fill(self):
        rows = self._get_report()._read_group(
            [],
            ["currency_id", "lead_type_id"],
            ["sale_count:sum", "amount:sum", "oldest_date:min"],
            order="currency_id, lead_type_id",
        )
        self.line_ids.unlink()
        self.line_ids.create(
            [
                {
                    "wizard_id": self.id,
                    "currency_id": currency.id,
                    "lead_type_id": lead_type.id,
                    "sale_count": count,
                    "amount": amount,
                    "oldest_date": oldest,
                }
                for currency, lead_type, count, amount, oldest in rows
            ]
        )

    def _get_link_params(self):
        return {
            "day": fields.Date.to_string(self.as_at),
            "known_at": fields.Datetime.to_string(self.known_at),
        }

    @api.model
    def _read_link_params(self, params):
        day = read_day(self.env, self.env._("As of"), params.get("day"))
        known_at = read_moment(
            self.env, self.env._("Based on data through"), params.get("known_at")
        )
        values = {"as_at": day, "known_at": known_at}
        return {name: value for name, value in values.items() if value}

    def _get_facts(self):
        facts = super()._get_facts()
        if self.known_at:
            facts.append(
                self.env._(
                    "What was recorded after %s is left out.",
                    self._format_moment(self.known_at),
                )
            )
        return facts

    def _prepare_document(self):
        return ScreenDocument(
            self.env,
            self._get_title(),
            self.company_id,
            self._get_facts(),
            [self._get_totals_table(), self._get_buyers_table()],
        )

    def _get_totals_table(self):
        return ScreenTable(
            self.env._("By Lead Type"),
            [
                self.env._("Currency"),
                self.env._("Lead Type"),
                self.env._("Transactions"),
                self.env._("Amount"),
            ],
            [
                [
                    line.currency_id.name,
                    line.lead_type_id.name,
                    line.sale_count,
                    Money(line.amount, line.currency_id),
                ]
                for line in self.line_ids
            ],
        )

    def _get_buyers_table(self):
        report = self._get_report()
        rows = report._read_group(
            [],
            ["partner_id", "lead_type_id", "currency_id", "age"],
            ["sale_count:sum", "amount:sum"],
        )
        ages = dict(report._fields["age"]._description_selection(self.env))
        return ScreenTable(
            self.env._("By Buyer"),
            [
                self.env._("Buyer"),
                self.env._("Lead Type"),
                self.env._("Age"),
                self.env._("Currency"),
                self.env._("Transactions"),
                self.env._("Amount"),
            ],
            [
                [
                    partner.display_name,
                    lead_type.name,
                    ages[age],
                    currency.name,
                    int(count),
                    Money(amount, currency),
                ]
                for partner, lead_type, currency, age, count, amount in rows
            ],
        )


class LeadUnbilledAsAtWizardLine(models.TransientModel):
    """What was unbilled of one lead type, in one currency."""

    _name = "lead.unbilled.as.at.wizard.line"
    _description = "Unbilled Leads of a Lead Type as of a Date"
    _order = "id"
    _transient_max_hours = 24.0

    wizard_id = fields.Many2one(
        "lead.unbilled.as.at.wizard", required=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one("res.currency")
    lead_type_id = fields.Many2one("lead.type")
    sale_count = fields.Integer("Transactions")
    amount = fields.Monetary()
    oldest_date = fields.Datetime("Oldest")

    def action_view_sales(self):
        """Open the transactions behind this row, as they were at that moment."""
        self.ensure_one()
        self.check_access("read")
        self.wizard_id._check_shown()
        return self.env["lead.sale"]._get_view_action(
            [
                ("company_id", "=", self.wizard_id.company_id.id),
                ("lead_type_id", "=", self.lead_type_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("was_unbilled", "=", True),
            ],
            **self.wizard_id._get_context(),
        )
