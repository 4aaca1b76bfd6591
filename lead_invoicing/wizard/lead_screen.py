from datetime import timedelta

from werkzeug.urls import url_encode

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.local_time import format_moment


class LeadScreen(models.AbstractModel):
    """What the screens with a bar of dates share: when and by whom they were filled,
    in which time zone days are cut, a link, and their files."""

    _name = "lead.screen"
    _description = "Screen with Dates and Totals"

    # What it is called in addresses; the action that shows it; the fields that say what
    # is to be shown.
    _screen = None
    _screen_action = None
    _choices = ()

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    tz = fields.Char(
        "Days In", compute="_compute_tz", help="Days begin and end in this time zone."
    )
    tz_confirmed = fields.Boolean(related="company_id.lead_tz_confirmed")
    shown_at = fields.Datetime("Data Through", compute="_compute_shown_at", store=True)
    link = fields.Char(
        compute="_compute_link", help="Opens this screen for these days, for anyone."
    )

    @api.depends("company_id")
    def _compute_tz(self):
        for screen in self:
            screen.tz = screen.company_id._get_lead_zone().key

    @api.depends(lambda self: ("company_id", *self._choices))
    def _compute_shown_at(self):
        # What is there was read for another choice: it has to be read again.
        self.shown_at = False

    @api.depends("shown_at")
    def _compute_link(self):
        for screen in self:
            params = screen._get_link_params()
            params["company_id"] = screen.company_id.id
            query = url_encode({name: text for name, text in params.items() if text})
            screen.link = (
                f"{screen.get_base_url()}/lead-invoicing/{self._screen}?{query}"
            )

    @api.model
    def _open(self, params):
        """Return a screen filled as a link says.

        :param params: texts, as of :meth:`_get_link_params`
        :raises UserError: for what is no such screen
        """
        screen = self.create(self._read_link_params(params))
        screen.action_show()
        return screen

    def action_open_default(self):
        """Open this screen, filled as it is by default."""
        return self._open({})._get_screen_action()

    def action_show(self):
        """Fill the screen; it stays as it is until it is filled again.

        :raises UserError: for days that are none
        """
        self.ensure_one()
        self.check_access("write")
        self.shown_at = self._get_moment()
        self.with_company(self.company_id)._fill()

    @api.model
    def _get_moment(self):
        # Moments are stored to the second: what is recorded in this one belongs to it.
        now = self.env.cr.now()
        if now.microsecond:
            now = now.replace(microsecond=0) + timedelta(seconds=1)
        return now

    def action_pdf(self):
        """Download what is shown as PDF."""
        return self._get_download_action("pdf")

    def action_xlsx(self):
        """Download what is shown as XLSX."""
        return self._get_download_action("xlsx")

    def _get_download_action(self, file_type):
        self.ensure_one()
        self._check_shown()
        return {
            "type": "ir.actions.act_url",
            "url": f"/lead-invoicing/{self._screen}/{self.id}/{file_type}",
            "target": "download",
        }

    def _check_shown(self):
        self.check_access("read")
        if not (self.exists() and self.shown_at):
            raise UserError(
                self.env._("This screen is no longer filled: open it and click Show.")
            )

    def _get_document(self):
        """Return what is shown, for paper and workbook.

        :rtype: ScreenDocument
        :raises UserError: where nothing is shown
        """
        self._check_shown()
        return self.with_company(self.company_id)._prepare_document()

    def _get_screen_action(self):
        """Return the action that opens this screen."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(self._screen_action)
        name = self.display_name
        return {**action, "res_id": self.id, "name": name, "display_name": name}

    def _get_facts(self):
        """Return what is to be known of what is shown: company, zone, moment, author.

        :rtype: list[str]
        """
        return [
            self.company_id.name,
            self.env._("Days begin and end in the time zone %s.", self.tz),
            self.env._(
                "Data through %(moment)s, by %(author)s.",
                moment=self._format_moment(self.shown_at),
                author=self.create_uid.name,
            ),
        ]

    def _format_moment(self, moment):
        zone = self.company_id._get_lead_zone()
        return " ".join(format_moment(self.env, moment, zone))

    # What each screen says of itself

    def _fill(self):
        """Read what is to be shown, in the screen's company."""
        raise NotImplementedError

    def _get_link_params(self):
        """Return what a link to this screen says: {name: text, or False for none}."""
        raise NotImplementedError

    @api.model
    def _read_link_params(self, params):
        """Return the values of a screen that a link asks for.

        :raises UserError: for what is no value
        """
        raise NotImplementedError

    def _prepare_document(self):
        """Return what is shown, for paper and workbook, in the screen's company.

        :rtype: ScreenDocument
        """
        raise NotImplementedError
