from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.lead_invoicing.controllers.routing import lead_route, report_route

from .top_up import LeadTopUpPayment

RECHARGE_URL = "/my/lead-recharge"
AMOUNTS = ("threshold", "amount", "daily_limit")


class LeadRechargePortal(LeadTopUpPayment):
    """Automatic recharge: the buyer, and nobody else, consents, and withdraws it."""

    @report_route(RECHARGE_URL, methods=["GET"])
    def portal_lead_recharge(self, **params):
        """Show what is agreed on, or the form to agree.

        :param params: ``company_id``
        """
        return self._show_lead_recharge(params)

    def _show_lead_recharge(self, params, error="", vals=None):
        buyer = self._require_lead_buyer()
        account, tokens = None, request.env["payment.token"]
        accounts = self._get_lead_top_up_accounts(buyer)
        try:
            account = self._choose_lead_top_up_account(
                buyer, params.get("company_id"), accounts
            )
            tokens = self._get_lead_recharge_tokens(account)
        except UserError as refused:
            error = error or str(refused)
        # The buyer's own consents and charges.
        consents = request.env["lead.recharge.consent"].sudo()
        recharges = request.env["lead.recharge"].sudo()
        company = account.env.company if account else request.env.company
        consents = consents.with_company(company)
        return self._render_lead_top_up(
            "lead_invoicing_payment.portal_lead_recharge",
            url_recharge=RECHARGE_URL,
            account=account,
            accounts=accounts,
            currency=company._get_lead_top_up_currency(),
            tokens=tokens,
            consent=consents._get_current(buyer),
            recharges=recharges.search(
                [("partner_id", "=", buyer.id), ("company_id", "=", company.id)],
                limit=10,
            ),
            typed=params,
            error=error,
            agreement=vals and consents._get_text(company, vals),
        )

    def _get_lead_recharge_tokens(self, account):
        """Return the user's own payment methods that can be charged without it."""
        providers = self._get_lead_providers(account, 0.0, force_tokenization=True)
        # Where charges must be confirmed, nothing is charged by itself.
        providers = providers.filtered(lambda provider: not provider.capture_manually)
        # The user's own.
        tokens = request.env["payment.token"].sudo()
        return tokens._get_available_tokens(
            providers.ids, request.env.user.partner_id.id
        )

    @lead_route(RECHARGE_URL, type="http", auth="user", website=True, methods=["POST"])
    def portal_consent_to_lead_recharge(self, agreed="", **typed):
        """Show the sentence to agree to; record the consent once it is agreed to.

        :param typed: ``token_id``, ``threshold``, ``amount``, ``daily_limit`` and
            ``company_id``
        :param agreed: the box is ticked
        """
        buyer = self._require_lead_buyer()
        # The consent is recorded by the engine, as its user's.
        consents = request.env["lead.recharge.consent"].sudo()
        try:
            account = self._choose_lead_top_up_account(buyer, typed.get("company_id"))
            vals = self._read_lead_recharge(account, typed)
            consents._check_terms(account, vals)
        except UserError as refused:
            return self._show_lead_recharge(typed, str(refused))
        if not agreed:
            return self._show_lead_recharge(typed, vals=vals)
        consents._give(account, vals)
        return self._go_to_lead_recharge(typed)

    def _read_lead_recharge(self, account, typed):
        """Return what the buyer entered, as values of a consent.

        :raises UserError: if something of it is not right
        """
        tokens = self._get_lead_recharge_tokens(account)
        token = tokens.filtered(lambda t: str(t.id) == typed.get("token_id"))
        if not token:
            raise UserError(request.env._("Choose one of your payment methods."))
        vals = {
            name: self._read_lead_amount(account, typed.get(name)) for name in AMOUNTS
        }
        currency = account.env.company._get_lead_top_up_currency()
        return {**vals, "token_id": token.id, "currency_id": currency.id}

    @lead_route(
        f"{RECHARGE_URL}/withdraw",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_withdraw_lead_recharge(self, company_id="", **_params):
        """Withdraw the buyer's consent, whoever of the buyer gave it."""
        buyer = self._require_lead_buyer()
        companies = request.env["lead.type"]._get_lead_companies()
        for company in companies.filtered(lambda c: str(c.id) == company_id):
            # The buyer's own consent; who withdraws it is on the record.
            consents = request.env["lead.recharge.consent"].sudo()
            for consent in consents.with_company(company)._get_current(buyer):
                consent._end("withdrawn", request.env._("I withdraw my consent."))
        return self._go_to_lead_recharge({"company_id": company_id})

    def _go_to_lead_recharge(self, typed):
        company_id = typed.get("company_id") or ""
        query = f"?company_id={company_id}" if company_id.isdecimal() else ""
        return request.redirect(f"{RECHARGE_URL}{query}", code=303)
