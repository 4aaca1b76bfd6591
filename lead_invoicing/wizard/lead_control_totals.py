import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..recording.control_totals import TYPES, ControlTotalsReader

# Beyond, a list of errors is no help.
MAX_ERRORS = 20


class LeadControlTotals(models.TransientModel):
    """Shows what was recorded per day, beside what the platform counted itself."""

    _name = "lead.control.totals"
    _description = "Control Totals"

    date_from = fields.Date(
        "From", required=True, default=lambda self: self._default_date(7)
    )
    date_to = fields.Date(
        "To", required=True, default=lambda self: self._default_date(1)
    )
    tz = fields.Char(
        "Days In", compute="_compute_tz", help="Days begin and end in this time zone."
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
    is_shown = fields.Boolean(readonly=True)
    is_compared = fields.Boolean(readonly=True)
    difference_count = fields.Integer(compute="_compute_difference_count")

    @api.model
    def _default_date(self, days):
        # Not today: it is not over.
        return self.env.company._get_lead_today() - timedelta(days=days)

    @api.depends("date_from")
    def _compute_tz(self):
        self.tz = self.env.company._get_lead_zone().key

    @api.depends("line_ids.is_different")
    def _compute_difference_count(self):
        for wizard in self:
            wizard.difference_count = len(wizard.line_ids.filtered("is_different"))

    @api.onchange("date_from", "date_to", "platform_text", "platform_file")
    def _onchange_selection(self):
        self.is_shown = False

    def action_compare(self):
        """Show the totals, beside those of the platform where they are given.

        :raises UserError: naming each row and field of the platform's that is wrong
        """
        self.ensure_one()
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
        self.line_ids.unlink()
        self.env["lead.control.totals.line"].create(
            [
                self._prepare_line_vals(key, totals.get(key), platform.get(key))
                for key in sorted(
                    totals.keys() | platform.keys(),
                    key=lambda key: (key[0], TYPES.index(key[1]), key[2].name),
                )
            ]
        )
        self.write({"is_shown": True, "is_compared": bool(platform)})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Control Totals"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
            "context": {"dialog_size": "extra-large"},
        }

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

    def _prepare_line_vals(self, key, own, platform):
        """Return the values of the line for one day, type and currency."""
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
        }


class LeadControlTotalsLine(models.TransientModel):
    """The totals of one day, type and currency, ours and the platform's."""

    _name = "lead.control.totals.line"
    _description = "Control Total"
    _order = "id"

    wizard_id = fields.Many2one(
        "lead.control.totals", required=True, index=True, ondelete="cascade"
    )
    day = fields.Date()
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
    count_difference = fields.Integer("Difference", compute="_compute_difference")
    amount_difference = fields.Monetary(compute="_compute_difference")
    is_different = fields.Boolean(compute="_compute_difference")

    @api.depends(
        "transaction_count",
        "amount",
        "platform_count",
        "platform_amount",
        "wizard_id.is_compared",
    )
    def _compute_difference(self):
        for line in self:
            line.count_difference = line.platform_count - line.transaction_count
            line.amount_difference = line.platform_amount - line.amount
            line.is_different = line.wizard_id.is_compared and bool(
                line.count_difference
                or line.currency_id.compare_amounts(line.platform_amount, line.amount)
            )
