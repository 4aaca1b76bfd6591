from odoo import models
from odoo.fields import Domain

from .account_move_delivery import NOT_SENT_DOMAIN
from .account_move_release import NOT_REPLACED


class LeadInvoiceRun(models.Model):
    """The buttons of a run: each number opens the records behind it."""

    _inherit = "lead.invoice.run"

    def action_retry(self):
        """Invoice the failed buyers of these runs again, and stopped runs further."""
        self.check_access("read")
        self.failure_ids.action_retry()
        # Who may see a stopped run may have it tried again; nobody edits runs.
        self.sudo().filtered(lambda run: run.state == "stopped")._resume()
        self._trigger_generation()

    def action_view_invoices(self):
        """Open the documents of this run."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_invoices"
        )
        action["domain"] = [("lead_run_id", "=", self.id)]
        return action

    def action_view_not_sent(self):
        """Open the documents of this run that are not with their buyers."""
        action = self.action_view_invoices()
        action["domain"] += NOT_SENT_DOMAIN
        return action

    def action_view_buyers(self):
        """Open the work items of this run."""
        self.ensure_one()
        return self._get_buyers_action(self.env._("Buyers"))

    def action_view_failures(self):
        """Open the buyers that this run could not invoice."""
        self.ensure_one()
        return self._get_buyers_action(self.env._("Failures"), state="failed")

    def action_view_waiting(self):
        """Open the buyers that are still to be invoiced."""
        self.ensure_one()
        return self._get_buyers_action(self.env._("To Do"), state="todo")

    def action_view_purchased(self):
        """Open the sales on the documents of this run."""
        self.ensure_one()
        return self._get_sales_action(
            self.env._("Leads Purchased"),
            transaction_type="sale",
            corrected_sale_id=False,
        )

    def action_view_returned(self):
        """Open the returns of leads, without mere price adjustments, on the documents
        of this run."""
        self.ensure_one()
        return self._get_sales_action(
            self.env._("Leads Returned"),
            transaction_type="return",
            price_adjustment=False,
            corrected_sale_id=False,
        )

    def _get_sales_action(self, name, **values):
        self.env["lead.sale"].check_access("read")
        documents = Domain("lead_run_id", "=", self.id) & NOT_REPLACED
        domain = Domain.AND(
            Domain(field, "=", value) for field, value in values.items()
        ) & (
            # As a document has them: those that were released from it, too.
            Domain("invoice_id", "any", documents)
            | Domain("release_ids.invoice_id", "any", documents)
        )
        action = self.env["lead.sale"]._get_view_action(domain)
        return {**action, "name": name, "display_name": name}

    def _get_buyers_action(self, name, **values):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "lead.invoice.run.buyer",
            "view_mode": "list,kanban,form",
            "domain": [
                ("run_id", "=", self.id),
                *((field, "=", value) for field, value in values.items()),
            ],
            "context": {"create": False},
        }
