from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.lead_invoicing.controllers.portal import LeadPortal
from odoo.addons.lead_invoicing.controllers.routing import (
    lead_route,
    read_page,
    report_route,
)
from odoo.addons.lead_invoicing.tools.parsing import RowError, read_reference, read_text
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..models.lead_return_request_buyer import Outcome
from ..recording.lists import read_file, read_lines

URL = "/my/return-requests"
REQUESTS_PER_PAGE = 50
# Between a reference and an amount; no reference has one in it.
SEPARATOR = "\t"


class LeadReturnPortal(LeadPortal):
    """A buyer's return requests in the portal: own rows only.

    Portal users have no access to requests or to the ledger: all is looked up for the
    buyer that the user belongs to.
    """

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "lead_return_request_count" in counters:
            values["lead_return_request_count"] = self._has_lead_sales()
        return values

    def _prepare_lead_report_values(self, page, params):
        """Say beside each sale of the report whether its return was, or can be, asked
        for."""
        values = super()._prepare_lead_report_values(page, params)
        if buyer := self._get_lead_buyer():
            references = [
                row["external_ref"]
                for row in values.get("rows", ())
                if row["transaction_type"] == "sale"
            ]
            # Safe: of the buyer's own rows, and nobody else's.
            requests = request.env["lead.return.request"].sudo()
            values["lead_returns"] = requests._get_marks(buyer, references)
        return values

    def _get_lead_requests(self, buyer):
        """Return the requests of a buyer, as ``(model, domain)``."""
        # Of this buyer's own rows, and nobody else's.
        requests = request.env["lead.return.request"].sudo()
        return requests, requests._get_buyer_domain(buyer)

    def _get_lead_return_reasons(self, buyer):
        """Return the reasons to choose from: of the companies that sold the buyer
        leads."""
        report = request.env["lead.invoicing.report"]
        companies = report._get_lead_types(
            buyer._get_lead_buyers(), request.env["account.move"]
        ).company_id
        # Safe: what companies call their reasons is for their buyers to read.
        reasons = request.env["lead.return.reason"].sudo()
        return reasons.search([("company_id", "in", companies.ids)])

    def _render_lead_returns(self, template, buyer, **values):
        return self._render_lead_page(
            f"lead_invoicing_return.{template}",
            **{
                "page_name": "lead_returns",
                "url": URL,
                "get_reasons": lambda: self._get_lead_return_reasons(buyer),
                **values,
            },
        )

    # List and page

    @report_route([URL, f"{URL}/page/<page>"], methods=["GET"])
    def portal_my_return_requests(self, page="1", **_params):
        """Show the buyer's requests, the newest first.

        :param page: number of the page; the first one where it is none
        """
        buyer = self._require_lead_buyer()
        requests, domain = self._get_lead_requests(buyer)
        pager = portal_pager(
            url=URL,
            total=requests.search_count(domain),
            page=read_page(page),
            step=REQUESTS_PER_PAGE,
        )
        return self._render_lead_returns(
            "portal_my_return_requests",
            buyer,
            pager=pager,
            lead_requests=requests.search(
                domain, limit=REQUESTS_PER_PAGE, offset=pager["offset"]
            ),
        )

    def _find_lead_request(self, request_id):
        """Return the buyer and its request with this id.

        :raises NotFound: where it is nobody's, or anybody else's
        """
        buyer = self._require_lead_buyer()
        requests, domain = self._get_lead_requests(buyer)
        found = requests.search(domain & Domain("id", "=", request_id))
        if not found:
            raise request.not_found()
        return buyer, found

    @report_route(f"{URL}/<int:request_id>", methods=["GET"])
    def portal_my_return_request(self, request_id, **_params):
        """Show one of the buyer's requests."""
        buyer, found = self._find_lead_request(request_id)
        return self._render_lead_request(buyer, found)

    def _render_lead_request(self, buyer, found, error=None):
        return self._render_lead_returns(
            "portal_my_return_request",
            buyer,
            asked=found,
            request_name=found.name,
            error=error,
        )

    @lead_route(
        f"{URL}/<int:request_id>/<any(withdraw, reply):what>",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_change_return_request(self, request_id, what, answer="", **_params):
        """Take a request back, or answer the question about it."""
        buyer, found = self._find_lead_request(request_id)
        try:
            if what == "withdraw":
                found._withdraw()
            else:
                found._reply(read_text(request.env, "answer", answer))
        except (RowError, UserError) as error:
            return self._render_lead_request(buyer, found, str(error))
        return request.redirect(f"{URL}/{found.id}", code=303)

    # Asking

    @report_route(f"{URL}/new", methods=["GET"])
    def portal_new_return_request(self, **_params):
        """Show the form to ask for returns; ``lead``, given any number of times, is
        what it begins with."""
        buyer = self._require_lead_buyer()
        leads = request.httprequest.args.getlist("lead")
        return self._render_lead_returns(
            "portal_new_return_request",
            buyer,
            leads="\n".join(leads),
            note="",
            error=None,
        )

    @lead_route(
        f"{URL}/new",
        files=("file",),
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
    )
    def portal_ask_for_returns(self, leads="", note="", reason_id="", **params):
        """Ask for returns, and tell what became of each.

        :param leads: lead ids or references, one a line
        :param file: the same as a CSV or XLSX file
        :param lead: given any number of times: a reference, and after a tab an amount
        :param reason_id: one of the reasons to choose from
        :param note: what the buyer says of it
        """
        buyer = self._require_lead_buyer()
        try:
            outcomes = self._ask_for_returns(
                buyer, leads, params.get("file"), note, reason_id
            )
        except (RowError, UserError) as error:
            sentence = error.sentence if isinstance(error, RowError) else str(error)
            return self._render_lead_returns(
                "portal_new_return_request",
                buyer,
                leads=leads,
                note=note,
                error=sentence,
            )
        return self._render_lead_returns(
            "portal_return_outcomes",
            buyer,
            made=[wish for wish in outcomes if wish.state in ("requested", "accepted")],
            others=[
                wish for wish in outcomes if wish.state not in ("requested", "accepted")
            ],
        )

    def _ask_for_returns(self, buyer, text, file, note, reason_id):
        env = request.env
        listed = read_lines(env, text)
        if hasattr(file, "read"):
            listed += read_file(env, file.read())
        outcomes = [
            Outcome(env._("Row %s", lead.row), "refused", lead.error)
            for lead in listed
            if lead.error
        ]
        wishes = {lead.word: None for lead in listed if not lead.error}
        for value in request.httprequest.form.getlist("lead"):
            reference, _tab, amount = value.partition(SEPARATOR)
            if reference := read_reference(env, "lead", reference):
                wishes[reference] = _read_amount(amount)
        if not wishes and not outcomes:
            raise UserError(env._("Name at least one lead."))
        reasons = self._get_lead_return_reasons(buyer)
        # Safe: sales are looked for among the buyer's own.
        return outcomes + env["lead.return.request"].sudo()._ask_for_returns(
            buyer,
            wishes,
            reason=reasons.filtered(lambda reason: str(reason.id) == reason_id),
            note=read_text(env, "note", note),
            requester=env.user.partner_id,
        )


def _read_amount(text):
    """Return the amount that the comparison proposed, None for all that is left."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
