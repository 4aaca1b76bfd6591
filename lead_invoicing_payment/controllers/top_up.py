from urllib.parse import urlencode

from werkzeug.exceptions import BadRequest, Forbidden

from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.lead_invoicing.controllers.routing import lead_route, report_route
from odoo.addons.lead_invoicing.controllers.top_up import URL, LeadTopUpPortal
from odoo.addons.payment import utils as payment_utils

PAY_URL = f"{URL}/pay"


class LeadTopUpPayment(LeadTopUpPortal, PaymentPortal):
    """A prepaid buyer pays in online, with Odoo's payment form and providers. What it
    pays names no invoice, and so is its deposit."""

    def _prepare_lead_top_up_values(self, buyer, params, error):
        values = super()._prepare_lead_top_up_values(buyer, params, error)
        account = values["account"]
        if account:
            providers = self._get_lead_providers(account, 0.0)
            values["can_pay_online"] = bool(providers)
            values["can_recharge"] = any(p.allow_tokenization for p in providers)
        if reference := params.get("payment"):
            values["online_payment"] = self._find_lead_payment(buyer, reference)
        return values

    def _find_lead_payment(self, buyer, reference):
        """Return the buyer's own transaction with this reference, if there is one."""
        # This buyer's, and nobody else's.
        transactions = request.env["payment.transaction"].sudo()
        return transactions.search(
            [
                ("reference", "=", reference),
                ("partner_id.commercial_partner_id", "=", buyer.id),
            ]
        )

    def _get_lead_providers(self, account, amount, **options):
        """Return the providers by which the user can pay in.

        :param account: the buyer, in the company where it pays in
        """
        company = account.env.company
        # Which providers there are is decided for this user; their fields are not
        # the user's to read.
        providers = (
            request.env["payment.provider"]
            .sudo()
            ._get_compatible_providers(
                company.id,
                request.env.user.partner_id.id,
                amount,
                currency_id=company._get_lead_top_up_currency().id,
                **options,
            )
        )
        # Odoo offers a branch its parent's, too, and books in the parent.
        return providers.filtered(lambda provider: provider.company_id == company)

    @lead_route(PAY_URL, type="http", auth="user", website=True, methods=["POST"])
    def portal_choose_lead_payment(self, amount="", company_id="", **_params):
        """Check what is to be paid in, and show the ways to pay.

        :param amount: with a point before its decimals
        :param company_id: where, if the buyer buys from several companies
        """
        query = urlencode({"amount": amount, "company_id": company_id})
        return request.redirect(f"{PAY_URL}?{query}", code=303)

    @report_route(PAY_URL, methods=["GET"])
    def portal_pay_lead_top_up(self, amount="", company_id="", **_params):
        """Show Odoo's payment form for what is to be paid in.

        :param amount, company_id: as of :meth:`portal_choose_lead_payment`
        """
        buyer = self._require_lead_buyer()
        typed = {"amount": amount, "company_id": company_id}
        try:
            account = self._choose_lead_top_up_account(buyer, company_id)
            paid = self._read_lead_top_up_amount(account, amount)
        except UserError as refused:
            return self._show_lead_top_up(typed, str(refused))
        return self._render_lead_top_up(
            "lead_invoicing_payment.portal_pay_lead_top_up",
            **self._prepare_lead_payment_values(account, paid),
        )

    def _prepare_lead_payment_values(self, account, amount):
        """Return what Odoo's payment form takes, as its own pages do."""
        partner = request.env.user.partner_id
        company = account.env.company
        currency = company._get_lead_top_up_currency()
        report = {}
        providers = self._get_lead_providers(account, amount, report=report)
        methods = (
            # As the providers.
            request.env["payment.method"]
            .sudo()
            ._get_compatible_payment_methods(
                providers.ids, partner.id, currency_id=currency.id, report=report
            )
        )
        # The user's own.
        tokens = request.env["payment.token"].sudo()
        return {
            "account": account,
            "amount": amount,
            "currency": currency,
            "partner_id": partner.id,
            "providers_sudo": providers,
            "payment_methods_sudo": methods,
            "tokens_sudo": tokens._get_available_tokens(providers.ids, partner.id),
            "availability_report": report,
            "show_tokenize_input_mapping": self._compute_show_tokenize_input_mapping(
                providers
            ),
            "transaction_route": f"{URL}/transaction/{company.id}",
            "landing_route": URL,
            "access_token": payment_utils.generate_access_token(
                partner.id, amount, currency.id, company.id
            ),
        }

    @lead_route(f"{URL}/transaction/<int:company_id>", type="jsonrpc", auth="user")
    def lead_top_up_transaction(self, company_id, amount, access_token, **kwargs):
        """Create the transaction of a payment in; return what the form does next.

        All that was decided when the form was shown is decided again.

        :param company_id: where the user's buyer pays in
        :param amount: what was agreed to
        :param access_token: of the form, which says so
        :param kwargs: what Odoo's form sends: provider, method or token, and flow
        :raises Forbidden: for what the form did not show
        :raises BadRequest: for what it does not send
        :raises UserError: if the buyer cannot pay in, or not so much
        """
        self._validate_transaction_kwargs(kwargs)
        buyer = self._require_lead_buyer()
        account = self._choose_lead_top_up_account(buyer, company_id)
        try:
            amount = float(amount)
        except (TypeError, ValueError) as error:
            raise BadRequest from error
        currency = account.env.company._get_lead_top_up_currency()
        account._check_lead_top_up_amount(
            amount, currency, account.env.company._get_lead_top_up_minimum()
        )
        partner = request.env.user.partner_id
        if not payment_utils.check_access_token(
            access_token, partner.id, amount, currency.id, company_id
        ):
            raise Forbidden
        self._check_lead_provider(account, amount, kwargs)
        transaction = self._create_transaction(
            provider_id=kwargs["provider_id"],
            payment_method_id=kwargs.get("payment_method_id"),
            token_id=kwargs.get("token_id"),
            amount=amount,
            currency_id=currency.id,
            partner_id=partner.id,
            flow=kwargs.get("flow"),
            tokenization_requested=bool(kwargs.get("tokenization_requested")),
            landing_route=URL,
            reference_prefix=payment_utils.singularize_reference_prefix(prefix="TOPUP"),
        )
        transaction.landing_route = f"{URL}?payment={transaction.reference}"
        return transaction._get_processing_values()

    def _check_lead_provider(self, account, amount, kwargs):
        """Check that this provider, and this token, are among those that are offered.

        :raises Forbidden: if they are not
        """
        providers = self._get_lead_providers(account, amount)
        if kwargs.get("provider_id") not in providers.ids:
            raise Forbidden
        if kwargs.get("flow") == "token":
            # The user's own.
            tokens = request.env["payment.token"].sudo()
            offered = tokens._get_available_tokens(
                [kwargs["provider_id"]], request.env.user.partner_id.id
            )
            if kwargs.get("token_id") not in offered.ids:
                raise Forbidden
