"""Odoo dies in the midst of a recharge: each crossing is charged once."""

from datetime import UTC, datetime

from dev.faults.test_kills import KILLED_JOB

# What the demo provider, which stands for one outside, was asked for: sequences are not
# rolled back. It answers at once; here the request or its answer can take its time.
PROVIDER = """
    CREATE TABLE faults_provider (mode text);
    INSERT INTO faults_provider VALUES ('answer');
    CREATE FUNCTION faults_charge() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        mode text := (SELECT faults_provider.mode FROM faults_provider);
    BEGIN
        IF mode = 'never arrives' THEN
            PERFORM nextval('faults_waiting');
            PERFORM pg_sleep(20);
            RAISE EXCEPTION 'the request did not arrive';
        END IF;
        PERFORM nextval(quote_ident(NEW.reference));
        IF mode = 'never answers' THEN
            PERFORM nextval('faults_waiting');
            PERFORM pg_sleep(20);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER faults BEFORE UPDATE ON payment_transaction
        FOR EACH ROW WHEN (OLD.state = 'draft' AND NEW.state = 'done')
        EXECUTE FUNCTION faults_charge();
    CREATE SEQUENCE faults_waiting;
"""
# How often was the provider asked for each charge?
ASKED = """
    SELECT sequencename, COALESCE(last_value, 0) FROM pg_sequences
     WHERE sequencename LIKE 'RECHARGE-%' AND last_value IS NOT NULL
"""
LEFT = "SELECT count(*) FROM lead_recharge WHERE state != 'paid'"
COUNT = "SELECT count(*) FROM lead_recharge"
DEPOSITS = """
    SELECT tx.reference, count(payment.id)
      FROM payment_transaction AS tx
      LEFT JOIN account_payment AS payment ON payment.payment_transaction_id = tx.id
     GROUP BY tx.reference
"""
# Ten minutes pass, after which an answer is asked for again.
LATER = """
    UPDATE lead_recharge SET asked_at = asked_at - interval '11 minutes'
     WHERE state = 'asked';
    UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC'
     WHERE id IN (
        SELECT id FROM ir_cron
         WHERE active AND interval_type = 'minutes'
           FOR UPDATE SKIP LOCKED -- a job holds its row while it is at work
     );
"""
AMOUNT = 1000


def test_odoo_is_killed_amid_a_recharge(world, times):
    """Between writing the charge down and the provider that gets it, or between the
    provider's charge and the commit that writes its answer."""
    world.first.install_addon("lead_invoicing_payment", "payment_demo")
    world.first.call("prepare_recharge", {"amount": AMOUNT}, module="dev.faults.inside")
    world.execute(PROVIDER)
    rounds = times(2, 20)
    count = prepare_charges(world, rounds)
    for number in range(rounds):
        # Before anything can be charged: a job may begin as soon as something is spent.
        mode = ("never arrives", "never answers")[number % 2]
        world.execute(f"UPDATE faults_provider SET mode = '{mode}'")
        before = count_waiting(world)
        if number:
            spend(world, count, number)
        kill_at_provider(world, before)
        restore(world, wanted=count * (number + 1))
    asked = dict(world.rows(ASKED))
    assert len(asked) == count * rounds == int(world.rows(COUNT)[0][0]), asked
    deposits = dict(world.rows(DEPOSITS))
    assert deposits == dict.fromkeys(asked, "1")
    # Those whose answer was lost were asked for again, by the same name.
    assert max(map(int, asked.values())) == 2
    world.figures["charges"] = len(asked)
    world.open_books()
    world.finish()
    world.assert_right(KILLED_JOB)


def prepare_charges(world, rounds):
    """Give the provider a place for each charge that there can be, and for some that
    there must not be; return how many consents there are."""
    consents = world.rows("SELECT id FROM lead_recharge_consent WHERE kind = 'given'")
    for (consent,) in consents:
        for number in range(1, 3 * rounds):
            world.execute(f'CREATE SEQUENCE "RECHARGE-{consent}-{number}"')
    return len(consents)


def spend(world, count, number):
    """Let each buyer spend what it was recharged with."""
    refs = world.rows(
        "SELECT ref FROM res_partner WHERE id IN"
        " (SELECT partner_id FROM lead_recharge_consent)"
    )
    rows = [
        {
            "external_ref": f"S{number}-{ref}",
            "type": "sale",
            "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "buyer_ref": ref,
            "lead_type": "EDU",
            "price": f"{AMOUNT}",
        }
        for (ref,) in refs
    ]
    assert len(rows) == count
    answers = world.call("platform", "lead.sale", "record_transactions", vals_list=rows)
    assert {answer["status"] for answer in answers} == {"created"}, answers


def kill_at_provider(world, before):
    """Kill Odoo where the provider stands still, which it has done so often before."""
    if not world.servers:
        world.start()

    def stands_still():
        world.execute(LATER)
        return count_waiting(world) > before

    world.wait_for_work(stands_still, "a request to the provider")
    world.kill()
    world.execute("UPDATE faults_provider SET mode = 'answer'")


def count_waiting(world):
    """Return how often the provider has stood still."""
    query = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END"
    return int(world.rows(f"{query} FROM faults_waiting")[0][0])


def restore(world, wanted):
    """Start Odoo again, and wait until so many recharges are paid."""
    world.start()

    def is_done():
        world.execute(LATER)
        return world.rows(LEFT) == [("0",)] and world.rows(COUNT) == [(str(wanted),)]

    world.wait_for_work(is_done, f"{wanted} recharges that are paid")
