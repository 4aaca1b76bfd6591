from odoo import api, models

from .lead_sale_template import get_template_url

# The columns of the template, in order.
COLUMNS = (
    "name",
    "is_company",
    "ref",
    "email",
    "phone",
    "lead_billing_cycle_id",
    "lead_billing_mode",
)


class ResPartner(models.Model):
    """The file to begin with for whoever imports buyers."""

    _inherit = "res.partner"

    @api.model
    def get_import_templates(self):
        """Add the template for buyers, for those who bill them."""
        templates = super().get_import_templates()
        if not self.env.user.has_group("lead_invoicing.group_user"):
            return templates
        return [
            *templates,
            {
                "label": self.env._("Template for Buyers of Leads (Excel)"),
                "template": get_template_url(self.env, "buyers.xlsx"),
            },
            {
                "label": self.env._("Template for Buyers of Leads (CSV)"),
                "template": get_template_url(self.env, "buyers.csv"),
            },
        ]

    @api.model
    def _get_lead_import_template(self):
        """Return the rows of the template: headers in the reader's language, and two
        buyers that can be imported as they are.

        :raises AccessError: for users who do not bill
        """
        self.env["lead.sale"].check_access("read")
        labels = [self._fields[name]._description_string(self.env) for name in COLUMNS]
        modes = dict(self._fields["lead_billing_mode"]._description_selection(self.env))
        company = self.env.company
        cycle = company.lead_billing_cycle_id or self.env["lead.billing.cycle"].search(
            [("company_id", "=", company.id)], limit=1
        )
        return [
            labels,
            [
                "Example Buyer One",
                "1",
                "B-1001",
                "billing@buyer-one.example.com",
                "555-0101",
                cycle.name or "",
                modes["credit"],
            ],
            # Without a cycle of its own, the company's default counts.
            [
                "Example Buyer Two",
                "1",
                "B-1002",
                "billing@buyer-two.example.com",
                "",
                "",
                modes["prepaid"],
            ],
        ]
