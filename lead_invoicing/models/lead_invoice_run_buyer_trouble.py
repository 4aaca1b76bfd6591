from collections import defaultdict
from dataclasses import replace

from odoo import models


class LeadInvoiceRunBuyer(models.Model):
    """What could not be booked, or would be booked wrong, is asked before documents are
    made: it is parted from them, with a sentence, and holds up nothing else."""

    _inherit = "lead.invoice.run.buyer"

    def _part_unbookable(self, documents):
        """Part what cannot be booked from its document, so that it holds up nothing
        else of its buyer: leads without an income account, and currencies that are
        archived; and what would lose its tax, as that is archived.

        :return: list of :class:`PlannedDocument`, with the trouble of those parts
        """
        parts = []
        for document in documents:
            by_trouble = defaultdict(list)
            for line in document.lines:
                trouble = self._get_currency_trouble(document)
                trouble = trouble or self._get_income_trouble(document, line)
                if not trouble and not line.origin_line_id:
                    # Returns have the taxes of the line that billed, archived or not.
                    lead_type = self.env["lead.type"].browse(line.lead_type_id)
                    trouble = self._get_tax_trouble(document, lead_type.product_id)
                by_trouble[trouble].append(line)
            parts += [
                replace(document, lines=lines, trouble=trouble)
                for trouble, lines in by_trouble.items()
            ]
        return parts

    def _get_currency_trouble(self, document):
        """Return a sentence on why a document could not be posted in its currency."""
        currency = self.env["res.currency"].browse(document.currency_id)
        if currency.active:
            return None
        return self.env._(
            "The currency %s is archived. Activate it under Invoicing / Configuration /"
            " Currencies, then retry.",
            currency.name,
        )

    def _get_tax_trouble(self, document, product):
        """Return a sentence on why this product would be invoiced without the tax that
        it has, or nothing: Odoo leaves out an archived one, and nobody looks at what is
        made by itself."""
        taxes = product.with_context(active_test=False).taxes_id
        taxes = taxes._filter_taxes_by_company(self.run_id.company_id)
        if not taxes or any(taxes.mapped("active")):
            return None
        if self._new_product_line(document, product).tax_ids:
            # The account has taxes of its own.
            return None
        return self.env._(
            "The tax %(tax)s of the product %(product)s is archived, so the product"
            " would be invoiced without tax. Choose another tax on the product, or"
            " restore this one, then retry. If there is no tax, restore it, remove it"
            " from the product, and archive it again.",
            tax=", ".join(taxes.mapped("name")),
            product=product.display_name,
        )

    def _get_income_trouble(self, document, line):
        """Return a sentence on why these leads could not be booked, or nothing."""
        if self._get_origin_account(line):
            return None
        company = self.run_id.company_id
        lead_type = self.env["lead.type"].browse(line.lead_type_id)
        product = lead_type.product_id.with_company(company)
        if product._get_product_accounts()["income"].active:
            return None
        # The fiscal position or the journal may know another one.
        account = self._new_lead_line(document, lead_type).account_id
        if account.active:
            return None
        if account:
            return self.env._(
                "The income account %(account)s of the product %(product)s (lead type"
                " %(lead_type)s) is archived in %(company)s. Choose another one on the"
                " product, or restore the account, then retry.",
                # The scheduled action's user is shown no codes.
                account=f"{account.with_company(company).code} {account.name}",
                product=product.display_name,
                lead_type=lead_type.name,
                company=company.name,
            )
        return self.env._(
            "The product %(product)s of the lead type %(lead_type)s has no income"
            " account in %(company)s. Choose one on the product, then retry.",
            product=product.display_name,
            lead_type=lead_type.name,
            company=company.name,
        )

    def _get_charge_trouble(self, document, planned):
        """Return a sentence on why a charge could not be booked, or nothing."""
        if trouble := self._get_currency_trouble(document):
            return trouble
        company = self.run_id.company_id
        product = planned.charge.product_id.with_company(company)
        if product._get_product_accounts()["income"].active:
            if all(line.tax_ids is not None for line in planned.lines):
                # Those of the leads that it is about.
                return None
            return self._get_tax_trouble(document, product)
        return self.env._(
            "The charge %(charge)s could not be billed: its product %(product)s has no"
            " active income account in %(company)s. Choose one on the product, then"
            " retry.",
            charge=planned.charge.name,
            product=product.display_name,
            company=company.name,
        )
