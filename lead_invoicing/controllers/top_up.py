import re

from odoo.exceptions import UserError
from odoo.http import request

from .file_responses import sends_file
from .routing import lead_route, report_route
from .statement import LeadStatementPortal

URL = "/my/lead-top-up"
# So many requests are listed.
MAX_LISTED = 20
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,6})?", re.ASCII)
_ID = re.compile(r"\d{1,9}", re.ASCII)


class LeadTopUpPortal(LeadStatementPortal):
    """A prepaid buyer tops up its balance in the portal: by bank transfer here; other
    addons add their ways."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "lead_top_up_count" in counters:
            buyer = self._get_lead_buyer()
            values["lead_top_up_count"] = int(
                bool(buyer and self._get_lead_top_up_accounts(buyer))
            )
        return values

    # Who, and where

    def _get_lead_top_up_accounts(self, buyer):
        """Return the buyer in each company where it can pay in: a list of
        ``res.partner`` with that company as its current one."""
        companies = request.env["lead.type"]._get_lead_companies()
        accounts = [buyer.with_company(company) for company in companies]
        return [
            account
            for account in accounts
            if not account._get_lead_top_up_refusal()
            and account.company_id in (account.env["res.company"], account.env.company)
        ]

    def _choose_lead_top_up_account(self, buyer, company_id, accounts=None):
        """Return the buyer in the company that is asked for, else in the first one in
        which it can pay in.

        :param accounts: where it can pay in, where that is known
        :raises UserError: a sentence, where it can pay in nowhere
        """
        if accounts is None:
            accounts = self._get_lead_top_up_accounts(buyer)
        if not accounts:
            raise UserError(
                buyer._get_lead_top_up_refusal()
                or request.env._("There is nothing to top up.")
            )
        if company_id:
            chosen = [a for a in accounts if str(a.env.company.id) == str(company_id)]
            if not chosen:
                raise UserError(request.env._("Choose one of the companies here."))
            return chosen[0]
        return accounts[0]

    def _read_lead_amount(self, account, text, minimum=0.0):
        """Return an amount that a buyer entered, in the currency in which it pays in.

        :param text: with a point before its decimals
        :raises UserError: if it is no amount, or less than the minimum
        """
        amount = float(text) if _AMOUNT.fullmatch(text or "") else 0.0
        currency = account.env.company._get_lead_top_up_currency()
        account._check_lead_top_up_amount(amount, currency, minimum)
        return amount

    def _read_lead_top_up_amount(self, account, text):
        """Return what a buyer wants to pay in.

        :raises UserError: if it is no amount that can be paid in
        """
        minimum = account.env.company._get_lead_top_up_minimum()
        return self._read_lead_amount(account, text, minimum)

    # Pages

    def _render_lead_top_up(self, template, **values):
        return self._render_lead_page(template, "lead_top_up", **{"url": URL, **values})

    @report_route(URL, methods=["GET"])
    def portal_lead_top_up(self, **params):
        """Show the balance, the ways to top it up, and the requests so far.

        :param params: ``amount`` to begin with, ``company_id``
        """
        return self._show_lead_top_up(params)

    def _show_lead_top_up(self, params, error=""):
        buyer = self._require_lead_buyer()
        return self._render_lead_top_up(
            "lead_invoicing.portal_lead_top_up",
            **self._prepare_lead_top_up_values(buyer, params, error),
        )

    def _prepare_lead_top_up_values(self, buyer, params, error):
        """Hook: return what the page shows.

        :param params: what the address, or the form, has
        :param error: what is wrong with it, as a sentence
        """
        account, accounts = None, self._get_lead_top_up_accounts(buyer)
        try:
            account = self._choose_lead_top_up_account(
                buyer, params.get("company_id"), accounts
            )
        except UserError as refused:
            error = error or str(refused)
        return {
            "account": account,
            "accounts": accounts,
            "balances": self._get_lead_balances_now(buyer),
            "currency": account and account.env.company._get_lead_top_up_currency(),
            "minimum": account and account.env.company._get_lead_top_up_minimum(),
            "typed": params,
            "error": error,
            "top_ups": self._get_lead_top_ups(buyer),
        }

    def _get_lead_top_ups(self, buyer, **domain):
        """Return the buyer's requests, the newest first."""
        # This buyer's own, and nobody else's.
        requests = request.env["lead.top.up"].sudo()
        return requests.search(
            [
                ("partner_id.commercial_partner_id", "=", buyer.id),
                *((name, "=", value) for name, value in domain.items()),
            ],
            limit=MAX_LISTED,
        )

    @lead_route(URL, type="http", auth="user", website=True, methods=["POST"])
    def portal_request_lead_top_up(self, amount="", company_id="", **_params):
        """Request to pay in by bank transfer, and show where to.

        :param amount: with a point before its decimals
        :param company_id: where, if the buyer buys from several companies
        """
        buyer = self._require_lead_buyer()
        typed = {"amount": amount, "company_id": company_id}
        try:
            account = self._choose_lead_top_up_account(buyer, company_id)
            vals = {
                "partner_id": buyer.id,
                "company_id": account.env.company.id,
                "amount": self._read_lead_top_up_amount(account, amount),
                "requester_id": request.env.user.partner_id.id,
            }
        except UserError as refused:
            return self._show_lead_top_up(typed, str(refused))
        # The buyer's own, in a company where it prepays; nobody follows it by asking.
        requests = request.env["lead.top.up"].sudo()
        made = requests.with_context(mail_create_nosubscribe=True).create(vals)
        return request.redirect(f"{URL}/{made.id}", code=303)

    def _find_lead_top_up(self, top_up_id):
        """Return the buyer's request with this id.

        :raises NotFound: where it is nobody's, or anybody else's
        """
        buyer = self._require_lead_buyer()
        is_id = _ID.fullmatch(top_up_id)
        found = is_id and self._get_lead_top_ups(buyer, id=int(top_up_id))
        if not found:
            raise request.not_found()
        return found

    @report_route(f"{URL}/<string:top_up_id>", methods=["GET"])
    def portal_lead_top_up_request(self, top_up_id, **_params):
        """Show one of the buyer's requests, and where to pay to."""
        return self._render_lead_top_up(
            "lead_invoicing.portal_lead_top_up_request",
            o=self._find_lead_top_up(top_up_id),
        )

    @report_route(f"{URL}/<string:top_up_id>/pdf", methods=["GET"])
    @sends_file
    def portal_download_lead_top_up(self, top_up_id, **_params):
        """Download one of the buyer's requests."""
        found = self._find_lead_top_up(top_up_id)

        def write(file):
            # The buyer's own request, which the user has no rights on.
            reports = request.env["ir.actions.report"].sudo()
            content, _type = reports._render_qweb_pdf(
                "lead_invoicing.action_report_top_up", found.ids
            )
            file.write(content)

        name = f"Top-Up {found.reference.replace(' ', '')}.pdf"
        return self._respond_with_file(write, name, "pdf")

    @lead_route(
        f"{URL}/<string:top_up_id>/cancel",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_cancel_lead_top_up(self, top_up_id, **_params):
        """Cancel one of the buyer's requests; a paid one stays so."""
        found = self._find_lead_top_up(top_up_id)
        if found.state != "paid":
            found.action_cancel()
        return request.redirect(f"{URL}/{found.id}", code=303)
