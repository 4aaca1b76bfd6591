from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.lives import (
    WEIGHTS,
    BrokenError,
    Change,
    Life,
)
from odoo.addons.lead_invoicing.tests.common.lives_world import LivesCommon

OPEN_STATES = ("requested", "question")


class RequestLife(Life):
    """A life in which buyers ask for returns, and clerks and the platform decide,
    beside all else that happens to leads."""

    weights = {
        **WEIGHTS,
        "ask": 14,
        "accept": 8,
        "decline": 3,
        "ask_back": 3,
        "reply": 3,
        "withdraw": 3,
        "change_limits": 2,
    }

    def __init__(self, world, clock):
        self.requests = {}
        super().__init__(world, clock)

    def check_others(self):
        """What is decided stays so, and what was accepted is given back once."""
        requests = self.env["lead.return.request"].search([])
        states = {request.id: request.state for request in requests}
        for request_id, old in self.requests.items():
            new = states.get(request_id)
            if new != old and old not in OPEN_STATES:
                raise BrokenError(f"request {request_id} was {old}, is {new}")
        for request in requests:
            self.check_request(request)
        self.requests = states

    def check_request(self, request):
        """An accepted request has its return, of a sale that stands, and once."""
        made = self.env["lead.sale"].search_count(
            [("external_ref", "=", f"REQ-{request.id}")]
        )
        is_accepted = request.state == "accepted"
        if bool(request.return_id) != is_accepted or made > is_accepted:
            raise BrokenError(
                f"{request.name} is {request.state}, with {made} returns,"
                f" {request.return_id.display_name}"
            )
        if made and request.return_id.price != request.amount:
            raise BrokenError(f"{request.name} gave back {request.return_id.price}")

    def choose_request(self, *states):
        return self.choose(
            self.env["lead.return.request"].search([("state", "in", states)])
        )

    def step_ask(self):
        """A buyer asks for some of its leads, some of them twice or long gone."""
        buyer = self.choose_buyer().commercial_partner_id
        sales = self.env["lead.sale"].search(
            [
                ("commercial_partner_id", "=", buyer.id),
                ("transaction_type", "=", "sale"),
            ],
            order="id desc",
            limit=12,
        )
        wishes = {}
        for _number in range(self.draw.randint(1, 3)):
            sale = self.choose(sales)
            part = self.draw.choice([None, None, 0.5, 1, 2])
            wishes[sale.external_ref] = part and round(sale.price * part, 2)
        requests = self.env["lead.return.request"]
        before = requests.search([])
        outcomes = requests.sudo()._ask_for_returns(buyer, wishes)
        made = {
            one.request for one in outcomes if one.state in (*OPEN_STATES, "accepted")
        }
        if made != set(requests.search([]) - before):
            raise BrokenError("requests were made that nobody is told of")
        return Change()

    def step_accept(self):
        request = self.choose_request(*OPEN_STATES)
        request.action_accept()
        # A call that broke off is repeated.
        request.action_accept()
        return Change()

    def step_decline(self):
        self.choose_request(*OPEN_STATES).action_decline("We called, and were answered")
        return Change()

    def step_ask_back(self):
        self.choose_request(*OPEN_STATES).action_ask("When did you call?")
        return Change()

    def step_reply(self):
        self.choose_request("question").sudo()._reply("On Monday")
        return Change()

    def step_withdraw(self):
        self.choose_request(*OPEN_STATES, "declined").sudo()._withdraw()
        return Change()

    def step_change_limits(self):
        if self.draw.random() < 0.5:
            lead_type = self.draw.choice(self.world.auto | self.world.edu)
            lead_type.return_request_days = self.draw.choice([0, 0, 10])
            lead_type.return_request_share = self.draw.choice([0, 0, 50])
        else:
            buyer = self.choose_buyer().commercial_partner_id
            buyer = buyer.with_company(self.choose_company())
            buyer.lead_return_auto_share = self.draw.choice([0, 20, 100])
        return Change()


@tagged("post_install", "-at_install")
class TestRequestLives(LivesCommon):
    """Requests in any order beside billing, reversals, corrections and all else."""

    life = RequestLife

    def test_lives_with_requests(self):
        self.assert_all_lives()
