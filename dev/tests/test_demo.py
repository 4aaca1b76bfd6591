"""The demonstration's sample, its comparison and its mail catcher."""

import smtplib
import sys
from collections import defaultdict
from decimal import Decimal
from email.message import EmailMessage
from types import SimpleNamespace

from dev.acceptance import check, sample, scenario
from dev.acceptance.mail_catching import Catcher


def test_the_sample_adds_up_to_what_came_with_it():
    assert sample.get_expected(sample.read_rows()) == sample.get_expected()


def test_lead_data_have_the_types_of_their_definition():
    row = next(row for row in sample.read_rows() if row["lead_type"] == "AUTO")
    data = sample.prepare_transaction(row)["lead_data"]
    assert isinstance(data["vehicle_year"], int)
    assert isinstance(data["currently_insured"], bool)
    assert data["lead_source"] == data["lead_source"].lower()
    assert "credit_rating" not in data


def test_mailed_buyers_stay_within_the_number_asked_for():
    rows = sample.read_rows()
    counts = scenario.count_documents(rows)
    assert not scenario.choose_mailed(rows, 0)
    assert 30 < sum(counts[ref] for ref in scenario.choose_mailed(rows, 40)) <= 40
    # All that are billed: not the branches.
    everyone = set(sample.get_buyers(rows))
    assert scenario.choose_mailed(rows, None) == everyone - set(
        scenario.get_heads(rows)
    )


def test_deposits_cover_what_is_bought_unless_they_run_dry():
    rows = sample.read_rows()
    balances, prepaid, dry = defaultdict(Decimal), set(), set()
    moves = [(day, 0, ref, amount) for ref, day, amount in scenario.plan_deposits(rows)]
    for row in rows:
        if row["type"] == "sale":
            day = sample.get_local_date(row["occurred_at"])
            moves.append((day, 1, row["buyer_ref"], -Decimal(row["price"])))
    for _day, is_sale, ref, amount in sorted(moves):
        balances[ref] += amount
        if not is_sale:
            prepaid.add(ref)
        elif ref in prepaid and balances[ref] < 0:
            dry.add(ref)
    assert len(prepaid) > 100
    assert 5 <= len(dry) <= 20


def test_a_branch_is_of_the_buyer_before_it_and_has_no_other_part():
    rows = sample.choose_rows(buyers=60)
    refs, parts = list(sample.get_buyers(rows)), scenario.get_parts(rows)
    heads = scenario.get_heads(rows)
    assert len(heads) == 3
    for branch, head in heads.items():
        assert refs.index(head) == refs.index(branch) - 1
        assert (parts[head], parts[branch]) == (scenario.HEAD, scenario.BRANCH)


def test_copies_are_other_buyers_with_the_same_history():
    rows = sample.choose_rows(buyers=10, copies=3)
    assert len(sample.get_buyers(rows)) == 30
    assert len({row["transaction_id"] for row in rows}) == len(rows)


def test_a_cent_is_a_difference():
    expected = [("2026-01", "2", "3", "1", "20.00")]
    assert not check.compare_months([("2026-01", "2", "3", "1", "20.0")], expected)
    assert check.compare_months([("2026-01", "2", "3", "1", "20.01")], expected)
    assert check.compare_months([], expected)
    assert check.compare_months([*expected, ("2026-02", "1", "1", "0", "1")], expected)


def test_the_catcher_keeps_a_mail_and_its_pdf(tmp_path):
    mail = EmailMessage()
    mail["From"], mail["To"] = "billing@example.com", "buyer@example.com"
    mail.set_content("Here is your invoice.")
    mail.add_attachment(
        b"%PDF", maintype="application", subtype="pdf", filename="INV/2026/1.pdf"
    )
    catcher = Catcher(SimpleNamespace(python=sys.executable), tmp_path)
    catcher.start()
    with smtplib.SMTP("127.0.0.1", int(catcher.port)) as server:
        server.send_message(mail)
    catcher.stop()
    assert catcher.find_twice() == []
    assert "Here is your invoice." in (tmp_path / "mails/00001.eml").read_text()
    assert (tmp_path / "pdf/00001-INV_2026_1.pdf").read_bytes() == b"%PDF"
