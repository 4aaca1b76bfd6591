from odoo import models
from odoo.tools import format_date

from ..tools.local_time import get_zone_error


class LeadInvoiceRun(models.Model):
    """What keeps a run from invoicing anyone, as it concerns its whole company."""

    _inherit = "lead.invoice.run"

    def _get_blocker(self):
        """Hook: return a sentence on what keeps this run from invoicing anyone, or
        None."""
        self.ensure_one()
        if self.cycle_id and (error := self.cycle_id._get_schedule_error()):
            return error
        if error := get_zone_error(self.env, self.tz):
            return error
        company = self.company_id
        if not company.active:
            return self.env._("The company %s is archived.", company.name)
        journal = self._get_journal()
        if not journal:
            return self.env._(
                "%s has no sales journal. Create one under Invoicing / Configuration /"
                " Journals; invoicing then resumes automatically.",
                company.name,
            )
        locks = company._get_violated_lock_dates(self._get_today(), True, journal)
        if locks and self.posting != "draft":
            lock_date = max(lock[0] for lock in locks)
            return self.env._(
                "The books of %(company)s are locked through %(date)s, so no invoice"
                " can be posted. Once your accountant has changed the lock date,"
                " invoicing resumes automatically.",
                company=company.name,
                date=format_date(self.env, lock_date),
            )
        return None

    def _get_journal(self):
        """Return the sales journal that Odoo chooses for documents of the company."""
        journals = self.env["account.journal"]
        return journals.search(
            [*journals._check_company_domain(self.company_id), ("type", "=", "sale")],
            limit=1,
        )
