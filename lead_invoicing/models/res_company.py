import math
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, plaintext2html

from ..tools.engine_fields import EngineGuard
from ..tools.windows import day_start, is_zone, to_wall
from ..tools.zone_field import Zone

FEED_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_feed"
LEAD_DATA_MAX_MONTHS = 600
# A year: later, nobody would know why.
SILENCE_MAX_HOURS = 8784
VOLUME_FACTOR_MAX = 1000
# What Lead Invoicing itself writes down; nobody else does.
ENGINE_FIELDS = {"lead_data_erased_before", "lead_feed_is_silent"}


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
        help="Where no billing cycle says otherwise, days begin and end in this zone:"
        " for invoices made manually, control totals, what was unbilled as of a day,"
        " imported files, and new billing cycles.",
        groups="base.group_user",
    )
    lead_tz_confirmed = fields.Boolean(
        "Billing Time Zone Confirmed",
        help="A person chose or confirmed the billing time zone. Until then it is that"
        " of the default billing cycle, else an administrator's, else UTC.",
        groups="base.group_user",
    )
    lead_issue_zero = fields.Boolean(
        "Issue Zero Totals",
        default=True,
        help="Issue invoices whose total is zero. When off, their transactions wait"
        " for the next invoice.",
        groups="base.group_user",
    )
    lead_return_policy = fields.Selection(
        [
            ("net", "Deduct from the next invoice"),
            ("credit_note", "Credit note of the original invoice"),
            ("credit_unpaid", "Credit note while the original is unpaid, else deduct"),
        ],
        "Returns of Invoiced Leads",
        required=True,
        default="credit_unpaid",
        groups="base.group_user",
    )
    lead_review_zero_price = fields.Boolean(
        "Review Prices of Zero",
        help="Keep an invoice in draft when a lead on it costs nothing.",
        groups="base.group_user",
    )
    lead_review_same_lead = fields.Boolean(
        "Review Leads Billed Twice",
        help="Keep an invoice in draft when a lead is on it twice, or was billed to"
        " this buyer before.",
        groups="base.group_user",
    )
    lead_review_volume_factor = fields.Float(
        "Review Volumes Above",
        help="Keep an invoice in draft when its leads or its amount are more than so"
        " many times the average of the buyer's last windows. 0: never.",
        groups="base.group_user",
    )
    lead_feed_silence_hours = fields.Integer(
        "Silent Feed After",
        help="Raise an activity when no lead transaction was recorded for so many"
        " hours. 0: never.",
        groups="base.group_user",
    )
    lead_feed_is_silent = fields.Boolean(
        "Feed Is Silent",
        readonly=True,
        help="No lead transaction has come in for too long, and an activity was raised"
        " for it.",
        groups="base.group_user",
    )

    lead_data_months = fields.Integer(
        "Months to Keep Lead Data",
        help="The personal data of leads that were sold more than so many months ago"
        " are erased, for good; the transactions and their money stay. 0: never.",
        groups="base.group_user",
    )
    lead_data_erased_before = fields.Datetime(
        readonly=True,
        help="The lead data of what was sold before are erased.",
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
                        "Lead data can be kept for 1 to %s months; with 0 they are"
                        " never erased by age.",
                        LEAD_DATA_MAX_MONTHS,
                    )
                )

    @api.constrains("lead_feed_silence_hours")
    def _check_lead_feed_silence_hours(self):
        for company in self:
            if not 0 <= company.lead_feed_silence_hours <= SILENCE_MAX_HOURS:
                raise ValidationError(
                    self.env._(
                        "A feed can be called silent after 1 to %s hours; with 0 it is"
                        " not watched.",
                        SILENCE_MAX_HOURS,
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
                        "To review unusual volumes, choose a factor from 1 to %s, such"
                        " as 3 for three times the average; or 0 to review none.",
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

    # ------------------------------------------------------------------
    # Billing time zone
    # ------------------------------------------------------------------

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
        :raise UserError: if the server does not know it
        """
        self.ensure_one()
        # The zone is no secret: who reads a day is told in which zone it is one.
        return self.env["lead.billing.cycle"]._get_zone(tz or self.sudo().lead_tz)

    def _get_lead_today(self):
        """Return which day it is now in the billing time zone."""
        return to_wall(fields.Datetime.now(), self._get_lead_zone()).date()

    def _get_lead_day_start(self, day):
        """Return when a day begins in the billing time zone, as naive UTC."""
        return day_start(day, self._get_lead_zone())

    # ------------------------------------------------------------------
    # Lead data
    # ------------------------------------------------------------------

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

    @api.model
    def _cron_watch_lead_feed(self):
        """Raise one activity for each company whose feed fell silent, and remove it
        when transactions come again. One that a person closed is not raised again for
        the same silence."""
        silent = self._search_silent_lead_feeds()
        told = self.search([("lead_feed_is_silent", "=", True)])
        for company in silent - told:
            company._tell_of_silent_lead_feed()
        over = told - silent
        over.partner_id.activity_unlink([FEED_ACTIVITY_TYPE])
        over.lead_feed_is_silent = False

    @api.model
    def _search_silent_lead_feeds(self):
        """Return the companies that recorded nothing for longer than they allow."""
        self.env["lead.sale"].flush_model(["company_id"])
        self.flush_model(["active", "lead_feed_silence_hours"])
        # For which companies was nothing recorded lately?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company.id
                  FROM res_company company
                 WHERE company.active AND company.lead_feed_silence_hours > 0
                   AND NOT EXISTS (
                       SELECT FROM lead_sale sale
                        WHERE sale.company_id = company.id
                          AND sale.create_date > %s - make_interval(
                              hours => company.lead_feed_silence_hours))
                """,
                fields.Datetime.now(),
            )
        )
        return self.browse([company_id for (company_id,) in rows])

    def _get_lead_responsible(self):
        """Return the user who looks after this company's billing."""
        self.ensure_one()
        user = self.lead_billing_cycle_id.user_id
        return user if user.active else self.env.ref("base.user_admin")

    def _tell_of_silent_lead_feed(self):
        """Raise the activity for whoever looks after this company's billing."""
        self.ensure_one()
        user = self._get_lead_responsible()
        # The scheduled action itself has no language.
        self = self.with_context(lang=user.lang)
        # Quietly: the list of activities tells.
        self.partner_id.with_context(mail_activity_quick_update=True).activity_schedule(
            FEED_ACTIVITY_TYPE,
            summary=self.env._("No lead transactions are coming in"),
            note=plaintext2html(
                self.env._(
                    "%(company)s recorded no lead transaction for %(hours)s hours or"
                    " longer. Ask the platform whether it still sends them; nothing is"
                    " lost when it sends them later.",
                    company=self.name,
                    hours=self.lead_feed_silence_hours,
                )
            ),
            user_id=user.id,
        )
        self.lead_feed_is_silent = True
