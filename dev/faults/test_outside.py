"""What is outside the database fails: mail server, printer, disk."""

import pytest

from dev.faults.judging import TO_MAIL
from dev.faults.people import Clerk, Platform
from dev.faults.world import SENDING

FULL = r"File too large|Errno 27"


def bill(world):
    """Invoice all leads, with what is broken broken; return who was not mailed."""
    # By one window, whose documents take those of earlier ones as well.
    world.open_books(days=7)
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
    """Have a clerk send these documents: one on its form, the others in the list."""
    clerk = Clerk(world)
    if moves:
        clerk.send(moves[0])
    if moves[1:]:
        clerk.send_all(moves[1:])
    world.finish()
    world.pass_an_hour()
    world.finish()
    left = world.rows(
        "SELECT id FROM account_move WHERE lead_delivery_state = 'failed'"
    )
    assert left == []


@pytest.mark.parametrize(
    "mode",
    [
        "refuse",
        pytest.param("later", marks=pytest.mark.long),
        pytest.param("gone", marks=pytest.mark.long),
    ],
)
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


def test_mail_server_is_slow(world):
    """Mails wait, and go out by themselves, once."""
    world.mail.mode = "slow"
    world.open_books(days=7)
    world.start()
    world.wait_for_work(lambda: world.mail.asked["slow"] >= 3, "mails that wait")
    world.mail.mode = "take"
    world.finish()
    world.assert_right(r"mail|SMTP|smtp")


def test_mail_server_hangs_up(world):
    """Nobody knows of a mail without an answer whether it was taken: its document says
    that it was not sent. The others wait, and go out by themselves, once."""
    world.mail.mode = "hang up"
    world.open_books(days=7)
    world.start()
    for attempt in (1, 2):
        world.wait_for_work(
            lambda attempt=attempt: world.mail.asked["hang up"] >= attempt,
            "mails that go unanswered",
        )
        world.pass_an_hour()
    world.mail.mode = "take"
    world.finish()
    assert world.mail.taken
    unmailed = get_unmailed(world)
    assert len(unmailed) == world.mail.asked["hang up"]
    assert_told(world, unmailed)
    send_again(world, unmailed)
    world.assert_right(r"mail|SMTP|smtp")


def test_printer_crashes(world):
    """wkhtmltopdf dies, for hours: invoices are posted, say in the end that they were
    not sent, and go out once when it prints again."""
    world.printer.mode = "crash"
    unmailed = bill(world)
    assert unmailed
    assert_told(world, unmailed)
    world.printer.mode = "print"
    send_again(world, unmailed)
    world.assert_right(r"[Ww]khtmltopdf")


@pytest.mark.long
def test_printer_stumbles(world):
    """wkhtmltopdf dies now and then: what it did not print is printed later, and all
    goes out by itself, once, with no word to anyone."""
    world.printer.mode = "stumble"
    assert bill(world) == []
    told = world.rows(
        "SELECT id FROM account_move WHERE lead_delivery_state = 'failed'"
    )
    assert told == []
    assert world.has_logged("is printed again at")
    world.assert_right(r"[Ww]khtmltopdf")


def test_printer_hangs(world):
    """wkhtmltopdf never ends: billing goes on, and after a restart all is sent once."""
    platform = Platform(world)
    world.printer.mode = "hang"
    world.open_books(days=7)
    world.start()
    world.wait_for_work(lambda: world.printer.calls, "a printer that hangs")
    platform.send()
    world.open_books(days=7)
    world.wait_until_left(*SENDING)
    assert world.mail.taken == []
    world.kill()
    world.printer.end_hanging()
    world.printer.mode = "print"
    world.start()
    world.finish()
    world.assert_right(r"[Ww]khtmltopdf")


def test_disk_is_full(world):
    """No file can be written: everything is invoiced, and sent when there is room."""
    world.open_books(days=7)
    world.start(limit_files=True)
    world.wait_until_left(*SENDING)
    world.wait_for_work(lambda: world.has_logged(FULL), "a full disk")
    world.kill()
    world.start()
    world.finish()
    unmailed = get_unmailed(world)
    if unmailed:
        assert_told(world, unmailed)
    send_again(world, unmailed)
    world.assert_right(FULL + r"|[Ww]khtmltopdf")
