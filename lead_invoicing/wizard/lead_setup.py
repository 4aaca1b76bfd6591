from odoo import api, fields, models

from ..tools.zone_field import Zone


class LeadSetup(models.TransientModel):
    """Getting started: what is there already, and what comes next. Each step offers
    something that can be done as well, or otherwise, on the screens it leads to."""

    _name = "lead.setup"
    _description = "Getting Started with Lead Invoicing"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    has_journal = fields.Boolean(compute="_compute_progress")
    # What leads are sold
    has_lead_type = fields.Boolean(compute="_compute_progress")
    lead_type_name = fields.Char(
        "Lead Type",
        default=lambda self: self.env._("Leads"),
        help="What you call the leads that you sell, such as Auto Insurance. Each kind"
        " of lead with its own line on the invoice is a lead type.",
    )
    lead_type_code = fields.Char(
        "Code", default="LEAD", help="What the distribution platform calls it."
    )
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        domain="[('type_tax_use', '=', 'sale'), ('company_id', '=', company_id)]",
        default=lambda self: self.env.company.account_sale_tax_id,
    )
    # When they are invoiced
    cycle_id = fields.Many2one("lead.billing.cycle", compute="_compute_progress")
    cycle_summary = fields.Char(related="cycle_id.schedule_summary")
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
    tz = Zone(
        lambda self: self.env["lead.billing.cycle"]._tz_selection(),
        "Time Zone",
        required=True,
        default=lambda self: self.env.company._propose_lead_tz(),
        help="Days, weeks and months begin and end in this zone.",
    )
    posting = fields.Selection(
        [
            ("draft", "Leave them as drafts"),
            ("post", "Post them"),
            ("send", "Post and send them"),
        ],
        "Invoices",
        required=True,
        default="draft",
        help="Start with drafts: look at them, then let the cycle post and send them"
        " automatically.",
    )
    # What was sold, and what became of it
    has_sale = fields.Boolean(compute="_compute_progress")
    has_document = fields.Boolean(compute="_compute_progress")

    def _compute_display_name(self):
        self.display_name = self.env._("Getting Started")

    @api.depends("company_id")
    def _compute_progress(self):
        for setup in self:
            company = setup.company_id

            def there_is(model, *domain, company=company):
                return bool(
                    self.env[model].search_count(
                        [("company_id", "=", company.id), *domain], limit=1
                    )
                )

            setup.has_journal = there_is("account.journal", ("type", "=", "sale"))
            setup.has_lead_type = there_is("lead.type")
            setup.cycle_id = company.lead_billing_cycle_id
            setup.has_sale = there_is("lead.sale")
            setup.has_document = there_is("account.move", ("lead_run_id", "!=", False))

    # Actions

    def action_create_lead_type(self):
        """Create the lead type that is offered, with a product for it.

        :raises AccessError: for users who do not manage lead invoicing
        :raises ValidationError: for a code that another type has, or that is none
        """
        self.ensure_one()
        lead_types = self.env["lead.type"]
        lead_types.check_access("create")
        # Whoever makes lead types may have the product that one needs made along.
        product = (
            self.env["product.product"].sudo().create(self._prepare_product_vals())
        )
        lead_types.create(
            {
                "name": self.lead_type_name,
                "code": self.lead_type_code,
                "company_id": self.company_id.id,
                "product_id": product.id,
            }
        )

    def _prepare_product_vals(self):
        return {
            "name": self.lead_type_name,
            "type": "service",
            "purchase_ok": False,
            "list_price": 0.0,
            "company_id": self.company_id.id,
            "taxes_id": [fields.Command.set(self.tax_ids.ids)],
        }

    def action_create_cycle(self):
        """Create the billing cycle that is offered, and bill every buyer by it who has
        no cycle of its own.

        :raises AccessError: for users who do not manage lead invoicing
        """
        self.ensure_one()
        cycle = self.env["lead.billing.cycle"].create(self._prepare_cycle_vals())
        # Who makes billing cycles decides which one is used by default, and where its
        # days begin; the company's other data stay the administrator's.
        self.company_id.sudo().write(
            {"lead_billing_cycle_id": cycle.id, "lead_tz": self.tz}
        )

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
            "tz": self.tz,
            "posting": self.posting,
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
            },
        }

    def action_invoice(self):
        """Open the wizard that invoices by hand, up to and including today."""
        self.ensure_one()
        today = self.company_id._get_lead_today()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoice_wizard"
        )
        action["context"] = {"default_date_to": fields.Date.to_string(today)}
        return action
