from psycopg2.errors import ForeignKeyViolation

from odoo import models
from odoo.exceptions import ConcurrencyError, UserError

from ..tools.parsing import RowError, read_reference
from ..tools.protected_fields import engine_at_work


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """A merged contact is still known by all of its names."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, dst_partner=None, extra_checks=True):
        """Keep sample buyers and real contacts apart, and archived contacts from those
        that they belong to. Have Odoo repeat a merge where a lead was recorded for one
        of the contacts since it began: it moves what it sees, and cannot delete the
        contact.

        :raises UserError: naming a sample, an archived contact, or charges that both
            have
        """
        partners = self.env["res.partner"].browse(partner_ids)
        self._check_no_lead_sample(partners)
        self._check_no_archived_child(partners)
        self._check_no_charge_twice(partners)
        try:
            return super()._merge(
                partner_ids, dst_partner=dst_partner, extra_checks=extra_checks
            )
        except ForeignKeyViolation as error:
            if error.diag.table_name != "lead_sale":
                raise
            raise ConcurrencyError(str(error)) from error

    def _check_no_lead_sample(self, partners):
        # What is merged with a sample would be removed with it.
        samples = self.env["res.company"]._filter_lead_sample_buyers(partners)
        if samples and samples != partners:
            raise UserError(
                self.env._(
                    "%s is a sample and cannot be merged with other contacts. Remove"
                    " the sample leads under Getting Started.",
                    samples[:1].display_name,
                )
            )

    def _check_no_archived_child(self, partners):
        # Odoo looks for them among active contacts only. A contact that became its own
        # parent would have every job that asks for its address go round for ever.
        partners = partners.with_context(active_test=False)
        for partner in partners:
            children = partners.search([("id", "child_of", partner.id)]) - partner
            if child := (children & partners)[:1]:
                raise UserError(
                    self.env._(
                        "%(child)s belongs to %(parent)s and cannot be merged with it."
                        " Remove its company first.",
                        child=child.name,
                        parent=partner.name,
                    )
                )

    def _check_no_charge_twice(self, partners):
        # Odoo moves charges past their own check: both would be billed from then on.
        # Whoever may merge contacts is told what is in the way.
        charges = self.env["lead.billing.charge"].sudo()
        for charge in charges.search([("partner_id", "in", partners.ids)]):
            if other := charge._find_alike(partners - charge.partner_id):
                raise UserError(
                    self.env._(
                        "“%(charge)s” of %(buyer)s and “%(other)s” of %(other_buyer)s"
                        " are agreed for the same kind, lead type, currency and days,"
                        " and the merged contact would be charged both. Archive one of"
                        " them first.",
                        charge=charge.name,
                        buyer=charge.partner_id.display_name,
                        other=other.name,
                        other_buyer=other.partner_id.display_name,
                    )
                )

    def _update_foreign_keys(self, src_partners, dst_partner):
        """End the closed accounts of contacts that are merged into another one: it
        stays as open, or as closed, as it is."""
        # Whoever may merge contacts decides what becomes of their accounts.
        closings = (
            self.env["lead.account.closing"]
            .sudo()
            .search(
                [("partner_id", "in", src_partners.ids), ("reopened_at", "=", False)]
            )
        )
        for closing in closings:
            closing._end_by_merge(dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)

    def _update_values(self, src_partners, dst_partner):
        """Keep the references of the contacts that are merged into another one: the
        platform goes on sending leads under them."""
        refs = {ref for ref in src_partners.mapped("ref") if self._is_lead_ref(ref)}
        owners = {
            ref: src_partners.filtered(lambda p, r=ref: p.ref == r) for ref in refs
        }
        # Whoever may merge contacts moves how they are billed along, as it was decided.
        with engine_at_work(dst_partner) as partner:
            result = super()._update_values(src_partners, partner)
        # Whoever may merge contacts keeps their names with it, in every company that
        # sells leads.
        groups = self.env["lead.type"].sudo()._read_group([], ["company_id"])
        buyer_refs = self.env["lead.buyer.ref"].sudo()
        for ref in sorted(refs - {dst_partner.ref}):
            for (company,) in groups:
                is_known = buyer_refs.search_count(
                    [("company_id", "=", company.id), ("ref", "=", ref)], limit=1
                )
                # As recording finds them: the company's own contacts, and all's.
                is_name = any(
                    partner._is_lead_buyer_of(company) for partner in owners[ref]
                )
                if not is_known and is_name and dst_partner._is_lead_buyer_of(company):
                    buyer_refs.create(
                        {
                            "company_id": company.id,
                            "ref": ref,
                            "partner_id": dst_partner.id,
                        }
                    )
        return result

    def _is_lead_ref(self, ref):
        """Tell whether the platform can send this as the name of a buyer."""
        try:
            return bool(ref) and read_reference(self.env, "ref", ref) == ref
        except RowError:
            return False
