from odoo import api, fields, models
from odoo.tools import SQL, format_datetime, formatLang


class ResPartner(models.Model):
    """The buyer's side: how its leads are billed, and what waits to be billed."""

    _inherit = "res.partner"

    lead_billing_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle",
        company_dependent=True,
        check_company=True,
        ondelete="restrict",
        help="When this buyer's leads are invoiced. Empty: the company's default"
        " cycle. A manual cycle leaves the buyer out of the schedule.",
        groups="base.group_user",
    )
    lead_billing_mode = fields.Selection(
        [("credit", "On credit"), ("prepaid", "Prepaid")],
        "Buyer Pays",
        company_dependent=True,
        help="On credit: a bill to be paid. Prepaid: a receipt, settled from the"
        " buyer's deposits.",
        groups="base.group_user",
    )
    lead_invoice_split = fields.Selection(
        [
            ("none", "One invoice"),
            ("lead_type", "One per lead type"),
            ("campaign", "One per campaign"),
            ("sub_account", "One per sub-account"),
        ],
        "Invoice Split",
        company_dependent=True,
        groups="base.group_user",
    )
    lead_po_number = fields.Char(
        "PO Number",
        company_dependent=True,
        help="The buyer's purchase order number, printed on each invoice.",
        groups="base.group_user",
    )
    lead_minimum_amount = fields.Float(
        "Minimum Invoice Amount",
        company_dependent=True,
        help="Less than this, before tax and in the company's currency, waits for the"
        " next window; except in the last window of a year.",
        groups="base.group_user",
    )
    lead_billing_hold = fields.Boolean(
        "On Hold",
        company_dependent=True,
        help="No invoice is made for this buyer, by schedule or by hand, until this is"
        " taken off; its leads wait.",
        groups="base.group_user",
    )
    lead_invoice_recipient_ids = fields.Many2many(
        "res.partner",
        "lead_invoice_recipient_rel",
        "partner_id",
        "recipient_id",
        "Invoice Recipients",
        copy=False,
        help="Who gets the invoices by e-mail. Empty: the invoice address.",
        groups="base.group_user",
    )
    lead_buyer_ref_ids = fields.One2many(
        "lead.buyer.ref",
        "partner_id",
        "Platform References",
        groups="lead_invoicing.group_user",
    )
    lead_currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_lead_currency_id",
        groups="base.group_user",
    )
    lead_unbilled_amount = fields.Monetary(
        "Unbilled Leads",
        compute="_compute_lead_unbilled",
        currency_field="lead_currency_id",
        groups="lead_invoicing.group_user",
        help="Leads sold less returned, before tax, that are on no invoice yet; in the"
        " company's currency at today's rate.",
    )
    lead_next_window = fields.Char(
        "Current Window",
        compute="_compute_lead_next_window",
        groups="lead_invoicing.group_user",
    )
    lead_next_invoice_at = fields.Datetime(
        "Next Invoice",
        compute="_compute_lead_next_window",
        groups="lead_invoicing.group_user",
        help="When the invoice of that window is made, shown in your own time zone.",
    )
    lead_invoice_count = fields.Integer(
        "Lead Invoices",
        compute="_compute_lead_invoice_count",
        groups="lead_invoicing.group_user",
    )
    lead_sale_ids = fields.One2many(
        "lead.sale",
        "commercial_partner_id",
        "Lead Transactions Billed to It",
        readonly=True,
        groups="lead_invoicing.group_user",
        help="For searching only: there can be millions.",
    )
    lead_sale_count = fields.Integer(
        "Lead Transactions",
        compute="_compute_lead_sale_count",
        groups="lead_invoicing.group_user",
    )

    @api.depends_context("company")
    def _compute_lead_currency_id(self):
        self.lead_currency_id = self.env.company.currency_id

    @api.depends_context("company")
    def _compute_lead_unbilled(self):
        company = self.env.company
        amounts = dict.fromkeys(self.commercial_partner_id.ids, 0.0)
        groups = self.env["lead.sale"]._read_group(
            [
                ("company_id", "=", company.id),
                ("commercial_partner_id", "in", self.commercial_partner_id.ids),
                ("invoice_line_id", "=", False),
                ("waived", "=", False),
            ],
            ["commercial_partner_id", "currency_id"],
            ["amount:sum"],
        )
        today = fields.Date.context_today(self)
        for partner, currency, amount in groups:
            amounts[partner.id] += currency._convert(
                amount, company.currency_id, company, today
            )
        for partner in self:
            partner.lead_unbilled_amount = amounts.get(
                partner.commercial_partner_id.id, 0.0
            )

    @api.depends_context("company")
    def _compute_lead_sale_count(self):
        counts = {}
        if ids := self.commercial_partner_id.ids:
            # How many transactions has each of these buyers in this company?
            counts = dict(
                self.env.execute_query(
                    SQL(
                        """
                        SELECT commercial_partner_id, count(*)
                          FROM lead_sale
                         WHERE commercial_partner_id IN %s AND company_id = %s
                         GROUP BY commercial_partner_id
                        """,
                        tuple(ids),
                        self.env.company.id,
                    )
                )
            )
        for partner in self:
            partner.lead_sale_count = counts.get(partner.commercial_partner_id.id, 0)

    @api.depends("lead_billing_cycle_id", "lead_billing_hold", "commercial_partner_id")
    @api.depends_context("company", "lang")
    def _compute_lead_next_window(self):
        # Thousands of buyers have a handful of cycles.
        nexts = {}
        for partner in self:
            cycle = partner._get_lead_billing_cycle()
            if cycle not in nexts:
                window = cycle._get_next_window()
                nexts[cycle] = (
                    window and cycle._format_window(window.start, window.end, cycle.tz),
                    window and window.generation,
                )
            window, moment = nexts[cycle]
            is_due = not partner.lead_billing_hold
            partner.lead_next_window = is_due and window
            partner.lead_next_invoice_at = is_due and moment

    @api.depends_context("company")
    def _compute_lead_invoice_count(self):
        counts = dict(
            self.env["account.move"]._read_group(
                [
                    ("lead_run_id", "!=", False),
                    ("company_id", "=", self.env.company.id),
                    ("commercial_partner_id", "in", self.commercial_partner_id.ids),
                ],
                ["commercial_partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.lead_invoice_count = counts.get(partner.commercial_partner_id, 0)

    @api.onchange("lead_billing_cycle_id", "lead_billing_hold")
    def _onchange_lead_billing_cycle_id(self):
        """Say what becomes of the leads that wait, when their cycle is changed."""
        waiting = self._origin.lead_unbilled_amount
        if not waiting:
            return None
        amount = formatLang(self.env, waiting, currency_obj=self.lead_currency_id)
        if self.lead_billing_hold:
            message = self.env._(
                "Unbilled leads of %s wait until the hold ends.", amount
            )
        elif self.lead_next_invoice_at:
            message = self.env._(
                "Unbilled leads of %(amount)s go onto the next invoice, made on"
                " %(date)s for %(window)s. Its period starts where this buyer's last"
                " one ended.",
                amount=amount,
                date=format_datetime(self.env, self.lead_next_invoice_at),
                window=self.lead_next_window,
            )
        else:
            message = self.env._(
                "Unbilled leads of %s wait: no schedule bills this buyer now.", amount
            )
        return {
            "warning": {
                "title": self.env._("What is waiting"),
                "message": message,
                "type": "notification",
            }
        }

    def _commercial_fields(self):
        return super()._commercial_fields() + [
            "lead_billing_hold",
            "lead_billing_cycle_id",
            "lead_billing_mode",
            "lead_invoice_split",
            "lead_po_number",
            "lead_minimum_amount",
        ]

    def _get_lead_billing_cycle(self):
        """Return the cycle that bills this buyer in the current company, the buyer's
        own or else the company's default one; empty when there is neither."""
        self.ensure_one()
        return (
            self.commercial_partner_id.lead_billing_cycle_id
            or self.env.company.lead_billing_cycle_id
        )

    def _get_lead_buyers(self):
        """Return the buyers whose transactions are this commercial partner's: itself,
        and contacts that bought for themselves before they belonged to it. The ledger
        keeps who they were; their documents are the partner's, as Odoo has it.
        """
        self.ensure_one()
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        # Which of its contacts were recorded as a buyer? The order names the index, by
        # which one is found, or none, at once.
        ids = self.env.execute_query(
            SQL(
                """
                SELECT partner.id
                  FROM res_partner partner
                 CROSS JOIN LATERAL (
                       SELECT FROM lead_sale sale
                        WHERE sale.commercial_partner_id = partner.id
                        ORDER BY sale.date, sale.id
                        LIMIT 1) sale
                 WHERE partner.commercial_partner_id = %s
                """,
                self.commercial_partner_id.id,
            )
        )
        return self.browse([found for (found,) in ids]) or self.commercial_partner_id

    def _get_lead_outlook(self):
        """Return what this buyer is told of its next invoice, in the current company.

        :return: a dict

            - ``company``: the company
            - ``amounts``: list of (currency, amount) of what that invoice would bill
              so far: sold less returned, before tax or including it as the prices are;
              without a schedule, of all that waits
            - ``window``: the days that it is for, as text; False without a schedule
            - ``moment``: when it is made, as text in the cycle's time zone; or False
        """
        self.ensure_one()
        company = self.env.company
        cycle = self._get_lead_billing_cycle()
        window = not self.lead_billing_hold and cycle._get_next_window()
        amounts = self._read_lead_unbilled(window, cycle.include_earlier)
        outlook = {
            "company": company,
            "amounts": amounts or [(company.currency_id, 0.0)],
            "window": False,
            "moment": False,
        }
        if window:
            zone = cycle._get_zone(cycle.tz)
            day, time = cycle._format_moment(window.generation, zone)
            outlook["window"] = cycle._format_window(window.start, window.end, cycle.tz)
            outlook["moment"] = self.env._(
                "%(day)s at %(time)s (%(zone)s)", day=day, time=time, zone=cycle.tz
            )
            if window.generation <= fields.Datetime.now():
                outlook["moment"] = self.env._("Any moment now")
        return outlook

    def _read_lead_unbilled(self, window, include_earlier):
        """Return what waits to be billed, a list of (currency, amount).

        :param window: only what belongs to it; False for all
        :param include_earlier: with what is older than the window
        """
        domain = [
            ("company_id", "=", self.env.company.id),
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("invoice_line_id", "=", False),
            ("waived", "=", False),
        ]
        if window:
            domain.append(("date", "<", window.end))
        if window and not include_earlier:
            domain.append(("date", ">=", window.start))
        return self.env["lead.sale"]._read_group(
            domain, ["currency_id"], ["amount:sum"], order="currency_id"
        )

    def _get_lead_invoice_recipients(self, invoice_address):
        """Return the contacts that get this buyer's invoices by e-mail.

        :param invoice_address: the contact the document is addressed to, used when
            the buyer names no recipients
        :return: contacts that have an e-mail address; empty when nobody has one
        """
        self.ensure_one()
        recipients = self.commercial_partner_id.lead_invoice_recipient_ids
        return (recipients or invoice_address).filtered("email")

    def action_view_lead_invoices(self):
        """Open this buyer's lead invoices and credit notes."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices"
        )
        action["domain"] = [
            ("lead_run_id", "!=", False),
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "=", self.env.company.id),
        ]
        return action

    def action_open_lead_report(self):
        """Open the Invoicing Report of this buyer.

        :raises AccessError: for users without rights in Lead Invoicing
        """
        self.ensure_one()
        wizards = self.env["lead.invoicing.report.wizard"]
        return wizards._get_open_action({"partner_id": self.commercial_partner_id.id})

    def action_view_lead_sales(self):
        """Open this buyer's lead transactions."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_sale"
        )
        action["domain"] = [
            ("commercial_partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "=", self.env.company.id),
        ]
        action["context"] = {"create": False}
        return action

    def action_view_unbilled_lead_sales(self):
        """Open this buyer's lead transactions that are on no invoice yet."""
        action = self.action_view_lead_sales()
        action["context"]["search_default_unbilled"] = True
        return action
