from odoo import api, fields, models


class LeadSetup(models.TransientModel):
    """What leads are sold: the first lead type, with a product for it."""

    _inherit = "lead.setup"

    lead_type_name = fields.Char(
        "Lead Type",
        default=lambda self: self.env._("Mortgage"),
        help="What you call the leads that you sell, such as Auto Insurance. Each kind"
        " of lead with its own line on the invoice is a lead type.",
    )
    lead_type_code = fields.Char(
        "Code",
        compute="_compute_lead_type_code",
        store=True,
        readonly=False,
        help="What the distribution platform calls it.",
    )
    is_taxed = fields.Selection(
        [("no", "No, leads are sold without tax"), ("yes", "Yes")],
        "Do you charge sales tax or VAT?",
        required=True,
        default="no",
    )
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        domain="[('type_tax_use', '=', 'sale'), ('company_id', '=', company_id)]",
    )
    lead_type_summary = fields.Char(compute="_compute_lead_type_summary")

    @api.depends("lead_type_name")
    def _compute_lead_type_code(self):
        for setup in self:
            words = "".join(
                c if c.isalnum() else " " for c in setup.lead_type_name or ""
            )
            setup.lead_type_code = "-".join(words.upper().split())

    @api.depends("company_id")
    def _compute_lead_type_summary(self):
        for setup in self:
            lead_types = self.env["lead.type"].search(
                [("company_id", "=", setup.company_id.id)]
            )
            names = lead_types.mapped("name")
            # Who sells leads may know whether they are taxed.
            taxes = lead_types.sudo().product_id.taxes_id.filtered(
                lambda tax, company=setup.company_id: tax.company_id == company
            )
            setup.lead_type_summary = self.env._(
                "%(types)s; tax: %(taxes)s.",
                types=", ".join(names),
                taxes=", ".join(taxes.mapped("name")) or self.env._("none"),
            )

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
                "lead_properties_definition": self._prepare_definition(),
            }
        )
        self.chosen_step = False

    def _prepare_product_vals(self):
        taxes = self.tax_ids if self.is_taxed == "yes" else self.tax_ids.browse()
        return {
            "name": self.lead_type_name,
            "type": "service",
            "purchase_ok": False,
            "list_price": 0.0,
            "company_id": self.company_id.id,
            "taxes_id": [fields.Command.set(taxes.ids)],
        }

    def _prepare_definition(self):
        labels = {
            "first_name": self.env._("First Name"),
            "last_name": self.env._("Last Name"),
            "email": self.env._("Email"),
            "phone": self.env._("Phone"),
        }
        return [
            {"name": name, "string": label, "type": "char"}
            for name, label in labels.items()
        ]
