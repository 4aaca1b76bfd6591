"""Processes die in mid-work: nothing is billed twice or lost, no mail goes twice."""

from dev.faults.people import Platform

# Documents, which are printed in half a minute.
ENOUGH_TO_PRINT = 30
# Odoo says so of a job that did not come to its end three times.
KILLED_JOB = r"Job .* timed out"
KILLED_DATABASE = r"OperationalError|InterfaceError|connection|terminat|shutdown|closed"


def test_odoo_is_killed(world, times):
    """kill -9 of Odoo while it records, bills, prints and mails."""
    platform = Platform(world)
    world.keep_doing(platform.send, pause=1)
    for _kill in range(times(5, 100)):
        open_books_again(world)
        world.start()
        world.let_work(world.chance.uniform(0, 8))
        world.kill()
    end(world, platform, KILLED_JOB)


def test_postgresql_is_killed(world, times):
    """kill -9 of PostgreSQL, or of one of its processes; Odoo is started again as
    whoever supervises it does."""
    platform = Platform(world)
    world.keep_doing(platform.send, pause=1)
    for _kill in range(times(2, 20)):
        open_books_again(world)
        world.start()
        world.let_work(world.chance.uniform(1, 8))
        world.kill_postgres()
    end(world, platform, KILLED_JOB, KILLED_DATABASE)


def open_books_again(world):
    """Have late leads go onto further documents, unless many are still to be printed:
    there shall be something of everything to interrupt."""
    if world.get_left().get("to send", 0) < ENOUGH_TO_PRINT:
        world.open_books()


def end(world, platform, *expected_errors):
    world.start()
    world.rest()
    while platform.pending:
        platform.send()
    world.open_books()
    world.finish()
    assert platform.find_lost() == []
    world.assert_right(*expected_errors)
