from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime, formatLang

from ..tools.local_time import format_window, format_zoned_moment
from .lead_sale import UNBILLED_DOMAIN, unbilled_sql


class ResPartner(models.Model):
    """The buyer's side: how its leads are billed, and what waits to be billed."""

    _inherit = "res.partner"

    lead_billing_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Billing Cycle",
        company_dependent=True,
        check_company=True,
        ondelete="restrict",
        help="When this buyer's leads are invoiced. Leave empty to use the company's"
        " default cycle. A manual cycle leaves the buyer out of the schedule.",
        groups="base.group_user",
    )
    lead_billing_mode = fields.Selection(
        [("credit", "On credit"), ("prepaid", "Prepaid")],
        "Buyer Pays",
        company_dependent=True,
        help="On credit: the buyer pays after receiving an invoice. Prepaid: the buyer"
        " gets a receipt, paid from its deposits.",
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
        "Hold Invoices Below",
        company_dependent=True,
        help="A total below this, before tax and in the company's currency, is carried"
        " forward to the next billing period, except in the last billing period of a"
        " year. A minimum spend that is topped up is an agreed charge.",
        groups="base.group_user",
    )
    lead_billing_hold = fields.Boolean(
        "On Hold",
        company_dependent=True,
        help="No invoice is created for this buyer, by schedule or manually, until"
        " this is turned off; its leads wait.",
        groups="base.group_user",
    )
    lead_invoice_recipient_ids = fields.Many2many(
        "res.partner",
        "lead_invoice_recipient_rel",
        "partner_id",
        "recipient_id",
        "Invoice Recipients",
        # Who was archived meanwhile is seen, told of, and can be taken off.
        context={"active_test": False},
        copy=False,
        help="Who receives the invoices by email. Leave empty to use the invoice"
        " address.",
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
        help="Leads sold less returned, before tax, that are not on an invoice yet; in"
        " the company's currency at today's rate.",
    )
    lead_next_window = fields.Char(
        "Current Billing Period",
        compute="_compute_lead_next_window",
        groups="lead_invoicing.group_user",
    )
    lead_next_invoice_at = fields.Datetime(
        "Next Invoice",
        compute="_compute_lead_next_window",
        groups="lead_invoicing.group_user",
        help="When the invoice for that billing period will be created, shown in your"
        " own time zone.",
    )
    lead_invoice_count = fields.Integer(
        "Lead Invoices",
        compute="_compute_lead_invoice_count",
        groups="lead_invoicing.group_user",
    )
    lead_sale_ids = fields.One2many(
        "lead.sale",
        "commercial_partner_id",
        "Lead Sales and Returns",
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
        today = company._get_lead_today()
        self.env["lead.sale"].flush_model()
        # What is unbilled of each of these buyers in this company, by currency?
        groups = self._query_of_lead_buyers(
            SQL("lead_sale"),
            unbilled_sql(),
            SQL("counted.currency_id"),
            SQL("sum(counted.amount)"),
        )
        for buyer_id, currency_id, amount in groups:
            currency = self.env["res.currency"].browse(currency_id)
            amounts[buyer_id] += currency._convert(
                float(amount), company.currency_id, company, today
            )
        for partner in self:
            partner.lead_unbilled_amount = amounts.get(
                partner.commercial_partner_id.id, 0.0
            )

    @api.depends_context("company")
    def _compute_lead_sale_count(self):
        self.env["lead.sale"].flush_model(["commercial_partner_id", "company_id"])
        # How many transactions has each of these buyers in this company?
        counts = dict(
            self._query_of_lead_buyers(
                SQL("lead_sale"), SQL("TRUE"), SQL(), SQL("count(*)")
            )
        )
        for partner in self:
            partner.lead_sale_count = counts.get(partner.commercial_partner_id.id, 0)

    def _query_of_lead_buyers(self, table, condition, group, figure):
        """Return a figure of each of these buyers in the current company, of what was
        recorded under any contact that belongs to it today.

        :param SQL table: its ``commercial_partner_id`` is whom it was recorded under
        :param SQL condition: on its rows
        :param SQL group: a column to group by as well; may be empty
        :param SQL figure: an aggregate of its rows
        :return: list of (buyer id, group if any, figure)
        """
        ids = self.commercial_partner_id.ids
        if not ids:
            return []
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        # Whoever sees these contacts and may read the field may have its figure.
        return self.env.execute_query(
            SQL(
                """
                SELECT contact.commercial_partner_id, %(columns)s
                  FROM res_partner contact
                  JOIN (SELECT * FROM %(table)s
                         WHERE company_id = %(company)s AND %(condition)s) counted
                    ON counted.commercial_partner_id = contact.id
                 WHERE contact.commercial_partner_id IN %(ids)s
                 GROUP BY %(groups)s
                """,
                columns=SQL(", ").join(filter(None, [group, figure])),
                groups=SQL(", ").join(
                    filter(None, [SQL("contact.commercial_partner_id"), group])
                ),
                table=table,
                company=self.env.company.id,
                condition=condition,
                ids=tuple(ids),
            )
        )

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
                    window
                    and format_window(self.env, window.start, window.end, cycle.tz),
                    window and window.generation,
                )
            window, moment = nexts[cycle]
            is_due = not partner.lead_billing_hold
            partner.lead_next_window = is_due and window
            partner.lead_next_invoice_at = is_due and moment

    @api.depends_context("company")
    def _compute_lead_invoice_count(self):
        names = ["commercial_partner_id", "company_id", "lead_run_id"]
        self.env["account.move"].flush_model(names)
        # How many lead documents has each of these buyers in this company?
        counts = dict(
            self._query_of_lead_buyers(
                SQL("account_move"),
                SQL("lead_run_id IS NOT NULL"),
                SQL(),
                SQL("count(*)"),
            )
        )
        for partner in self:
            partner.lead_invoice_count = counts.get(partner.commercial_partner_id.id, 0)

    @api.onchange("lead_billing_cycle_id", "lead_billing_hold")
    def _onchange_lead_billing_cycle_id(self):
        """Say what becomes of the leads that wait, when their cycle is changed."""
        waiting = self._origin.lead_unbilled_amount
        if not waiting:
            return None
        amount = formatLang(self.env, waiting, currency_obj=self.lead_currency_id)
        if self.lead_billing_hold:
            message = self.env._(
                "Unbilled leads of %s are waiting until the hold is removed.", amount
            )
        elif self.lead_next_invoice_at:
            message = self.env._(
                "Unbilled leads of %(amount)s go on the next invoice, which will be"
                " created on %(date)s for %(window)s. Its billing period starts where"
                " this buyer's last one ended.",
                amount=amount,
                date=format_datetime(self.env, self.lead_next_invoice_at),
                window=self.lead_next_window,
            )
        else:
            message = self.env._(
                "Unbilled leads of %s are waiting: this buyer is not on a schedule.",
                amount,
            )
        return {
            "warning": {
                "title": self.env._("Waiting Leads"),
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

    def _is_lead_buyer_of(self, company):
        """Tell whether a company can record leads of this contact: it is shared, or
        the company's own, or its parent's."""
        self.ensure_one()
        return not self.company_id or self.company_id in company.parent_ids

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

    def _get_upcoming_lead_invoice(self):
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
            outlook["window"] = format_window(
                self.env, window.start, window.end, cycle.tz
            )
            outlook["moment"] = format_zoned_moment(
                self.env, window.generation, cycle.tz
            )
            if window.generation <= fields.Datetime.now():
                outlook["moment"] = self.env._("Any moment now")
        return outlook

    def _read_lead_unbilled(self, window, include_earlier):
        """Return what waits to be billed, a list of (currency, amount).

        :param window: only what belongs to it; False for all
        :param include_earlier: with what is older than the window
        """
        domain = self._get_lead_sales_domain() & UNBILLED_DOMAIN
        if window:
            domain &= Domain("date", "<", window.end)
        if window and not include_earlier:
            domain &= Domain("date", ">=", window.start)
        return self.env["lead.sale"]._read_group(
            domain, ["currency_id"], ["amount:sum"], order="currency_id"
        )

    def _get_lead_invoice_recipients(self, invoice_address):
        """Return the contacts that get this buyer's invoices by e-mail.

        :param invoice_address: the contact the document is addressed to, used when
            the buyer names no recipients
        :return: contacts that have an e-mail address; empty when nobody has one.
            Odoo mails nothing to archived ones
        """
        contacts = self._get_lead_invoice_contacts(invoice_address)
        return contacts.filtered(lambda contact: contact.active and contact.email)

    def _get_lead_invoice_contacts(self, invoice_address):
        """Return the contacts that this buyer's invoices are for, whether they have an
        email address or not."""
        self.ensure_one()
        recipients = self.commercial_partner_id.lead_invoice_recipient_ids
        return recipients or invoice_address

    def _get_lead_unreached_recipients(self):
        """Return the contacts that this buyer names to get its invoices, and that Odoo
        mails nothing to: archived ones, and those without an email address."""
        named = self.commercial_partner_id.lead_invoice_recipient_ids
        return named - self._get_lead_invoice_recipients(self.browse())

    def action_view_lead_invoices(self):
        """Open this buyer's lead invoices and credit notes."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices"
        )
        action["domain"] = [
            ("lead_run_id", "!=", False),
            (
                "commercial_partner_id.commercial_partner_id",
                "=",
                self.commercial_partner_id.id,
            ),
            ("company_id", "=", self.env.company.id),
        ]
        return action

    def action_view_lead_sales(self):
        """Open this buyer's lead transactions."""
        self.ensure_one()
        return self.env["lead.sale"]._get_view_action(self._get_lead_sales_domain())

    def _get_lead_sales_domain(self):
        """Return the domain of this buyer's transactions in the current company."""
        return Domain("company_id", "=", self.env.company.id) & Domain(
            "commercial_partner_id", "in", self._get_lead_buyers().ids
        )

    def action_view_unbilled_lead_sales(self):
        """Open this buyer's lead transactions that are on no invoice yet."""
        action = self.action_view_lead_sales()
        action["context"]["search_default_unbilled"] = True
        return action
