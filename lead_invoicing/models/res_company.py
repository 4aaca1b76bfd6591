import math
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.local_time import get_zone, local_day
from ..tools.protected_fields import EngineGuard
from ..tools.windows import day_start, is_zone
from ..tools.zone_field import Zone

LEAD_DATA_MAX_MONTHS = 600
VOLUME_FACTOR_MAX = 1000
# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {
    "lead_data_erased_before",
    "lead_feed_is_silent",
    "lead_mail_tested_at",
}


class ResCompany(EngineGuard, models.Model):
    _inherit = "res.company"
    _lead_engine_fields = ENGINE_FIELDS

    lead_billing_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Default Billing Cycle",
        check_company=True,
        ondelete="restrict",
        help="Used for buyers without a cycle of their own. To leave a buyer out, give"
        " it a manual cycle.",
        groups="base.group_user",
    )
    lead_billing_start = fields.Date(
        help="Lead transactions before this day were billed elsewhere: they are"
        " recorded, but never invoiced here.",
        groups="base.group_user",
    )
    lead_tz = Zone(
        lambda self: self.env["lead.billing.cycle"]._tz_selection(),
        "Billing Time Zone",
        compute="_compute_lead_tz",
        inverse="_inverse_lead_tz",
        store=True,
        precompute=True,
        required=True,
        help="Unless a billing cycle says otherwise, days begin and end in this zone:"
        " for invoices created manually, control totals, what was unbilled as of a"
        " day, imported files, and new billing cycles.",
        groups="base.group_user",
    )
    lead_tz_confirmed = fields.Boolean(
        "Billing Time Zone Confirmed",
        help="A person chose or confirmed the billing time zone. Until then it is that"
        " of the default billing cycle, otherwise an administrator's, otherwise UTC.",
        groups="base.group_user",
    )
    lead_issue_zero = fields.Boolean(
        "Issue Zero Totals",
        default=True,
        help="Issue invoices with a zero total. When off, their transactions wait for"
        " the next invoice.",
        groups="base.group_user",
    )
    lead_return_policy = fields.Selection(
        [
            ("net", "Deduct from the next invoice"),
            ("credit_note", "Credit note of the original invoice"),
            (
                "credit_unpaid",
                "Credit note while the original is unpaid, otherwise deduct",
            ),
        ],
        "Returns of Invoiced Leads",
        required=True,
        default="credit_unpaid",
        groups="base.group_user",
    )
    lead_review_zero_price = fields.Boolean(
        "Hold Zero-Price Leads",
        help="Keep an invoice in draft when a lead on it costs nothing.",
        groups="base.group_user",
    )
    lead_review_same_lead = fields.Boolean(
        "Hold Leads Billed Twice",
        help="Keep an invoice in draft when a lead is on it twice, or has already been"
        " billed to this buyer.",
        groups="base.group_user",
    )
    lead_review_volume_factor = fields.Float(
        "Hold Unusual Volumes",
        help="Keep an invoice in draft when its leads or its amount exceed this many"
        " times the average of the buyer's recent billing periods. Enter 0 to disable.",
        groups="base.group_user",
    )
    lead_feed_is_silent = fields.Boolean(
        "Feed Is Silent",
        readonly=True,
        help="No lead transaction has come in for too long, and an activity was"
        " created for it.",
        groups="base.group_user",
    )

    lead_data_months = fields.Integer(
        "Months to Keep Lead Data",
        help="The personal data of leads sold more than this many months ago is"
        " permanently erased; the transactions and their money stay. Enter 0 to keep"
        " it indefinitely.",
        groups="base.group_user",
    )
    lead_data_erased_before = fields.Datetime(
        readonly=True,
        help="The lead data of everything sold before this moment has been erased.",
        groups="base.group_user",
    )

    @api.depends("lead_billing_cycle_id.tz")
    def _compute_lead_tz(self):
        for company in self:
            if not (company.lead_tz and company.lead_tz_confirmed):
                company.lead_tz = company._guess_lead_tz()

    def _inverse_lead_tz(self):
        # Whoever chooses a zone confirms it.
        self.lead_tz_confirmed = True

    @api.constrains("lead_data_months")
    def _check_lead_data_months(self):
        for company in self:
            if not 0 <= company.lead_data_months <= LEAD_DATA_MAX_MONTHS:
                raise ValidationError(
                    self.env._(
                        "Lead data can be kept for 1 to %s months, or 0 to keep it"
                        " indefinitely.",
                        LEAD_DATA_MAX_MONTHS,
                    )
                )

    @api.constrains("lead_review_volume_factor")
    def _check_lead_review_volume_factor(self):
        for company in self:
            factor = company.lead_review_volume_factor
            # Below one, what is usual would be kept, too; what is not a number is in
            # no range.
            if factor and not 1 <= factor <= VOLUME_FACTOR_MAX:
                raise ValidationError(
                    self.env._(
                        "To hold unusual volumes for review, enter a factor from 1 to"
                        " %s, such as 3 for three times the average, or 0 to turn this"
                        " check off.",
                        VOLUME_FACTOR_MAX,
                    )
                )

    def write(self, vals):
        """Look at all lead data again when they are kept for another time."""
        if "lead_data_months" in vals:
            # Who says how long data is kept has it looked at again.
            self.sudo().filtered(
                lambda company: company.lead_data_months != vals["lead_data_months"]
            ).lead_data_erased_before = False
        return super().write(vals)

    # Billing time zone

    def _guess_lead_tz(self, user=None):
        """Return the time zone that this company bills in, as far as can be told while
        nobody has confirmed one: that of its default cycle, of ``user``, of the first
        administrator who has one, else UTC.

        :param user: ``res.users`` who is asked to choose, if any
        :rtype: str
        """
        self.ensure_one()
        # Nothing of the administrators is told but a time zone.
        company = self.sudo()
        admins = company.env.ref("base.group_system").all_user_ids.sorted(
            lambda admin: (company not in admin.company_ids, admin.id)
        )
        zones = [
            company.lead_billing_cycle_id.tz,
            user and user.tz,
            *admins.mapped("tz"),
        ]
        return next((tz for tz in zones if is_zone(tz)), "UTC")

    def _propose_lead_tz(self):
        """Return the time zone to begin with where the user is about to choose one."""
        self.ensure_one()
        # Only the zone is told, which is no secret.
        company = self.sudo()
        if company.lead_tz_confirmed:
            return company.lead_tz
        return company._guess_lead_tz(self.env.user)

    def _get_lead_zone(self, tz=None):
        """Return the billing time zone of this company.

        :param str tz: what a person chose instead, if anything
        :rtype: zoneinfo.ZoneInfo
        :raises UserError: if the server does not know it
        """
        self.ensure_one()
        # The zone is no secret: who reads a day is told in which zone it is one.
        return get_zone(self.env, tz or self.sudo().lead_tz)

    def _get_lead_today(self):
        """Return which day it is now in the billing time zone."""
        # The zone is no secret.
        return local_day(self.env, fields.Datetime.now(), self.sudo().lead_tz)

    def _get_lead_day_start(self, day):
        """Return when a day begins in the billing time zone, as naive UTC."""
        return day_start(day, self._get_lead_zone())

    def _get_lead_billing_start(self):
        """Return the first instant that is billed here, as naive UTC, or None: what was
        sold before was billed elsewhere."""
        self.ensure_one()
        start = self.lead_billing_start
        return self._get_lead_day_start(start) if start else None

    # Lead data

    def _get_lead_data_cutoff(self):
        """Return the moment before which this company keeps no lead data, in naive
        UTC; None if it keeps all."""
        self.ensure_one()
        if not self.lead_data_months:
            return None
        return fields.Datetime.now() - relativedelta(months=self.lead_data_months)

    def _count_lead_days_left(self, cutoff):
        """Return how many days of leads there are to be looked at, before a moment in
        naive UTC; where nothing is known yet, one."""
        self.ensure_one()
        if not self.lead_data_erased_before:
            return 1
        left = cutoff - self.lead_data_erased_before
        return max(math.ceil(left / timedelta(days=1)), 0)
