"""Everybody at once, and transactions that are made to fail."""

import time

from dev.faults.people import Clerk, Importer, Platform


def test_everybody_at_once(world, times):
    """Two schedulers, a clerk, an import, the platform and the mail queue; a part of
    all transactions meets a serialization failure."""
    platform, clerk, importer = Platform(world), Clerk(world), Importer(world)
    world.provoke(12)
    world.open_books()
    world.start(2)
    for act, pause in (
        (platform.send, 1.5),
        (importer.load, 4),
        (clerk.edit, 0.3),
        (clerk.invoice, 8),
        (clerk.reverse, 8),
    ):
        world.keep_doing(act, pause)
    wanted, deadline = times(30, 1000), time.monotonic() + times(120, 3600)
    while world.count_provoked() < wanted and time.monotonic() < deadline:
        world.let_work(5)
        world.open_books()
        world.pass_an_hour()
    provoked = world.calm()
    world.rest()
    while platform.pending:
        platform.send()
    world.open_books()
    world.finish()
    assert provoked >= wanted
    assert platform.find_lost() == []
    world.assert_right()


def test_documents_change_while_their_mails_go(world):
    """All that is written on documents while their mails go out meets another change:
    the mails went, and go once."""
    queue = "id = (SELECT res_id FROM ir_model_data WHERE module = 'mail' AND name ="
    queue += " 'ir_cron_mail_scheduler_action')"
    world.execute(f"UPDATE ir_cron SET active = FALSE WHERE {queue}")
    world.open_books(days=7)
    world.start()
    world.wait_until_left("mails", "to send")
    world.provoke(100, ("account_move", "account_move_line", "mail_activity"))
    world.execute(f"UPDATE ir_cron SET active = TRUE WHERE {queue}")

    def have_gone():
        world.pass_an_hour()
        world.let_work(1)
        return "mails" not in world.get_left() and world.count_provoked() >= 3

    world.wait_for(have_gone, "mails that go while documents change")
    world.calm()
    world.finish()
    world.assert_right()
