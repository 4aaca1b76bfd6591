from collections import defaultdict

from freezegun import freeze_time

from odoo.tools.safe_eval import safe_eval

from ...report.overview import OverviewReader
from .settlement import SettlementCommon

# Wednesday after the first run.
NOW = "2026-11-11 12:00"


class OverviewCommon(SettlementCommon):
    """Ways to look at the overview, and to open what it shows."""

    def setUp(self):
        super().setUp()
        # A buyer on credit, unless a test says otherwise.
        self.buyer.lead_billing_mode = "credit"

    def get_cards(self, user=None, companies=None):
        """Return {code: card} as a user sees the overview, a clerk by default."""
        self.env.flush_all()
        self.env.invalidate_all()
        user = user or self.billing_user
        cards = self.env["lead.overview.card"].with_user(user)
        if companies:
            cards = cards.with_context(allowed_company_ids=companies.ids)
        return {card.code: card for card in cards.search([("is_shown", "=", True)])}

    def get_card(self, code, user=None, companies=None):
        return self.get_cards(user, companies)[code]

    def open(self, action, user=None):
        """Return the records that an action lists."""
        domain = action["domain"]
        if isinstance(domain, str):
            domain = safe_eval(domain)
        return (
            self.env[action["res_model"]]
            .with_user(user or self.billing_user)
            .search(domain)
        )

    def sum_by_currency(self, records, field):
        amounts = defaultdict(float)
        for record in records:
            amounts[record.currency_id] += record[field]
        return {currency.name: round(amount, 2) for currency, amount in amounts.items()}

    def assert_adds_up(self, code, count, amounts, field="amount", number=len):
        """A card shows these figures, and opens records that add up to them.

        :param amounts: {name of a currency: amount}
        :param field: of the records that the money opens
        :param number: what is counted of the records
        """
        card = self.get_card(code)
        self.assertEqual(card.figure_count, count)
        self.assertEqual(number(self.open(card.action_open())), count)
        reader = OverviewReader(card.env)
        sources = card._get_sources(reader) | card._get_money_sources(reader)
        _number, shown = reader.read_source(sources[code])
        self.assertEqual(
            {currency.name: round(amount, 2) for currency, amount in shown}, amounts
        )
        self.assertEqual(card.amounts or "", card._format_amounts(shown))
        behind = self.open(card.action_open_money())
        self.assertEqual(self.sum_by_currency(behind, field), amounts)
        return card

    def make_trouble(self):
        """Have a posted document, one to review, and a buyer who cannot be invoiced."""
        self.company.lead_review_zero_price = True
        self.other_buyer = self.new_buyer("Buyer B")
        self.new_sale(price="12.50")
        draft = self.new_buyer("Buyer C")
        self.new_sale(draft, "0.00")
        self.new_sale(draft, "7.00")
        account = self.other_buyer.property_account_receivable_id.copy()
        self.other_buyer.property_account_receivable_id = account
        account.active = False
        self.new_sale(self.other_buyer, "20.00")
        self.new_sale(self.other_buyer, "21.50")
        return self.generate()

    def at_noon(self):
        return freeze_time(NOW)
