import os
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.tests import tagged

from .common.charges import ChargesCommon
from .common.charges_model import KINDS, ChargesModel, Lead
from .common.generation import GENERATION, MONDAY, WEEK
from .common.optional_packages import HealthCheck, Phase, given, settings, st

WEEKS = 6
PERIODS = st.sampled_from(["window", "month"])
TYPES = st.sampled_from([None, None, "EDU"])
MONEY = st.integers(1, 9000).map(lambda cents: Decimal(cents) / 100)
PERCENT = st.sampled_from(["2.5", "10", "33.3333", "100"]).map(Decimal)
STEP = st.tuples(st.just(Decimal(0)), PERCENT) | st.tuples(MONEY, st.just(Decimal(0)))


def terms(**figures):
    return st.fixed_dictionaries({"period": PERIODS, "lead_type": TYPES, **figures})


TERMS = st.fixed_dictionaries(
    {},
    optional={
        "fee": terms(amount=MONEY),
        "minimum": terms(amount=MONEY),
        "discount": terms(percent=PERCENT),
        "tier": terms(
            mode=st.sampled_from(["all", "graduated"]),
            steps=st.dictionaries(st.integers(1, 6), STEP, min_size=1, max_size=3),
        ),
    },
)
LIFE = st.fixed_dictionaries(
    {
        "terms": TERMS,
        "is_split": st.booleans(),
        "weeks": st.lists(
            st.fixed_dictionaries(
                {
                    # Price in cents, lead type, sold so many weeks ago
                    "sales": st.lists(
                        st.tuples(
                            st.sampled_from([0, 1, 5, 999, 1000, 1250, 3333]),
                            st.sampled_from(["EDU", "AUTO"]),
                            st.sampled_from([0, 0, 0, 1, 2]),
                        ),
                        max_size=5,
                    ),
                    # Which lead, and which part of what is left of its price
                    "returns": st.lists(
                        st.tuples(st.integers(0, 30), st.sampled_from([1, 1, 2, 3])),
                        max_size=2,
                    ),
                    # The documents of which week are reversed afterwards
                    "reverse": st.none() | st.integers(0, 5),
                }
            ),
            min_size=WEEKS,
            max_size=WEEKS,
        ),
    }
)


