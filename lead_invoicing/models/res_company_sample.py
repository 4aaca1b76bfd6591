from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import file_open
from odoo.tools.convert import convert_xml_import

STORY = "lead_invoicing/demo/lead_invoicing_demo.xml"
# What the story makes that has a name to be marked, what rests on others first.
SAMPLE_MODELS = ("lead.type", "product.product", "res.partner", "lead.billing.cycle")

# By which of its fields a record is of a sample, where it has no mark of its own.
SAMPLE_PATHS = {
    "lead.sale": ("lead_type_id", "lead.type"),
    "account.move": ("partner_id", "res.partner"),
}
# What is kept of a buyer, and goes with a sample.
BUYER_RECORDS = ("lead.balance.level", "lead.account.closing", "lead.top.up")
# What people make for a sample buyer and a sample cannot take with it, by the field
# that names the buyer.
BUYER_PATHS = (
    ("res.partner", "parent_id"),
    ("account.payment", "partner_id"),
    ("account.move.line", "partner_id"),
)
# What else of a sample something real can use: who uses it, by which field.
USER_PATHS = {
    "lead.type": (("lead.billing.charge", "lead_type_id"),),
    "lead.billing.cycle": (
        ("res.company", "lead_billing_cycle_id"),
        ("res.partner", "lead_billing_cycle_id"),
    ),
    "product.product": (
        ("lead.type", "product_id"),
        ("lead.billing.charge", "product_id"),
        ("account.move.line", "product_id"),
    ),
}


