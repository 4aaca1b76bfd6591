import json
from decimal import Decimal

from .common.any_input import FIELDS, JSON, LEAD_DATA
from .common.optional_packages import HealthCheck, given, settings, st
from .common.world import LeadInvoicingCommon

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck)
)


def nest(depth):
    value = []
    for _level in range(depth):
        value = [value]
    return value


# What costs more than its row, if nobody looks.
MONSTERS = [
    "\ud800",
    "half \ude00 of a pair",
    "x\x00y",
    10**400,
    -(10**5000),
    float("nan"),
    float("inf"),
    1e308,
    5e-324,
    nest(400),
    {"a": nest(400)},
    b"bytes",
    "x" * 10_000_000,
    ["x" * 1000] * 1000,
    {"\ud800": "\x00"},
    {f"field {number}": number for number in range(10_000)},
]


class TestAnyInput(LeadInvoicingCommon):
    """Rules that hold for every input, tried with very many."""

    @SETTINGS
    @given(
        st.lists(
            st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)
            | st.fixed_dictionaries({"lead_data": LEAD_DATA})
            | JSON,
            max_size=5,
        )
    )
    def test_every_row_has_its_answer_and_good_rows_are_in(self, rows):
        good = self.sale_vals("good one")
        with self.env.cr.savepoint() as savepoint:
            vals_list = [
                {**self.sale_vals(f"row {i}"), **row} if isinstance(row, dict) else row
                for i, row in enumerate(rows)
            ]
            answers = self.record(*vals_list, good)
            self.assertEqual(len(answers), len(vals_list) + 1)
            for answer in answers:
                is_in = answer["status"] in ("created", "duplicate", "conflict")
                self.assertEqual(bool(answer["id"]), is_in)
                explained = answer["status"] in ("error", "conflict")
                self.assertEqual(bool(answer["message"]), explained)
            self.assert_answer_can_be_sent(answers)
            self.assertEqual(answers[-1]["status"], "created")
            created = {a["id"] for a in answers if a["status"] == "created"}
            stored = self.env["lead.sale"].search([])
            self.assertEqual(set(stored.ids), created)
            # What was stored can be read, and sending it again changes nothing.
            stored.read()
            again = self.record(*vals_list, good)
            self.assertNotIn("created", [answer["status"] for answer in again])
            savepoint.rollback()
            self.env.invalidate_all()

    def assert_answer_can_be_sent(self, answers):
        for answer in answers:
            text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
            self.assertLess(len(text.encode()), 3000)

    def test_whatever_one_value_is_only_its_row_is_refused(self):
        fields = [(name, None) for name in FIELDS]
        fields += [("lead_data", prop["name"]) for prop in self.get_definition()]
        for name, prop in fields:
            rows = [
                self.sale_vals(f"{name} {prop} {number}", lead_data={"email": "s@x.y"})
                for number in range(len(MONSTERS))
            ]
            for row, value in zip(rows, MONSTERS, strict=True):
                if prop:
                    row["lead_data"][prop] = value
                else:
                    row[name] = value
            with self.subTest(field=name, prop=prop), self.assertNoLogs(level="ERROR"):
                answers = self.record(*rows, self.sale_vals(f"good {name} {prop}"))
                self.assert_answer_can_be_sent(answers)
                self.assertNotIn("s@x.y", str(answers))
                self.assertEqual(answers[-1]["status"], "created")
                stored = self.env["lead.sale"].browse(
                    [answer["id"] for answer in answers if answer["id"]]
                )
                stored.read()

    def get_definition(self):
        return self.auto.lead_properties_definition

    @SETTINGS
    @given(
        price=st.integers(0, 3000),
        parts=st.lists(st.integers(0, 1500), min_size=1, max_size=6),
        one_call=st.booleans(),
    )
    def test_returns_never_exceed_the_price_of_their_sale(self, price, parts, one_call):
        with self.env.cr.savepoint() as savepoint:
            rows = [self.sale_vals("T", price=f"{Decimal(price) / 100}")] + [
                self.return_vals(
                    f"R{i}",
                    "T",
                    price=f"{Decimal(part) / 100}",
                    occurred_at=f"2026-01-{20 - i}T00:00:00Z",
                )
                for i, part in enumerate(parts)
            ]
            for call in [rows[::-1]] if one_call else [[row] for row in rows]:
                self.record(*call)
            sale = self.env["lead.sale"].search([("external_ref", "=", "T")])
            returns = self.env["lead.sale"].search([("origin_id", "=", sale.id)])
            rest = round(sale.price - sum(returns.mapped("price")), 2)
            self.assertGreaterEqual(rest, 0)
            # The lead counts as returned once, by the return that left nothing.
            in_full = returns.filtered(lambda r: not r.price_adjustment)
            self.assertEqual(len(in_full), 1 if in_full else 0)
            self.assertEqual(bool(in_full), rest == 0 and bool(returns))
            savepoint.rollback()
            self.env.invalidate_all()
