"""What goes wrong around billing: buyers, a cycle, a dead schedule."""

from dev.faults.people import Platform

# What breaks each of the first buyers, and what mends it again.
BREAK = {
    "F001": (
        # Its own receivable account is archived.
        """
        WITH account AS (
            INSERT INTO account_account
                   (name, account_type, code_store, reconcile, active, create_uid)
            SELECT name, account_type, '{}'::jsonb, TRUE, FALSE, 1
              FROM account_account WHERE account_type = 'asset_receivable' LIMIT 1
         RETURNING id)
        UPDATE res_partner SET property_account_receivable_id =
               jsonb_build_object('1', (SELECT id FROM account))
         WHERE ref = 'F001'
        """,
        "UPDATE res_partner SET property_account_receivable_id = NULL"
        " WHERE ref = 'F001'",
    ),
    "F002": (
        # It has no address any more.
        "UPDATE res_partner SET email = NULL, email_normalized = NULL"
        " WHERE ref = 'F002'",
        "UPDATE res_partner SET email = 'back@example.com',"
        " email_normalized = 'back@example.com' WHERE ref = 'F002'",
    ),
    "F003": (
        # It is on hold, and a clerk takes the hold off.
        "UPDATE res_partner SET lead_billing_hold = '{\"1\": true}'::jsonb"
        " WHERE ref = 'F003'",
        "UPDATE res_partner SET lead_billing_hold = NULL WHERE ref = 'F003'",
    ),
    "F004": (
        # It was archived: it is invoiced all the same.
        "UPDATE res_partner SET active = FALSE WHERE ref = 'F004'",
        "SELECT 1",
    ),
}
UNINVOICED = """
    SELECT DISTINCT partner.ref FROM lead_sale AS sale
      JOIN res_partner AS partner ON partner.id = sale.commercial_partner_id
     WHERE sale.invoice_line_id IS NULL AND sale.waived IS NOT TRUE
       AND sale.date < (SELECT max(window_end) FROM lead_invoice_run)
  ORDER BY 1
"""


def test_buyers_are_broken(world):
    """Who is broken is parked with a sentence, alone; mended, it is invoiced, once."""
    for breaks, _mends in BREAK.values():
        world.execute(breaks)
    world.open_books(days=7)
    world.start()
    world.finish()
    assert [row[0] for row in world.rows(UNINVOICED)] == ["F001", "F003"]
    failed = world.rows(
        "SELECT DISTINCT partner.ref, item.message IS NOT NULL"
        "  FROM lead_invoice_run_buyer AS item"
        "  JOIN res_partner AS partner ON partner.id = item.partner_id"
        " WHERE item.state = 'failed' ORDER BY 1"
    )
    assert failed == [("F001", "t")]
    unsent = world.rows(
        "SELECT DISTINCT partner.ref, move.lead_delivery_state"
        "  FROM account_move AS move"
        "  JOIN res_partner AS partner ON partner.id = move.commercial_partner_id"
        " WHERE move.lead_delivery_state != 'sent' ORDER BY 1"
    )
    # Odoo writes to no contact that was archived.
    assert unsent == [("F002", "no_address"), ("F004", "no_address")]
    world.stop()
    for _breaks, mends in BREAK.values():
        world.execute(mends)
    world.start()
    runs = world.rows("SELECT id FROM lead_invoice_run WHERE state = 'failed'")
    ids = [int(row[0]) for row in runs]
    world.call("clerk", "lead.invoice.run", "action_retry", ids=ids)
    world.open_books(days=7)
    world.finish()
    assert world.rows(UNINVOICED) == []
    mailed = set(world.mail.count_by_document())
    world.assert_right(mailed=mailed)


def test_cycle_is_changed_in_mid_window(world, times):
    """Frequency, zone, day and posting change while windows are being invoiced."""
    platform = Platform(world)
    world.keep_doing(platform.send, pause=1)
    cycle = int(world.rows("SELECT id FROM lead_billing_cycle")[0][0])
    changes = [
        {"tz": "Pacific/Auckland"},
        {"frequency": "monthly"},
        {"tz": "Europe/Berlin", "frequency": "semimonthly"},
        {"frequency": "weekly", "window_end_day": "3", "window_start_day": "3",
         "generation_day": "3"},
        {"tz": "America/New_York", "include_earlier": True},
    ]  # fmt: skip
    world.start()
    for change in changes * times(1, 5):
        world.call("manager", "lead.billing.cycle", "write", ids=[cycle], vals=change)
        world.open_books(world.chance.randint(8, times(16, 40)))
        world.let_work(world.chance.uniform(1, 5))
    world.rest()
    while platform.pending:
        platform.send()
    world.open_books()
    world.finish()
    assert platform.find_lost() == []
    world.assert_right()


def test_schedule_was_dead_for_three_months(world):
    """Every window since is invoiced on its own, the oldest first."""
    world.open_books(days=92)
    world.start()
    world.finish()
    ends = world.rows(
        "SELECT window_end FROM lead_invoice_run WHERE cycle_id IS NOT NULL ORDER BY id"
    )
    assert len(ends) >= 12
    assert ends == sorted(ends)
    world.assert_right()
