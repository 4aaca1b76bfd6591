from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

# A year: later, nobody would know why.
SILENCE_MAX_HOURS = 8784
FEED_ACTIVITY_TYPE = "lead_invoicing.mail_activity_type_lead_feed"


class ResCompany(models.Model):
    """Notice when the platform has stopped sending transactions."""

    _inherit = "res.company"

    lead_feed_silence_hours = fields.Integer(
        "Alert When Feed Is Silent For (Hours)",
        help="Create an activity when no lead transaction has been recorded for this"
        " many hours. Enter 0 to disable.",
        groups="base.group_user",
    )

    @api.constrains("lead_feed_silence_hours")
    def _check_lead_feed_silence_hours(self):
        for company in self:
            if not 0 <= company.lead_feed_silence_hours <= SILENCE_MAX_HOURS:
                raise ValidationError(
                    self.env._(
                        "The silence of a feed must be from 1 to %s hours, or 0 to"
                        " turn monitoring off.",
                        SILENCE_MAX_HOURS,
                    )
                )

    @api.model
    def _cron_watch_lead_feed(self):
        """Raise one activity for each company whose feed fell silent, and remove it
        when transactions come again. One that a person closed is not raised again for
        the same silence."""
        silent = self._search_silent_lead_feeds()
        told = self.search([("lead_feed_is_silent", "=", True)])
        jobs = self.env["ir.cron"]
        for company in (silent | told) - (silent & told):
            step = (
                company._schedule_silent_feed_activity
                if company in silent
                else company._end_feed_silence
            )
            jobs._try_lead_step(step, f"the feed of {company} cannot be monitored")

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

    def _schedule_silent_feed_activity(self):
        """Raise the activity for whoever looks after this company's billing."""
        self.ensure_one()
        user = self._get_lead_responsible()
        # The scheduled action itself has no language.
        self = self.with_context(lang=self._get_lead_lang())
        self.partner_id._schedule_lead_activity(
            self.env._("No incoming lead transactions"),
            self.env._(
                "%(company)s has recorded no lead transactions for %(hours)s hours or"
                " more. Ask the platform whether it is still sending them; nothing is"
                " lost if it sends them later.",
                company=self.name,
                hours=self.lead_feed_silence_hours,
            ),
            self,
            user,
            FEED_ACTIVITY_TYPE,
        )
        self.lead_feed_is_silent = True

    def _end_feed_silence(self):
        self.partner_id.activity_unlink([FEED_ACTIVITY_TYPE])
        self.lead_feed_is_silent = False
