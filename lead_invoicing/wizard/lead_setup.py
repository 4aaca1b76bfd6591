from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.res_company_setup import DELIVERED_DOMAIN
from ..report.lead_sale_template import get_template_url
from ..tools.local_time import format_zoned_moment
from ..tools.protected_fields import CompanyGuard
from ..tools.zone_field import Zone


class LeadSetup(CompanyGuard, models.TransientModel):
    """Getting started: what is there already, and what comes next. Each step offers
    something that can be done as well, or otherwise, on the screens it leads to.

    Each user has one for each company, which stays: the list can be left and resumed.
    """

    _name = "lead.setup"
    _description = "Getting Started with Lead Invoicing"
    # It is kept, as the address of its screen is.
    _transient_max_hours = 0

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    done = fields.Char(compute="_compute_done", help="The keys of the steps done.")
    done_label = fields.Char("Progress", compute="_compute_done")
    chosen_step = fields.Char(help="The step that a person wants to see, if any.")
    step = fields.Char(
        compute="_compute_done",
        help="The step that is shown: the one chosen, otherwise the first to do.",
    )
    is_administrator = fields.Boolean(compute="_compute_is_administrator")
    has_journal = fields.Boolean(compute="_compute_has_journal")
    hidden = fields.Boolean(related="company_id.lead_setup_hidden")
    # Address and zone
    address = fields.Text(compute="_compute_address")
    tz = Zone(
        lambda self: self.env["lead.billing.cycle"]._tz_selection(),
        "Time Zone",
        required=True,
        default=lambda self: self.env.company._propose_lead_tz(),
        help="Days, weeks and months begin and end in this zone.",
    )
    zone_summary = fields.Char(compute="_compute_address")
    # When they are invoiced
    cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Used by Default",
        related="company_id.lead_billing_cycle_id",
    )
    cycle_summary = fields.Char(related="cycle_id.schedule_summary")
    default_cycle_id = fields.Many2one(
        "lead.billing.cycle",
        "Default Billing Cycle",
        domain="[('company_id', '=', company_id)]",
    )
    frequency = fields.Selection(
        [
            ("weekly", "Every week, Monday to Sunday"),
            ("semimonthly", "Twice a month"),
            ("monthly", "Every month"),
            ("manual", "Manually only"),
        ],
        "Invoice Leads",
        required=True,
        default="weekly",
    )
    posting = fields.Selection(
        [
            ("draft", "Leave them as drafts"),
            ("post", "Confirm them"),
            ("send", "Confirm and send them"),
        ],
        "Invoices",
        required=True,
        default="draft",
        help="Start with drafts: look at them, then let the cycle confirm and send them"
        " automatically.",
    )
    # Mail
    mail_result = fields.Char(readonly=True)
    # Who looks after exceptions
    team_user_ids = fields.Many2many(
        "res.users",
        string="Billing Team",
        domain=lambda self: [
            ("all_group_ids", "in", self.env.ref("lead_invoicing.group_user").id)
        ],
        default=lambda self: self.env.company.lead_team_user_ids or self.env.user,
    )
    team_summary = fields.Char(compute="_compute_team_summary")
    # Buyers, and what was sold to them
    buyer_summary = fields.Char(compute="_compute_buyer_summary")
    invited_id = fields.Many2one("res.partner", "Buyer")
    first_sale = fields.Char(compute="_compute_first_sale")
    # The first invoice
    invoice_id = fields.Many2one("account.move", compute="_compute_invoice_id")
    invoice_state = fields.Selection(related="invoice_id.state")
    invoice_summary = fields.Char(compute="_compute_invoice_id")

    @api.model_create_multi
    def create(self, vals_list):
        """Create lists of companies that the user is working in.

        :raises AccessError: for another company
        """
        setups = super().create(vals_list)
        for setup in setups:
            setup._check_can_work_in(setup.company_id.id)
        return setups

    def _compute_display_name(self):
        self.display_name = self.env._("Getting Started")

    # What is there

    @api.depends("company_id", "chosen_step")
    def _compute_done(self):
        for setup in self:
            steps = setup.company_id._get_lead_setup_steps()
            done = [step["key"] for step in steps if step["done"]]
            to_do = [step["key"] for step in steps if not step["done"]]
            setup.done = ",".join(done)
            setup.done_label = self.env._(
                "%(done)s of %(all)s done", done=len(done), all=len(steps)
            )
            setup.step = setup.chosen_step or next(iter(to_do), False)

    def _compute_is_administrator(self):
        self.is_administrator = self.env.user.has_group("base.group_system")

    @api.depends("company_id")
    def _compute_has_journal(self):
        for setup in self:
            setup.has_journal = setup._find_first(
                "account.journal", ("type", "=", "sale")
            )

    @api.depends("company_id")
    def _compute_address(self):
        for setup in self:
            # Every user of a company sees it on its documents.
            partner = setup.company_id.sudo().partner_id
            setup.address = partner._display_address(without_company=True).strip()
            setup.zone_summary = setup.company_id._get_lead_zone().key

    @api.depends("company_id")
    def _compute_team_summary(self):
        for setup in self:
            # Who looks after exceptions, their colleagues may know.
            team = setup.company_id.sudo()._get_lead_team()
            setup.team_summary = ", ".join(team.mapped("name"))

    @api.depends("company_id")
    def _compute_buyer_summary(self):
        partners = self.env["res.partner"]
        for setup in self:
            domain = setup.company_id._get_lead_buyers_domain()
            count = partners.search_count(domain)
            missing = partners.search_count([*domain, ("email", "=", False)])
            setup.buyer_summary = self.env._(
                "Buyers: %(count)s, without an email address: %(missing)s.",
                count=count,
                missing=missing,
            )

    @api.depends("company_id")
    def _compute_first_sale(self):
        for setup in self:
            sale = setup._find_first("lead.sale")
            setup.first_sale = bool(sale) and self.env._(
                "First row received: %(reference)s, on %(moment)s.",
                reference=sale.external_ref,
                moment=setup._format_moment(sale.create_date),
            )

    @api.depends("company_id")
    def _compute_invoice_id(self):
        states = dict(
            self.env["account.move"]
            ._fields["lead_delivery_state"]
            ._description_selection(self.env)
        )
        for setup in self:
            # The first that was delivered is what the step is about.
            move = setup._find_first("account.move", *DELIVERED_DOMAIN)
            move = move or setup._find_first(
                "account.move", *self._get_first_invoice_domain()
            )
            setup.invoice_id = move
            if move.state == "posted":
                setup.invoice_summary = self.env._(
                    "%(invoice)s for %(buyer)s: %(state)s.",
                    invoice=move.name,
                    buyer=move.commercial_partner_id.name,
                    state=states.get(move.lead_delivery_state)
                    or self.env._("Posted, not sent"),
                )
            else:
                setup.invoice_summary = bool(move) and self.env._(
                    "A draft for %s is waiting to be confirmed and sent.",
                    move.commercial_partner_id.name,
                )

    def _get_first_invoice_domain(self):
        return [("lead_run_id", "!=", False), ("state", "!=", "cancel")]

    def _find_first(self, model, *domain):
        """Return the first record of the company that is no sample, of those that the
        user may see."""
        domain = self.company_id._get_lead_setup_domain(model, *domain)
        return self.env[model].search(domain, order="id", limit=1)

    def _format_moment(self, moment):
        return format_zoned_moment(self.env, moment, self.company_id.lead_tz)

    # Actions

    @api.model
    def _open(self):
        """Return the action that opens the list where the user left it."""
        company = self.env.company
        setup = self.search(
            [("company_id", "=", company.id), ("create_uid", "=", self.env.uid)],
            limit=1,
        )
        setup = setup or self.create({})
        setup.chosen_step = False
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_setup"
        )
        return {**action, "res_id": setup.id}

    def action_open_step(self):
        """Show the step that the button's context names, or fold it."""
        self.ensure_one()
        key = self.env.context.get("lead_setup_step")
        # A list: what a context has may have no hash.
        keys = [step["key"] for step in self.company_id._get_lead_setup_steps()]
        if key not in keys:
            raise UserError(self.env._("Choose one of the steps of the list."))
        self.chosen_step = False if key == self.chosen_step else key

    def action_hide(self):
        """Show the list on the overview no longer, or show it again."""
        self._check_manages()
        # Whoever manages billing decides what the overview shows.
        company = self.company_id.sudo()
        company.lead_setup_hidden = not company.lead_setup_hidden

    def _check_manages(self):
        """Refuse whoever does not configure this company's billing.

        :raises AccessError: for others
        """
        self.ensure_one()
        self.env["lead.type"].check_access("create")
        self._check_company_is_current()

    def _check_company_is_current(self):
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You are not currently working in %s. Switch to it first.",
                    # Its name is no secret to who was given the list.
                    self.company_id.sudo().name,
                )
            )

    def action_edit_company(self):
        """Open the company's address and logo."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Company Address and Logo"),
            "res_model": "res.company",
            "res_id": self.company_id.id,
            "views": [
                (self.env.ref("lead_invoicing.lead_setup_company_view_form").id, "form")
            ],
            "target": "new",
        }

    def action_confirm_zone(self):
        """Bill in the time zone that is chosen.

        :raises AccessError: for users who do not manage lead invoicing
        """
        self._check_manages()
        # Who makes billing cycles decides where days begin; the company's other data
        # stay the administrator's.
        self.company_id.sudo().lead_tz = self.tz
        self.chosen_step = False

    def action_create_cycle(self):
        """Create the billing cycle that is offered, and bill every buyer by it who has
        no cycle of its own.

        :raises AccessError: for users who do not manage lead invoicing
        """
        self.ensure_one()
        self.default_cycle_id = self.env["lead.billing.cycle"].create(
            self._prepare_cycle_vals()
        )
        self.action_choose_cycle()

    def action_choose_cycle(self):
        """Bill every buyer who has no cycle of its own by the chosen one.

        :raises AccessError: for users who do not manage lead invoicing
        """
        self._check_manages()
        if not self.default_cycle_id:
            raise UserError(self.env._("Choose a billing cycle first."))
        # Who makes billing cycles decides which one is used by default.
        self.company_id.sudo().lead_billing_cycle_id = self.default_cycle_id
        self.chosen_step = False

    def _prepare_cycle_vals(self):
        frequencies = dict(
            self.env["lead.billing.cycle"]
            ._fields["frequency"]
            ._description_selection(self.env)
        )
        return {
            "name": frequencies[self.frequency],
            "company_id": self.company_id.id,
            "frequency": self.frequency,
            "tz": self.company_id._propose_lead_tz(),
            "posting": self.posting,
        }

    def action_test_mail(self):
        """Send a test email to the user, and say in a sentence what became of it."""
        self._check_manages()
        sent, self.mail_result = self.company_id._send_lead_test_mail(self.env.user)
        self.chosen_step = False if sent else "mail"

    def action_choose_team(self):
        """Let the chosen people look after exceptions.

        :raises AccessError: for users who do not manage lead invoicing
        """
        self._check_manages()
        # Who manages billing decides who does it; the model checks that they may.
        self.company_id.sudo().lead_team_user_ids = self.team_user_ids
        self.chosen_step = False

    def action_add_buyer(self):
        """Open a short form for a buyer."""
        self.ensure_one()
        view = self.env.ref("lead_invoicing.lead_setup_buyer_view_form")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Add a Buyer"),
            "res_model": "res.partner",
            "views": [(view.id, "form")],
            "target": "new",
            "context": {"default_is_company": True},
        }

    def action_download_buyers(self):
        """Download the template of a file with buyers."""
        return self._get_download_action("buyers.xlsx")

    def action_download_leads(self):
        """Download the template of a file with leads."""
        return self._get_download_action("leads.xlsx")

    def _get_download_action(self, name):
        self.ensure_one()
        env = self.with_company(self.company_id).env
        return {
            "type": "ir.actions.act_url",
            "url": get_template_url(env, name),
            "target": "download",
        }

    def action_enter_sale(self):
        """Open an empty sale, of the lead type if there is but one."""
        self.ensure_one()
        lead_types = self.env["lead.type"].search(
            [("company_id", "=", self.company_id.id)], limit=2
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Enter a Sale"),
            "res_model": "lead.sale",
            "view_mode": "form",
            "context": {
                "default_lead_type_id": len(lead_types) == 1 and lead_types.id,
                "lead_is_form": True,
            },
        }

    def action_invite(self):
        """Open Odoo's dialog that gives contacts access to the portal.

        :raises UserError: when there is nobody to invite
        """
        self.ensure_one()
        buyer = self.invited_id or self._find_buyer_to_invite()
        if not buyer:
            raise UserError(self.env._("Add a buyer with an email address first."))
        wizards = self.env["portal.wizard"].with_context(
            active_ids=buyer.ids, default_partner_ids=buyer.ids
        )
        return wizards.action_open_wizard()

    def _find_buyer_to_invite(self):
        buyers = self.company_id._get_lead_buyers_domain()
        domain = [*buyers, ("email", "!=", False)]
        return self.env["res.partner"].search(domain, order="id", limit=1)

    def action_invoice(self):
        """Open the wizard that invoices by hand, up to and including today."""
        self.ensure_one()
        today = self.company_id._get_lead_today()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoice_wizard"
        )
        action["context"] = {"default_date_to": fields.Date.to_string(today)}
        return action

    def action_view_invoice(self):
        """Open the first invoice, to look at it, post it and send it."""
        self.ensure_one()
        return self.invoice_id._get_records_action()
