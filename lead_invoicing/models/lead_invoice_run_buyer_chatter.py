from odoo import models

# So many buyers are named in a message.
MAX_NAMES = 20


class LeadInvoiceRunBuyer(models.Model):
    """Who retried failed buyers, in the chatter of their runs."""

    _inherit = "lead.invoice.run.buyer"

    def action_retry(self):
        failed = self.filtered(lambda item: item.state == "failed")
        res = super().action_retry()
        for run, items in failed.grouped("run_id").items():
            names = ", ".join(items[:MAX_NAMES].mapped("partner_id.display_name"))
            if len(items) > MAX_NAMES:
                names = f"{names}…"
            # Who may see a failure may have it tried again, and is named for it.
            run.sudo()._message_log(
                body=self.env._(
                    "Retried buyers (%(count)s): %(names)s",
                    count=len(items),
                    names=names,
                )
            )
        return res
