from odoo import models

from ..tools.parsing import RowError, read_reference
from ..tools.protected_fields import engine_at_work


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    """A merged contact is still known by all of its names."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _update_values(self, src_partners, dst_partner):
        """Keep the references of the contacts that are merged into another one: the
        platform goes on sending leads under them."""
        refs = {ref for ref in src_partners.mapped("ref") if self._is_lead_ref(ref)}
        owners = {
            ref: src_partners.filtered(lambda p, r=ref: p.ref == r) for ref in refs
        }
        # Whoever may merge contacts moves how they are billed along, as it was decided.
        with engine_at_work():
            result = super()._update_values(src_partners, dst_partner)
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
