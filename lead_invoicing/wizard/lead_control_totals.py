import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..recording.control_totals import TYPES, ControlTotalsReader
from ..report.screen_document import ScreenDocument, ScreenTable
from ..tools.context_values import read_day

# Beyond, a list of errors is no help.
MAX_ERRORS = 20


class LeadControlTotals(models.TransientModel):
    """Shows what was recorded per day, beside what the platform counted itself."""

    _name = "lead.control.totals"
    _description = "Control Totals"
    _inherit = "lead.screen"
    _transient_max_hours = 24.0
    _screen = "control-totals"
    _screen_action = "lead_invoicing.action_lead_control_totals"
    _choices = ("date_from", "date_to", "platform_text", "platform_file")

    date_from = fields.Date(
        "From", required=True, default=lambda self: self._default_date(7)
    )
    date_to = fields.Date(
        "To", required=True, default=lambda self: self._default_date(1)
    )
    platform_text = fields.Text(
        "Platform's Totals",
        help="CSV with the columns day,type,currency,count,amount. Amounts of returns"
        " are negative.",
    )
    platform_file = fields.Binary("File", attachment=False)
    platform_filename = fields.Char()
    line_ids = fields.One2many(
        "lead.control.totals.line", "wizard_id", "Totals", readonly=True
    )
    sum_ids = fields.One2many(
        "lead.control.totals.sum", "wizard_id", "Sums", readonly=True
    )
    only_differences = fields.Boolean(
        help="List only the days on which the platform counted something else."
    )
    shown_line_ids = fields.Many2many(
        "lead.control.totals.line", compute="_compute_shown_line_ids", string="Days"
    )
    is_compared = fields.Boolean(readonly=True)
    difference_count = fields.Integer(compute="_compute_difference_count")
    coverage = fields.Char(
        compute="_compute_coverage", help="Which days were compared, if not all."
    )

    @api.model
    def _default_date(self, days):
        # Not today: it is not over.
        return self.env.company._get_lead_today() - timedelta(days=days)

    @api.depends("date_from", "date_to")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = wizard._get_title()

    @api.depends("line_ids.is_different")
    def _compute_difference_count(self):
        for wizard in self:
            wizard.difference_count = len(wizard.line_ids.filtered("is_different"))

    @api.depends("line_ids.is_covered")
    @api.depends_context("lang")
    def _compute_coverage(self):
        for wizard in self:
            covered = wizard.line_ids.filtered("is_covered")
            if not covered or covered == wizard.line_ids:
                wizard.coverage = False
                continue
            days = covered.mapped("day")
            wizard.coverage = wizard.env._(
                "Compared from %(first)s through %(last)s, the days that the"
                " platform's totals cover. Recorded amounts are of all days.",
                first=format_date(wizard.env, min(days), date_format="medium"),
                last=format_date(wizard.env, max(days), date_format="medium"),
            )

    @api.depends("line_ids.is_different", "only_differences")
    def _compute_shown_line_ids(self):
        for wizard in self:
            lines = wizard.line_ids
            if wizard.only_differences:
                lines = lines.filtered("is_different")
            wizard.shown_line_ids = lines

    def _get_title(self):
        if not (self.date_from and self.date_to):
            return self.env._("Control Totals")
        return self.env._(
            "Control Totals %(first)s through %(last)s",
            first=format_date(self.env, self.date_from, date_format="medium"),
            last=format_date(self.env, self.date_to, date_format="medium"),
        )

    def _fill(self):
        own = self.env["lead.sale"].control_totals(self.date_from, self.date_to)
        currencies = {
            currency.name: currency
            for currency in self.env["res.currency"]
            .with_context(active_test=False)
            .search([])
        }
        platform = self._read_platform_totals(currencies)
        totals = {
            (
                fields.Date.to_date(row["day"]),
                row["type"],
                currencies[row["currency"]],
            ): (row["count"], row["amount"])
            for row in own
        }
        days = [day for day, _type, _currency in platform]
        covered = (min(days), max(days)) if days else None
        self.line_ids.unlink()
        self.line_ids.create(
            [
                self._prepare_line_vals(
                    key, totals.get(key), platform.get(key), covered
                )
                for key in sorted(
                    totals.keys() | platform.keys(),
                    key=lambda key: (key[0], TYPES.index(key[1]), key[2].name),
                )
            ]
        )
        self.is_compared = bool(platform)
        self._fill_sums()

    def _fill_sums(self):
        """Add up the days of each type and currency; beside the platform, those only
        that it covers."""
        self.sum_ids.unlink()
        groups = self.line_ids.grouped(
            lambda line: (line.currency_id, line.transaction_type)
        )
        self.sum_ids.create(
            [
                {
                    "wizard_id": self.id,
                    "currency_id": currency.id,
                    "transaction_type": transaction_type,
                    **{
                        name: sum(lines.mapped(name))
                        for name in (
                            "transaction_count",
                            "amount",
                            "platform_count",
                            "platform_amount",
                            "count_difference",
                            "amount_difference",
                        )
                    },
                }
                for (currency, transaction_type), lines in sorted(
                    groups.items(),
                    key=lambda group: (group[0][0].name, TYPES.index(group[0][1])),
                )
            ]
        )

    def _read_platform_totals(self, currencies):
        """Return what the platform counted, as {(day, type, currency): (count,
        amount)}; empty when nothing is given.

        :raises UserError: naming each row and field that is wrong
        """
        text = self._get_platform_text()
        if not text:
            return {}
        reader = ControlTotalsReader(self.env, self.date_from, self.date_to, currencies)
        reader.read_csv(text)
        if reader.errors:
            errors = reader.errors[:MAX_ERRORS]
            if len(reader.errors) > MAX_ERRORS:
                errors.append(
                    self.env._("And %s more rows.", len(reader.errors) - MAX_ERRORS)
                )
            raise UserError(
                "\n".join(
                    [self.env._("The platform's totals cannot be read."), *errors]
                )
            )
        return reader.totals

    def _get_platform_text(self):
        """Return the platform's totals as pasted or uploaded.

        :raises UserError: when there are both, or for a file that is no text
        """
        pasted = (self.platform_text or "").strip()
        if not self.platform_file:
            return pasted
        if pasted:
            raise UserError(
                self.env._("Paste the platform's totals or upload a file, not both.")
            )
        try:
            content = b"".join(self.platform_file.split())
            content = base64.b64decode(content, validate=True)
            return content.decode("utf-8-sig").strip()
        except ValueError:
            # Neither is what is no base64 at all.
            raise UserError(
                self.env._("The file is not UTF-8 text: save it as CSV in UTF-8.")
            ) from None

    def _prepare_line_vals(self, key, own, platform, covered):
        """Return the values of the line for one day, type and currency.

        :param covered: the first and the last day that the platform gave, if any
        """
        day, transaction_type, currency = key
        count, amount = own or (0, 0.0)
        platform_count, platform_amount = platform or (0, 0.0)
        return {
            "wizard_id": self.id,
            "day": day,
            "transaction_type": transaction_type,
            "currency_id": currency.id,
            "transaction_count": count,
            "amount": amount,
            "platform_count": platform_count,
            "platform_amount": float(platform_amount),
            "is_covered": bool(covered) and covered[0] <= day <= covered[1],
        }

    def _get_link_params(self):
        return {
            "from": fields.Date.to_string(self.date_from),
            "to": fields.Date.to_string(self.date_to),
        }

    @api.model
    def _read_link_params(self, params):
        first = read_day(self.env, self.env._("From"), params.get("from"))
        last = read_day(self.env, self.env._("To"), params.get("to"))
        values = {"date_from": first, "date_to": last}
        return {name: value for name, value in values.items() if value}

    def _prepare_document(self):
        return ScreenDocument(
            self.env,
            self._get_title(),
            self.company_id,
            self._get_facts(),
            [
                self._get_table(self.env._("Totals"), self.sum_ids),
                self._get_table(
                    self.env._("By Day"), self.shown_line_ids, with_day=True
                ),
            ],
        )

    def _get_table(self, title, lines, with_day=False):
        """Return the table of sums, or of days, for paper and workbook."""
        labels = [
            self.env._("Currency"),
            self.env._("Type"),
            self.env._("Recorded"),
            self.env._("Amount Recorded"),
        ]
        if self.is_compared:
            labels += [
                self.env._("Platform"),
                self.env._("Platform Amount"),
                self.env._("Difference"),
                self.env._("Amount Difference"),
            ]
        if with_day:
            labels.insert(0, self.env._("Day"))
        return ScreenTable(
            title,
            labels,
            [line._get_cells(with_day) for line in lines],
            # Days that were not compared have blanks: they tell it themselves.
            note="" if with_day else self.coverage or "",
        )
