"""Processes die in mid-work: nothing is billed twice or lost, no mail goes twice."""

import time

from .people import Platform


def test_odoo_is_killed(world, times):
    """kill -9 of Odoo while it records, bills, prints and mails."""
    platform = Platform(world)
    world.keep_doing(platform.send)
    for _kill in range(times(5, 100)):
        # Late leads go onto documents of windows that were invoiced before.
        world.open_books()
        world.start()
        time.sleep(world.chance.uniform(0, 8))
        world.kill()
    end(world, platform)


def test_postgresql_is_killed(world, times):
    """kill -9 of PostgreSQL, or of one of its processes; Odoo is started again as
    whoever supervises it does."""
    platform = Platform(world)
    world.keep_doing(platform.send)
    for _kill in range(times(2, 20)):
        world.open_books()
        world.start()
        time.sleep(world.chance.uniform(1, 8))
        world.kill_postgres()
        # Its schedulers may have ended with their connections.
        world.kill()
    end(
        world, platform, r"OperationalError|InterfaceError|connection|terminat|shutdown"
    )


def end(world, platform, *expected_errors):
    world.start()
    time.sleep(1)
    world.rest()
    while platform.pending:
        platform.send()
    world.open_books()
    world.finish()
    world.stop()
    assert platform.find_lost() == []
    world.assert_right(*expected_errors)
