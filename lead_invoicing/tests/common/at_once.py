import contextlib

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name
from odoo.tools import mute_logger

from ...tools.concurrency import TRY_AGAIN


class AtOnceCommon(BaseCase):
    """Two database connections, as two workers have them, both begun before the first
    one decides something; what they store is removed.

    The second is refused by PostgreSQL and repeated, as Odoo repeats a request: then it
    sees what the first one did.
    """

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        self.remove()  # what a run that was killed left
        self.addCleanup(self.remove)

    def remove(self):
        """Remove what the tests have stored."""
        raise NotImplementedError

    def in_turn(self, *steps):
        """Do these one after the other, each in a transaction of its own.

        :return: what the last one answered
        """
        answer = None
        for step in steps:
            with self.registry.cursor() as cr:
                answer = step(api.Environment(cr, SUPERUSER_ID, {}))
        return answer

    def at_once(self, first, second, meet=True):
        """Do both in transactions that began before either did anything.

        :param meet: the second one must be repeated
        :return: what the second one answered in the end
        """
        with self.registry.cursor() as one, self.registry.cursor() as two:
            for cr in (one, two):
                cr.execute("SELECT count(*) FROM lead_sale")
            env = api.Environment(one, SUPERUSER_ID, {})
            first(env)
            env.flush_all()
            one.commit()
            env = api.Environment(two, SUPERUSER_ID, {})

            def try_second():
                with mute_logger("odoo.sql_db"):
                    answer = second(env)
                    env.flush_all()
                    two.commit()
                return answer

            if meet:
                with self.assertRaises(TRY_AGAIN):
                    try_second()
            else:
                with contextlib.suppress(TRY_AGAIN):
                    return try_second()
            two.rollback()
            env.invalidate_all(flush=False)
            env.transaction.reset()
            return second(api.Environment(two, SUPERUSER_ID, {}))