@tagged("post_install", "-at_install")
class TestChargesLives(ChargesCommon):
    """Whatever is agreed, sold, returned and reversed: each charge is what a second,
    plain model says, on the documents of its week, and each once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lead_review_zero_price = False

    # A life takes seconds: one that fails is told as it is, not made smaller first.
    @settings(
        max_examples=int(os.environ.get("LIVES_EXAMPLES", "2")),
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(lives=st.lists(LIFE, min_size=5, max_size=5))
    def test_lives(self, lives):
        with self.env.cr.savepoint() as savepoint:
            self.live(lives)
            self.assert_books_hold()
            savepoint.rollback()
        self.env.invalidate_all()
        self.env["account.move"]._get_sequence_cache().clear()

    def live(self, lives):
        self.sold = {}  # model's lead: transaction
        buyers = []
        for number, life in enumerate(lives):
            buyer = self.new_buyer(
                f"Buyer {number}",
                lead_invoice_split="lead_type" if life["is_split"] else "none",
            )
            self.agree_on(buyer, life["terms"])
            buyers.append((buyer, life, ChargesModel(self.get_terms(life["terms"]))))
        for week in range(WEEKS):
            expected = {}
            for buyer, life, model in buyers:
                happens = life["weeks"][week]
                sold = self.sell(buyer, week, happens["sales"])
                returned = self.give_back_some(model, sold, week, happens["returns"])
                expected[buyer] = model.end_week(week, sold, returned)
            documents = self.generate(GENERATION + week * WEEK)
            reasons = documents.filtered("lead_review_reason")
            self.assertFalse(reasons.mapped("lead_review_reason"))
            for buyer, life, model in buyers:
                own = documents.filtered(lambda m, b=buyer: m.partner_id == b)
                self.assertEqual(
                    self.sum_up(own), expected[buyer], (buyer.name, week, life)
                )
                self.assert_ties_out(own)
                with freeze_time(GENERATION + week * WEEK):
                    self.reverse_week(
                        buyer, model, life["weeks"][week]["reverse"], week
                    )

    def agree_on(self, buyer, agreed):
        for kind, vals in agreed.items():
            vals = dict(vals)
            steps = vals.pop("steps", {})
            vals["lead_type_id"] = self.edu.id if vals.pop("lead_type") else False
            if mode := vals.pop("mode", None):
                vals["tier_mode"] = mode
            for name in ("amount", "percent"):
                if name in vals:
                    vals[name] = float(vals[name])
            self.agree(
                kind,
                buyer,
                steps=[
                    (count, {"price": float(price), "percent": float(percent)})
                    for count, (price, percent) in steps.items()
                ],
                **vals,
            )

    def get_terms(self, agreed):
        return {
            kind: {
                **vals,
                "steps": [(count, *s) for count, s in vals.get("steps", {}).items()],
            }
            for kind, vals in agreed.items()
        }

    def sell(self, buyer, week, sales):
        leads = []
        for number, (price, lead_type, late) in enumerate(sales):
            date = MONDAY + max(week - late, 0) * WEEK + timedelta(hours=1 + number)
            with freeze_time(MONDAY + week * WEEK + timedelta(days=3)):
                lead = Lead(
                    Decimal(price) / 100, lead_type, (date, len(self.sold)), week
                )
                self.sold[id(lead)] = self.new_sale(
                    buyer, str(lead.price), f"{date.isoformat()}Z", lead_type=lead_type
                )
            leads.append(lead)
        return leads

    def give_back_some(self, model, sold, week, returns):
        """Return leads of documents that were not reversed."""
        result = defaultdict(Decimal)
        leads = [lead for lead in model.leads + sold if lead.week not in model.credited]
        for number, part in returns:
            if not leads:
                break
            lead = leads[number % len(leads)]
            left = lead.left - result[id(lead)]
            amount = (left / part).quantize(Decimal("0.01"))
            if (amount and id(lead) not in result) or (amount and not result[id(lead)]):
                result[id(lead)] = amount
                date = MONDAY + week * WEEK + timedelta(days=2)
                with freeze_time(date + timedelta(days=1)):
                    self.new_return(self.sold[id(lead)], amount, f"{date.isoformat()}Z")
        return [(lead, result[id(lead)]) for lead in leads if result.get(id(lead))]

    def sum_up(self, documents):
        lines = dict.fromkeys(KINDS, Decimal(0))
        for kind, amount in self.charges_on(documents):
            lines[kind] += Decimal(str(round(amount, 2)))
        return lines

    def reverse_week(self, buyer, model, reversed_week, week):
        """Reverse the documents of a week that no return is on or of."""
        if reversed_week is None or reversed_week > week:
            return
        is_returned = any(
            lead.returns
            and (
                lead.week == reversed_week
                or any(w == reversed_week for w, _amount in lead.returns)
            )
            for lead in model.leads
        )
        end = MONDAY + (reversed_week + 1) * WEEK
        documents = self.env["account.move"].search(
            [
                ("partner_id", "=", buyer.id),
                ("lead_run_id", "!=", False),
                ("lead_window_end", "=", end),
            ]
        )
        if (
            is_returned
            or not documents
            or reversed_week in model.credited
            or any(b.kept for b in model.billed if b.week == reversed_week)
            or min(documents.mapped("amount_total_signed")) <= 0
        ):
            return
        for document in documents:
            reversal = self.reverse(document)
            self.assertEqual(reversal.amount_total, document.amount_total)
            reversal.action_post()
        model.credited.add(reversed_week)