class ResCompany(models.Model):
    """Sample leads to try Lead Invoicing with: the story of the demo data, in a company
    that has no leads yet, marked as a sample, and removed without a trace.

    External ids of a module of each company's own say what belongs to it. Its invoices
    stay drafts: they have no number, are not in the books, and are not sent.
    """

    _inherit = "res.company"

    def _get_lead_sample_module(self):
        self.ensure_one()
        return f"__lead_sample_{self.id}__"

    def _get_lead_samples(self, model="lead.type"):
        """Return the sample records of a model in this company."""
        self.ensure_one()
        # Which records are samples is said on them.
        data = self.env["ir.model.data"].sudo()
        domain = [
            ("module", "=", self._get_lead_sample_module()),
            ("model", "=", model),
        ]
        records = self.env[model].browse(data.search(domain).mapped("res_id"))
        return records.exists()

    @api.model
    def _filter_lead_sample_buyers(self, partners):
        """Return those of these contacts that belong to the sample of any company."""
        # Which records are samples is said on them.
        data = self.env["ir.model.data"].sudo()
        domain = [
            ("module", "=like", "\\_\\_lead\\_sample\\_%"),
            ("model", "=", "res.partner"),
            ("res_id", "in", partners.ids),
        ]
        return partners & partners.browse(data.search(domain).mapped("res_id"))

    def _get_lead_real_domain(self, model):
        """Return the domain of the records of a model that are of no sample."""
        path, marked = SAMPLE_PATHS.get(model, ("id", model))
        return Domain(path, "not in", self._get_lead_samples(marked).ids)

    # Making

    def _make_lead_samples(self):
        """Make sample buyers, leads and drafts of their invoices. Commits, as each run
        does.

        :raises UserError: where there are leads, real ones or of a sample
        """
        self.ensure_one()
        # Whoever manages billing may have a sample made; what is in it is decided here.
        company = self.sudo().with_company(self)
        company._check_lead_samples_allowed()
        company._load_lead_story()
        company._mark_lead_samples()
        company._invoice_lead_samples()

    def _check_lead_samples_allowed(self):
        if self.env["lead.sale"].search_count([("company_id", "=", self.id)], limit=1):
            raise UserError(
                self.env._(
                    "%s has leads already, so sample leads would be mixed up with them."
                    " Try them in a company, or a database, without leads.",
                    self.name,
                )
            )
        codes = [("company_id", "=", self.id), ("code", "=like", "DEMO-%")]
        refs = [("company_id", "in", [False, self.id]), ("ref", "=like", "DEMO-%")]
        found = self.env["lead.type"].with_context(active_test=False).search(
            codes, limit=1
        ) or self.env["res.partner"].with_context(active_test=False).search(
            refs, limit=1
        )
        if found:
            raise UserError(
                self.env._(
                    "“%s” is named as sample leads would be. Rename its code or"
                    " reference first.",
                    found.display_name,
                )
            )

    def _load_lead_story(self):
        with file_open(STORY, "rb") as story:
            convert_xml_import(
                self.env, self._get_lead_sample_module(), story, {}, "init", True
            )

    def _mark_lead_samples(self):
        """Say on each record that it is a sample, and keep it in this company."""
        for model in SAMPLE_MODELS:
            for record in self._get_lead_samples(model):
                record.name = self.env._("%s (Sample)", record.name)
        self._get_lead_samples("res.partner").company_id = self
        products = self._get_lead_samples("product.product")
        products.write({"company_id": self.id, "taxes_id": [fields.Command.clear()]})
        cycles = self._get_lead_samples("lead.billing.cycle")
        # The scheduled action leaves them alone.
        cycles.write(
            {"user_id": False, "posting": "draft", "next_generation_at": False}
        )
        self._get_lead_samples().active = False

    def _invoice_lead_samples(self):
        buyers = self._get_lead_samples("res.partner").commercial_partner_id
        tomorrow = self._get_lead_today() + timedelta(days=1)
        run = self.env["lead.invoice.run"].create(
            {
                "company_id": self.id,
                "window_end": self._get_lead_day_start(tomorrow),
                "tz": self.lead_tz,
                "posting": "draft",
            }
        )
        run._add_buyers(buyers)
        run._start()
        # No other run is to find what this one left out.
        buyers.lead_billing_hold = True

    # Guarding

    def _check_no_lead_sample(self, partners):
        """Refuse to post what is of sample buyers.

        :raises UserError: naming the buyer
        """
        samples = self._get_lead_samples("res.partner")
        if found := (partners & samples)[:1]:
            raise UserError(
                self.env._(
                    "%s is a sample: its invoices stay drafts. Remove the sample leads"
                    " under Getting Started.",
                    # Who posts a document sees whose it is.
                    found.sudo().display_name,
                )
            )

    # Removing

    def _remove_lead_samples(self):
        """Remove all that a sample made.

        :raises UserError: naming what rests on the sample and is real
        """
        self.ensure_one()
        # Nothing is removed but what belongs to the sample.
        company = self.sudo().with_company(self).with_context(active_test=False)
        company._check_lead_samples_removable()
        company._get_lead_sample_moves().with_context(force_delete=True).unlink()
        buyers = company._get_lead_samples("res.partner")
        company._unlink_lead_sample_records(company._get_lead_sample_sales(), buyers)
        company._get_lead_sample_sales().unlink()
        # Nobody edits runs; these are of sample buyers only.
        items = self.env["lead.invoice.run.buyer"].sudo()
        items = items.search([("partner_id", "in", buyers.ids)])
        runs = items.run_id
        items.unlink()
        runs.filtered(lambda run: not run.buyer_ids).unlink()
        company._unlink_lead_samples()

    def _unlink_lead_sample_records(self, sales, buyers):
        """Remove what was made of sample leads and buyers meanwhile.

        :param sales: ``lead.sale``
        :param buyers: ``res.partner``
        """
        for model in BUYER_RECORDS:
            self.env[model].search([("partner_id", "in", buyers.ids)]).unlink()

    def _get_lead_sample_sales(self):
        lead_types = self._get_lead_samples()
        return self.env["lead.sale"].search([("lead_type_id", "in", lead_types.ids)])

    def _get_lead_sample_moves(self):
        buyers = self._get_lead_samples("res.partner")
        return self.env["account.move"].search([("partner_id", "in", buyers.ids)])

    def _check_lead_samples_removable(self):
        buyers = self._get_lead_samples("res.partner")
        real = self.env["lead.sale"].search(
            [
                ("partner_id", "in", buyers.ids),
                ("lead_type_id", "not in", self._get_lead_samples().ids),
            ],
            limit=1,
        )
        real = real or self._get_lead_sample_moves().filtered("posted_before")[:1]
        for model, path in BUYER_PATHS:
            real = real or self._find_lead_sample_user(model, path, buyers)
        if real:
            raise UserError(
                self.env._(
                    "The sample cannot be removed: %s is of a sample buyer, but is no"
                    " sample.",
                    real.display_name,
                )
            )
        for used, paths in USER_PATHS.items():
            for model, path in paths:
                samples = self._get_lead_samples(used)
                if user := self._find_lead_sample_user(model, path, samples):
                    record = user.move_id if "move_id" in user._fields else user
                    raise UserError(
                        self.env._(
                            "The sample cannot be removed: %(record)s uses %(sample)s."
                            " Change that first.",
                            record=record.display_name,
                            sample=user[path].display_name,
                        )
                    )

    def _find_lead_sample_user(self, model, path, samples):
        """Return a record of a model that is not of the sample, and uses some of it."""
        real = Domain("id", "not in", self._get_lead_samples(model).ids)
        if model == "account.move.line":
            real = Domain("move_id", "not in", self._get_lead_sample_moves().ids)
        return self.env[model].search(real & Domain(path, "in", samples.ids), limit=1)

    def _unlink_lead_samples(self):
        templates = self._get_lead_samples("product.product").product_tmpl_id
        for model in SAMPLE_MODELS:
            self._get_lead_samples(model).unlink()
        templates.exists().unlink()
        self.env["ir.model.data"].search(
            [("module", "=", self._get_lead_sample_module())]
        ).unlink()
