from datetime import timedelta

from odoo import api, fields, models

from ..tools.windows import to_wall

# The columns of the template, in order.
COLUMNS = (
    "external_ref",
    "transaction_type",
    "origin_external_ref",
    "date",
    "buyer_ref",
    "lead_type_id",
    "price",
    "lead_ref",
    "campaign",
    "reason",
)


def get_template_url(env, name):
    """Return where a template for the user's current company is."""
    return f"/lead-invoicing/import-template/{name}?company_id={env.company.id}"


class LeadSale(models.Model):
    """The file to begin with for whoever imports leads."""

    _inherit = "lead.sale"

    @api.model
    def get_import_templates(self):
        """Return the templates that Odoo's import offers."""
        return [
            {
                "label": self.env._("Template for Lead Sales (Excel)"),
                "template": get_template_url(self.env, "leads.xlsx"),
            },
            {
                "label": self.env._("Template for Lead Sales (CSV)"),
                "template": get_template_url(self.env, "leads.csv"),
            },
        ]

    @api.model
    def _get_import_template(self):
        """Return the rows of the template: headers in the reader's language, a sale and
        its return that this company can record as they are.

        :raises AccessError: for users who may not record transactions
        """
        self.check_access("create")
        labels = [self._fields[name]._description_string(self.env) for name in COLUMNS]
        lead_type = self._get_sample_lead_type()
        examples = self._prepare_template_rows(lead_type.code or "MORTGAGE")
        data = self._get_sample_lead_data(lead_type)
        labels += [f"lead_data.{name}" for name in data]
        return [
            labels,
            *(
                [row.get(name, "") for name in COLUMNS] + list(data.values())
                for row in examples
            ),
        ]

    @api.model
    def _prepare_template_rows(self, code):
        kinds = dict(self._fields["transaction_type"]._description_selection(self.env))
        zone = self.env.company._get_lead_zone()
        now = to_wall(fields.Datetime.now().replace(second=0, microsecond=0), zone)
        sale = {
            "external_ref": "EXAMPLE-1",
            "transaction_type": kinds["sale"],
            "date": now - timedelta(hours=2),
            "buyer_ref": self._get_sample_buyer_ref(),
            "lead_type_id": code,
            "price": 25.0,
            "lead_ref": "LEAD-1",
            "campaign": "Spring",
        }
        return [
            sale,
            {
                **sale,
                "external_ref": "EXAMPLE-2",
                "transaction_type": kinds["return"],
                "origin_external_ref": "EXAMPLE-1",
                "date": now - timedelta(hours=1),
                "reason": self.env._("Wrong number"),
            },
        ]

    # A transaction that this company can record

    @api.model
    def _get_sample_lead_type(self):
        return self.env["lead.type"].search(
            [("company_id", "=", self.env.company.id)], limit=1
        )

    @api.model
    def _get_sample_buyer_ref(self):
        """Return what the platform calls one of the buyers, or might."""
        company = self.env.company
        buyers = self.env["res.partner"].with_company(company)
        buyer = buyers.search(company._get_lead_buyers_domain(), limit=1)
        names = buyer.lead_buyer_ref_ids.filtered(
            lambda name: name.company_id == company
        )
        return names[:1].ref or buyer.ref or "B-1001"

    @api.model
    def _get_sample_lead_data(self, lead_type):
        """Return {name: example} for the texts among the data of a lead type."""
        if not self.env.user.has_group("lead_invoicing.group_lead_data"):
            return {}
        texts = [
            prop
            for prop in lead_type.lead_properties_definition or []
            if prop["type"] == "char"
        ]
        return {
            text["name"]: (
                "lead@example.com"
                if "email" in text["name"]
                else str(text.get("string") or text["name"])
            )
            for text in texts
        }
