import re

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import request

from odoo.addons.account.controllers.portal import PortalAccount

from .buyer_pages import BuyerPages
from .routing import lead_route

# So many leads are listed with a box to tick; of more, people enter references.
MAX_LISTED = 200
SCOPES = ("rows", "amount", "whole")


class LeadDisputePortal(BuyerPages, PortalAccount):
    """Disputes on the pages of a buyer's own invoices. Whose an invoice is, and what
    of it can be disputed, is decided by ``lead.dispute``."""

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        values["html_data"] = self._get_lead_html_data()
        # The invoice was opened with these rights; what is shown of its disputes is
        # for its buyer alone, but for what is to be paid.
        values["lead_dispute_notice"] = invoice._get_lead_dispute_notice()
        if self._is_own_lead_invoice(invoice):
            values["lead_disputes"] = invoice.lead_dispute_ids
            values["lead_can_dispute"] = self._is_disputable(invoice)
        return values

    def _is_own_lead_invoice(self, invoice):
        try:
            request.env["lead.dispute"]._check_own(invoice)
        except AccessError:
            return False
        return True

    def _is_disputable(self, invoice):
        try:
            invoice._check_lead_disputable()
        except UserError:
            return False
        return True

    def _get_own_lead_invoice(self, invoice_id):
        """Return an invoice of the user's own, with all rights.

        :raises AccessError: for another buyer's
        :raises MissingError: for none
        """
        # No token: only who is logged in as the buyer disputes.
        invoice = self._document_check_access("account.move", invoice_id)
        request.env["lead.dispute"]._check_own(invoice)
        return invoice

    @lead_route(
        "/my/invoices/<int:invoice_id>/dispute",
        type="http",
        auth="user",
        website=True,
        methods=["GET", "POST"],
    )
    def portal_dispute(self, invoice_id, **typed):
        """Show what of an own invoice can be disputed; open the dispute when it is
        sent.

        :param typed: ``scope``, ``amount``, ``sale`` (ids), ``references`` and
            ``reason`` of a form that is sent
        """
        try:
            invoice = self._get_own_lead_invoice(invoice_id)
        except (AccessError, MissingError):
            return request.redirect("/my")
        error = ""
        if request.httprequest.method == "POST":
            error = self._try_to_open(invoice, typed)
            if not error:
                return request.redirect(f"/my/invoices/{invoice_id}")
        elif not self._is_disputable(invoice):
            return request.redirect(f"/my/invoices/{invoice_id}")
        leads, by_reference = self._find_disputable_leads(invoice)
        return self._render_lead_page(
            "lead_invoicing.portal_lead_dispute",
            "lead_dispute",
            document=invoice,
            leads=leads,
            by_reference=by_reference,
            typed=typed,
            ticked=set(self._read_ticked()),
            error=error,
        )

    @lead_route(
        "/my/disputes/<int:dispute_id>/withdraw",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_withdraw_dispute(self, dispute_id, **_typed):
        """Withdraw an own dispute."""
        disputes = request.env["lead.dispute"]
        # Safe: whose it is, is checked before anything is told of it.
        dispute = disputes.sudo().browse(dispute_id).exists()
        try:
            disputes._check_own(dispute.move_id)
        except AccessError:
            return request.redirect("/my")
        if dispute.state == "open":
            dispute.sudo(False)._withdraw_by_buyer()
        # What was decided meanwhile, the page says.
        return request.redirect(f"/my/invoices/{dispute.move_id.id}")

    def _try_to_open(self, invoice, typed):
        """Open the dispute that a buyer asks for; return what stands against it."""
        disputes = request.env["lead.dispute"]
        try:
            # What was begun is undone where something stands against it.
            with request.env.cr.savepoint():
                disputes._open_by_buyer(
                    invoice,
                    typed.get("scope") if typed.get("scope") in SCOPES else "rows",
                    typed.get("reason"),
                    amount=self._read_amount(typed.get("amount")),
                    sales=self._read_leads(invoice, typed),
                )
        except UserError as error:
            return str(error)
        except IntegrityError as error:
            if error.pgcode != "23505":  # unique_violation
                raise
            return request.env._(
                "This lead has already been disputed. Each lead of an invoice can be"
                " disputed once."
            )
        return ""

    def _read_amount(self, text):
        text = (text or "").strip()
        return float(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text) else 0.0

    def _read_ticked(self):
        texts = request.httprequest.form.getlist("sale")
        return [int(text) for text in texts if re.fullmatch("[1-9][0-9]{0,8}", text)]

    def _read_leads(self, invoice, typed):
        """Return the leads of the invoice that were ticked, or named.

        :raises UserError: for a reference that is not on the invoice
        """
        domain = self._get_leads_domain(invoice)
        # Safe: the domain is of the leads of the buyer's own invoice.
        ledger = request.env["lead.sale"].sudo()
        leads = ledger.search([*domain, ("id", "in", self._read_ticked())])
        # PostgreSQL refuses a text with a zero byte.
        names = re.split(r"[\s,\0]+", (typed.get("references") or ""))
        names = [name for name in names if name]
        if not names:
            return leads
        named = ledger.search(
            [*domain, "|", ("lead_ref", "in", names), ("external_ref", "in", names)]
        )
        known = set(named.mapped("lead_ref")) | set(named.mapped("external_ref"))
        if unknown := [name for name in names if name not in known]:
            raise UserError(
                request.env._(
                    "There is no lead %(names)s on %(document)s. Check the references"
                    " in your Invoicing Report.",
                    names=", ".join(unknown[:5]),
                    document=invoice.name,
                )
            )
        return leads | named

    def _find_disputable_leads(self, invoice):
        """Return the leads of an own invoice that can be disputed; and whether there
        are too many to be listed, so that they are to be named."""
        # Safe: the domain is of the leads of the buyer's own invoice.
        ledger = request.env["lead.sale"].sudo()
        domain = self._get_leads_domain(invoice)
        leads = ledger.search(domain, limit=MAX_LISTED + 1, order="date, id")
        if len(leads) > MAX_LISTED:
            return leads.browse(), True
        returned = leads._search_returns().filtered(lambda back: not back.waived)
        disputed = invoice.lead_dispute_ids.row_ids.filtered(
            lambda row: not row.withdrawn
        )
        full = returned.filtered(lambda back: not back.price_adjustment)
        return leads - full.origin_id - disputed.sale_id, False

    def _get_leads_domain(self, invoice):
        buyers = self._get_lead_buyer()._get_lead_buyers()
        return [
            ("invoice_line_id", "in", invoice.invoice_line_ids.ids),
            ("transaction_type", "=", "sale"),
            ("commercial_partner_id", "in", buyers.ids),
            ("price", ">", 0),
        ]
