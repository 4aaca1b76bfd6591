from markupsafe import Markup
from werkzeug.urls import url_encode

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..report.lead_invoicing_report import DEFAULT_FIELDS
from ..tools.context_values import write_companies

# Rows of the report that are on the screen at a time.
PAGE = 40


class LeadInvoicingReportWizard(models.TransientModel):
    """The Invoicing Report on the screen: of one buyer, or the leads of one document.

    It asks and shows; what is shown, and to whom, ``lead.invoicing.report`` decides.
    """

    _name = "lead.invoicing.report.wizard"
    _description = "Invoicing Report"

    partner_id = fields.Many2one("res.partner", "Buyer", required=True, readonly=True)
    invoice_id = fields.Many2one("account.move", "Document", readonly=True)
    lead_type_ids = fields.Many2many(
        "lead.type", string="Offered Lead Types", compute="_compute_lead_type_ids"
    )
    lead_type_id = fields.Many2one("lead.type")
    date_from = fields.Date("From", help="Inclusive.")
    date_to = fields.Date("To")
    transaction_type = fields.Selection(
        [("sale", "Sales"), ("return", "Returns")], "Transactions"
    )
    column_ids = fields.Many2many("lead.invoicing.report.column", string="Lead Data")
    has_columns = fields.Boolean(compute="_compute_has_columns")
    page = fields.Integer(default=1)
    page_count = fields.Integer(compute="_compute_report")
    content = fields.Html(compute="_compute_report", sanitize=False)

    @api.model_create_multi
    def create(self, vals_list):
        """Open with the days and, for this user, the choices of the last time."""
        wizards = super().create(vals_list)
        # Nobody has chosen yet: there is nothing to remember.
        for wizard in wizards.with_context(lead_report_opening=True):
            wizard._add_columns()
            wizard.write(wizard._get_last_choices())
        return wizards

    def write(self, vals):
        """Keep the user's choices for the next time."""
        res = super().write(vals)
        chosen = vals.keys() & {"lead_type_id", "transaction_type", "column_ids"}
        if chosen and not self.env.context.get("lead_report_opening"):
            for wizard in self:
                wizard._remember()
        return res

    @api.depends("partner_id", "invoice_id")
    def _compute_display_name(self):
        for wizard in self:
            report = wizard._try_to_open()
            wizard.display_name = (
                report.get_title() if report else self.env._("Invoicing Report")
            )

    @api.depends("partner_id", "invoice_id")
    def _compute_lead_type_ids(self):
        model = self.env["lead.invoicing.report"]
        for wizard in self:
            buyers = model._get_buyers(wizard.partner_id, wizard.invoice_id)
            wizard.lead_type_ids = model._get_lead_types(buyers, wizard.invoice_id)

    @api.depends("lead_type_id")
    def _compute_has_columns(self):
        model = self.env["lead.invoicing.report"]
        for wizard in self:
            wizard.has_columns = bool(model._get_lead_data(wizard.lead_type_id))

    @api.depends(
        "lead_type_id", "date_from", "date_to", "transaction_type", "column_ids", "page"
    )
    def _compute_report(self):
        for wizard in self:
            try:
                report = wizard._open()
            except UserError as error:
                wizard.page_count = 1
                wizard.content = Markup("<div class='alert alert-warning'>%s</div>") % (
                    error
                )
                continue
            wizard.page_count = max(-(-report.count // PAGE), 1)
            page = min(max(wizard.page, 1), wizard.page_count)
            offset = (page - 1) * PAGE
            wizard.content = self.env["ir.qweb"]._render(
                "lead_invoicing.report_invoicing_screen",
                {
                    "report": report,
                    "rows": report.get_page(PAGE, offset),
                    "offset": offset,
                },
            )

    @api.onchange("lead_type_id")
    def _onchange_lead_type_id(self):
        self.column_ids = self._get_last_columns(self.lead_type_id)

    @api.onchange("lead_type_id", "date_from", "date_to", "transaction_type")
    def _onchange_selection(self):
        self.page = 1

    # Actions

    @api.model
    def _get_open_action(self, vals):
        """Return the action that opens the report of a buyer or of a document.

        :param vals: ``partner_id``, and ``invoice_id`` for the leads of a document
        """
        wizard = self.create(vals)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invoicing Report"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
        }

    def action_view_lead_sales(self):
        """Open the transactions of this document as a list, to filter and group."""
        return self.invoice_id.action_view_lead_sales()

    def action_previous(self):
        """Show the page before."""
        self.page = max(self.page - 1, 1)

    def action_next(self):
        """Show the page after."""
        self.page = min(self.page + 1, self.page_count)

    def action_csv(self):
        """Download the report as CSV."""
        return self._get_download_action("csv")

    def action_plain_csv(self):
        """Download the report as CSV with its values as they were recorded."""
        return self._get_download_action("csv", plain=1)

    def action_xlsx(self):
        """Download the report as XLSX."""
        return self._get_download_action("xlsx")

    def action_pdf(self):
        """Download the report as PDF."""
        return self._get_download_action("pdf")

    def _get_download_action(self, file_type, **params):
        report = self._open()
        report.check_limit(file_type)
        query = url_encode(
            {
                "partner_id": self.partner_id.id,
                "company_ids": write_companies(self.env),
                **report.get_params(),
                **params,
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/lead-invoicing/report/{file_type}?{query}",
            "target": "download",
        }

    # The report, and what the user chose last

    def _open(self):
        """Return the report that was chosen.

        :raises UserError: a sentence, if something was not chosen rightly
        """
        self.ensure_one()
        columns = self.column_ids.filtered(
            lambda column: column.lead_type_id == self.lead_type_id
        )
        params = {
            "lead_type_id": self.lead_type_id.id,
            "transaction_type": self.transaction_type,
            "invoice_id": self.invoice_id.id,
            "fields": ",".join(columns.mapped("name")),
        }
        if not self.invoice_id:
            params.update(date_from=self.date_from, date_to=self.date_to)
        return self.env["lead.invoicing.report"]._open(self.partner_id, params)

    def _try_to_open(self):
        try:
            return self._open()
        except UserError:
            return None

    def _add_columns(self):
        """Offer the lead data that the user may see."""
        model = self.env["lead.invoicing.report"]
        self.env["lead.invoicing.report.column"].create(
            [
                {
                    "wizard_id": self.id,
                    "lead_type_id": lead_type.id,
                    "name": name,
                    "label": prop.get("string") or name,
                }
                for lead_type in self.lead_type_ids
                for name, prop in model._get_lead_data(lead_type).items()
            ]
        )

    def _get_last_choices(self):
        """Return what the user chose last, as far as this buyer has that, and the days
        that are shown by default."""
        choices = self._get_choices()
        lead_type = self.lead_type_ids
        if len(lead_type) > 1:
            # All of them, as in the portal.
            lead_type = lead_type.browse()
            chosen = choices.get("lead_type_id")
            if not self.invoice_id and chosen in self.lead_type_ids.ids:
                lead_type = lead_type.browse(chosen)
        report = self.env["lead.invoicing.report"]._open(
            self.partner_id, {"invoice_id": self.invoice_id.id}
        )
        return {
            "lead_type_id": lead_type.id,
            "transaction_type": choices.get("transaction_type"),
            "date_from": self.date_from or report.date_from,
            "date_to": self.date_to or report.date_to,
            "column_ids": self._get_last_columns(lead_type).ids,
        }

    def _get_last_columns(self, lead_type):
        offered = self.env["lead.invoicing.report.column"].search(
            [
                ("wizard_id", "=", self._origin.id),
                ("lead_type_id", "=", lead_type.id),
            ]
        )
        names = self._get_choices()["columns"].get(str(lead_type.id))
        if names is None:
            return offered[:DEFAULT_FIELDS]
        return offered.filtered(lambda column: column.name in names)

    def _get_choices(self):
        settings = self.env["res.users.settings"]._find_or_create_for_user(
            self.env.user
        )
        return settings._get_lead_report_choices()

    def _remember(self):
        """Keep the user's choices for the next time."""
        choices = self._get_choices()
        choices["transaction_type"] = self.transaction_type
        if self.lead_type_id:
            choices["lead_type_id"] = self.lead_type_id.id
            choices["columns"] = {
                **choices["columns"],
                str(self.lead_type_id.id): self.column_ids.mapped("name"),
            }
        elif not self.invoice_id:
            choices.pop("lead_type_id", None)
        # The user's own.
        self.env.user.sudo().res_users_settings_ids.lead_report_choices = choices
