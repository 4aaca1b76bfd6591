"""What is outside the database fails: mail server, printer, disk."""

import time

import pytest

from .people import Clerk
from .world import TO_MAIL


def bill(world):
    """Invoice everything, with what is broken broken; return who was not mailed."""
    world.open_books()
    world.start()
    world.finish()
    return get_unmailed(world)


def get_unmailed(world):
    wanted = {int(row[0]) for row in world.rows(TO_MAIL)}
    return sorted(wanted - world.mail.count_by_document().keys())


def assert_told(world, moves):
    """Each of these documents says that it was not sent, to someone."""
    ids = ", ".join(map(str, moves))
    told = world.rows(
        f"""SELECT id FROM account_move AS move
             WHERE id IN ({ids}) AND lead_delivery_state = 'failed'
               AND EXISTS (SELECT FROM mail_activity
                            WHERE res_model = 'account.move' AND res_id = move.id)"""
    )
    assert sorted(int(row[0]) for row in told) == moves


def send_again(world, moves):
    clerk = Clerk(world)
    for move in moves:
        clerk.send(move)
    world.finish()
    world.pass_an_hour()
    world.finish()
    left = world.rows(
        "SELECT id FROM account_move WHERE lead_delivery_state = 'failed'"
    )
    assert left == []
    world.stop()


@pytest.mark.parametrize("mode", ["refuse", "later", "gone"])
def test_mail_server_fails(world, mode):
    """It refuses, puts off or is gone: the documents are invoiced, say that they were
    not sent, and go out once when a clerk sends them again."""
    if mode == "gone":
        world.mail.stop()
    world.mail.mode = mode
    unmailed = bill(world)
    assert unmailed
    assert_told(world, unmailed)
    world.mail.mode = "take"
    if mode == "gone":
        world.mail.start()
    send_again(world, unmailed)
    world.assert_right(r"mail|SMTP|smtp")


@pytest.mark.parametrize("mode", ["slow", "hang up"])
def test_mail_server_is_slow_or_hangs_up(world, mode):
    """Mails wait, and go out by themselves, once."""
    world.mail.mode = mode
    world.open_books()
    world.start()
    time.sleep(20)
    world.mail.mode = "take"
    world.finish()
    world.stop()
    world.assert_right(r"mail|SMTP|smtp")


def test_printer_crashes(world):
    """wkhtmltopdf dies: invoices are posted, say that they were not sent, and go out
    once when it prints again."""
    world.printer.mode = "crash"
    unmailed = bill(world)
    assert unmailed
    assert_told(world, unmailed)
    world.printer.mode = "print"
    send_again(world, unmailed)
    world.assert_right(r"[Ww]khtmltopdf")


def test_printer_hangs(world):
    """wkhtmltopdf never ends: billing goes on, and after a restart all is sent once."""
    world.printer.mode = "hang"
    world.open_books()
    world.start()
    time.sleep(15)
    assert world.printer.calls
    left = world.get_left()
    assert not {"due cycles", "buyers to do", "running runs"} & left.keys(), left
    world.kill()
    world.printer.end_hanging()
    world.printer.mode = "print"
    world.start()
    world.finish()
    world.stop()
    world.assert_right(r"[Ww]khtmltopdf")


def test_disk_is_full(world):
    """No file can be written: everything is invoiced, and sent when there is room."""
    world.open_books()
    world.start(limit_files=True)
    time.sleep(25)
    left = world.get_left()
    assert not {"due cycles", "buyers to do", "running runs"} & left.keys(), left
    world.kill()
    world.start()
    world.finish()
    unmailed = get_unmailed(world)
    if unmailed:
        assert_told(world, unmailed)
    send_again(world, unmailed)
    world.assert_right(r"File too large|[Ww]khtmltopdf|Errno 27")
