from collections import defaultdict
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, formatLang

from ..models.lead_billing_cycle import POSTINGS
from ..models.lead_sale import unbilled_sql
from ..tools.context_values import read_day, read_ids


class LeadInvoiceWizard(models.TransientModel):
    """Invoice buyers by hand: choose whom, until when and which leads, look at what
    that makes, and make it. The result is a run like any other."""

    _name = "lead.invoice.wizard"
    _description = "Invoice Leads"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Buyers",
        default=lambda self: self._default_partner_ids(),
        context={"active_test": False},
        help="Leave empty for every buyer with unbilled leads.",
    )
    date_from = fields.Date(
        "From", help="Leave empty to include all unbilled leads through the last day."
    )
    date_to = fields.Date(
        "Through", required=True, default=lambda self: self._default_date_to()
    )
    tz = fields.Char(
        "Time Zone",
        compute="_compute_tz",
        help="Days begin and end in this zone, the company's billing time zone.",
    )
    tz_confirmed = fields.Boolean(related="company_id.lead_tz_confirmed")
    lead_type_ids = fields.Many2many(
        "lead.type",
        string="Lead Types",
        domain="[('company_id', '=', company_id)]",
        help="Leave empty for all.",
    )
    posting = fields.Selection(
        POSTINGS,
        "Invoices",
        required=True,
        default="draft",
    )
    ignore_minimum = fields.Boolean(
        "Invoice Small Amounts",
        help="Invoices are created even below the amounts below which buyers' invoices"
        " are held.",
    )
    include_charges = fields.Boolean(
        "Agreed Charges",
        help="Bill the fees, minimum spends, discounts and volume prices that are due,"
        " as a scheduled run does.",
    )
    closes_account = fields.Boolean(readonly=True)
    line_ids = fields.One2many(
        "lead.invoice.wizard.line", "wizard_id", "Preview", readonly=True
    )
    is_previewed = fields.Boolean()
    summary = fields.Char(compute="_compute_summary")
    left_out_summary = fields.Char(compute="_compute_summary")

    @api.model
    def default_get(self, fields):
        """Refuse days that are none, whoever asks for them in a context."""
        context = self.env.context
        self._check_days(
            context.get("default_date_from"), context.get("default_date_to")
        )
        return super().default_get(fields)

    @api.model
    def _default_partner_ids(self):
        partners = self.env["res.partner"]
        if self.env.context.get("active_model") == "res.partner":
            ids = read_ids(self.env, self.env.context.get("active_ids"))
            partners = partners.browse(ids)
        return partners.commercial_partner_id

    @api.model
    def _default_date_to(self):
        # Yesterday: the day that is not over would be cut in two.
        return self.env.company._get_lead_today() - timedelta(days=1)

    @api.depends("company_id")
    def _compute_tz(self):
        # Whoever is chosen: what is invoiced must not change by it.
        for wizard in self:
            wizard.tz = wizard.company_id._get_lead_zone().key

    @api.depends("line_ids")
    def _compute_summary(self):
        for wizard in self:
            made = wizard.line_ids.filtered(lambda line: not line.message)
            left_out = wizard.line_ids - made
            wizard.summary = self.env._(
                "Buyers: %(buyers)s. Leads purchased: %(purchased)s, returned:"
                " %(returned)s. Total before tax: %(amounts)s; with tax: %(totals)s.",
                **made._get_totals(),
            )
            wizard.left_out_summary = left_out and self.env._(
                "Left out: leads purchased %(purchased)s, returned %(returned)s, before"
                " tax %(amounts)s. The reasons are in the last column.",
                **left_out._get_totals(),
            )

    @api.onchange(
        "partner_ids",
        "date_from",
        "date_to",
        "lead_type_ids",
        "ignore_minimum",
        "include_charges",
    )
    def _onchange_selection(self):
        self.is_previewed = False

    # Actions

    def action_preview(self):
        """Show what these choices would make, without making it."""
        self.ensure_one()
        self._check_selection()
        # Before the run is made: what is not stored does not outlive a deletion.
        self.line_ids.unlink()
        run = self.env["lead.invoice.run"].new(self._prepare_run_vals())
        self.env["lead.invoice.wizard.line"].create(self._prepare_line_vals_list(run))
        self.is_previewed = True
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invoice Leads"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_invoice(self):
        """Make the documents, as a run; a long one goes on in the background.

        :return: the action that shows the run
        """
        self.ensure_one()
        self._check_selection()
        # Billing users make runs here, and nobody edits them. Nor does what else is in
        # their context decide what becomes of the leads.
        kept = {"allowed_company_ids", "lang", "tz", "uid"}
        context = {key: self.env.context[key] for key in kept & self.env.context.keys()}
        env = self.env(context=context, su=True)
        run = env["lead.invoice.run"].create(self._prepare_run_vals())
        run._add_buyers(self.partner_ids.commercial_partner_id)
        if not run.buyer_ids:
            raise UserError(
                self.env._("These buyers have no unbilled leads on these days.")
            )
        run._start()
        return run.sudo(False)._get_records_action()

    def _check_selection(self):
        """Refuse what cannot be invoiced by hand.

        :raises UserError: for days of another time, or in the wrong order
        :raises AccessError: for a company that is not the user's
        """
        self.env["lead.invoice.run"].check_access("read")
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You are not currently working in %s. Switch to it first.",
                    self.company_id.name,
                )
            )
        self._check_days(self.date_from, self.date_to)
        if self.date_from and self.date_from > self.date_to:
            raise UserError(
                self.env._("The start date must be on or before the end date.")
            )

    @api.model
    def _check_days(self, date_from, date_to):
        read_day(self.env, self.env._("From"), date_from)
        read_day(self.env, self.env._("Through"), date_to)

    # Preparing

    def _prepare_run_vals(self):
        get_start = self.company_id._get_lead_day_start
        return {
            "company_id": self.company_id.id,
            "window_start": self.date_from and get_start(self.date_from),
            "window_end": get_start(self.date_to + timedelta(days=1)),
            "include_earlier": not self.date_from,
            "tz": self.tz,
            "lead_type_ids": [Command.set(self.lead_type_ids.ids)],
            "posting": self.posting,
            "ignore_minimum": self.ignore_minimum,
            "include_charges": self.include_charges,
            "closes_account": self.closes_account,
        }

    def _prepare_line_vals_list(self, run):
        """Return the values of the preview's lines: what would be made, and what would
        be left out and why.

        :param run: a new ``lead.invoice.run`` that is not stored
        """
        item_model = self.env["lead.invoice.run.buyer"].with_company(self.company_id)
        partner_ids = run._find_buyers(self.partner_ids.commercial_partner_id)
        items = item_model.concat(
            *(
                item_model.new({"run_id": run, "partner_id": partner_id})
                for partner_id in partner_ids
            )
        )
        troubles = {}
        # All at once, so that their buyers are read together.
        for item in items:
            try:
                item._check_buyer()
            except UserError as error:
                troubles[item.partner_id.id] = str(error)
        vals_list = []
        if items:
            documents = items._plan_documents()
            items._add_charges(documents)
            items._hold_back(documents)
            items._hold_zero_totals(documents)
            totals = items._get_planned_totals(documents)
            # What is made comes first.
            for document, total in sorted(
                zip(documents, totals, strict=True),
                key=lambda pair: (not pair[0].is_to_make, bool(pair[0].trouble)),
            ):
                message = document.trouble or document.waits
                message = message or troubles.get(document.item.partner_id.id)
                lines = self._prepare_document_lines(document, message)
                for first in lines[:1]:
                    first["total"] = total
                vals_list += lines
        return vals_list + self._prepare_other_lines(run)

    def _prepare_document_lines(self, document, message):
        """Return the values of the preview's lines of one document."""
        rows = defaultdict(lambda: {"purchased": 0, "returned": 0, "amount": 0.0})
        for line in document.lines:
            row = rows[line.lead_type_id]
            if not (line.adjustment or line.corrects):
                is_return = line.transaction_type == "return"
                row["returned" if is_return else "purchased"] += line.count
            row["amount"] += float(line.amount)
        common = {
            "wizard_id": self.id,
            "partner_id": document.item.partner_id.id,
            "currency_id": document.currency_id,
            "message": message,
        }
        return [
            {**common, "lead_type_id": lead_type_id, **row}
            for lead_type_id, row in rows.items()
        ] + [
            {**common, **self._prepare_charge_line_vals(document, planned)}
            for planned in document.charges
            if planned.lines
        ]

    def _prepare_charge_line_vals(self, document, planned):
        """Return what the preview says of an agreed charge on a document."""
        charge = planned.charge
        return {
            "lead_type_id": charge.lead_type_id.id,
            "charge": document.item._get_charge_line_name(document.item, planned),
            "amount": float(sum(line.amount for line in planned.lines)),
        }

    def _prepare_other_lines(self, run):
        """Return the values of lines for what these buyers have unbilled besides."""
        partners = self.partner_ids.commercial_partner_id
        held = (
            self.env["res.partner"]
            .with_company(self.company_id)
            .with_context(active_test=False)
            .search([("lead_billing_hold", "=", True)])
        )
        limits = run._get_limits_sql(SQL("%s", run.window_start or None))
        # What do these buyers have unbilled that the run leaves out, and why?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT left_out, buyer_id, lead_type_id, currency_id,
                       count(*) FILTER (WHERE transaction_type = 'sale'
                                          AND corrected_sale_id IS NULL),
                       count(*) FILTER (WHERE transaction_type = 'return'
                                          AND price_adjustment IS NOT TRUE
                                          AND corrected_sale_id IS NULL),
                       sum(amount)
                  FROM (SELECT sale.*, contact.commercial_partner_id AS buyer_id,
                               CASE WHEN contact.commercial_partner_id = ANY(%(held)s)
                                        THEN 'hold'
                                    %(beyond_limits)s
                               END AS left_out
                          FROM lead_sale sale
                          JOIN res_partner contact
                               ON contact.id = sale.commercial_partner_id
                         WHERE sale.company_id = %(company)s
                           AND (%(all_buyers)s OR contact.commercial_partner_id
                                = ANY(%(partners)s))
                           AND %(unbilled)s) unbilled
                 WHERE left_out IS NOT NULL
                 GROUP BY left_out, buyer_id, lead_type_id, currency_id
                 ORDER BY buyer_id, left_out, lead_type_id
                """,
                unbilled=unbilled_sql("sale"),
                beyond_limits=SQL(" ").join(
                    SQL("WHEN NOT %s THEN %s", limit, name)
                    for name, limit in limits.items()
                ),
                company=run.company_id.id,
                all_buyers=not partners,
                partners=partners.ids,
                held=held.ids,
            )
        )
        messages = {
            "hold": self.env._("The buyer is on hold."),
            "later": self.env._("After the last day."),
            "earlier": self.env._("Before the first day."),
            "type": self.env._("Another lead type."),
            "return": self.env._("Returns are left out."),
        }
        return [
            {
                "wizard_id": self.id,
                "partner_id": partner_id,
                "lead_type_id": lead_type_id,
                "currency_id": currency_id,
                "purchased": purchased,
                "returned": returned,
                "amount": float(amount),
                "message": messages[left_out],
            }
            for (
                left_out,
                partner_id,
                lead_type_id,
                currency_id,
                purchased,
                returned,
                amount,
            ) in rows
        ]


class LeadInvoiceWizardLine(models.TransientModel):
    """What one buyer and lead type would be invoiced, or why not."""

    _name = "lead.invoice.wizard.line"
    _description = "Preview of Invoiced Leads"
    _order = "id"

    wizard_id = fields.Many2one(
        "lead.invoice.wizard", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", "Buyer")
    lead_type_id = fields.Many2one("lead.type")
    currency_id = fields.Many2one("res.currency")
    purchased = fields.Integer()
    returned = fields.Integer()
    charge = fields.Char("Agreed Charge")
    amount = fields.Monetary()
    total = fields.Monetary(
        "Total with Tax", help="Of a document, on the first of its lines."
    )
    message = fields.Char("Left Out Because")

    def _get_totals(self):
        """Return what these lines add up to, amounts per currency, in words."""
        return {
            "buyers": len(self.partner_id),
            "purchased": sum(self.mapped("purchased")),
            "returned": sum(self.mapped("returned")),
            "amounts": self._format_sum("amount"),
            "totals": self._format_sum("total"),
        }

    def _format_sum(self, name):
        """Return the sums of a field, one for each currency, in words."""
        sums = defaultdict(float)
        for line in self:
            sums[line.currency_id] += line[name]
        return (
            "; ".join(
                formatLang(self.env, amount, currency_obj=currency)
                for currency, amount in sums.items()
            )
            or "0"
        )
