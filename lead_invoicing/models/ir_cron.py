import logging

from odoo import api, models

from ..tools.concurrency import TRY_AGAIN

_logger = logging.getLogger(__name__)


class IrCron(models.Model):
    """How jobs are woken, and go on where one of their records is in trouble."""

    _inherit = "ir.cron"

    @api.model
    def _wake_lead_job(self, xml_id, at=None):
        """Have a scheduled action run soon.

        :param at: naive UTC moments, or one; by default now
        """
        # One that somebody deleted must not make fail what cannot be rolled back.
        if cron := self.env.ref(xml_id, raise_if_not_found=False):
            # Billing users may not touch scheduled actions; waking one does nothing
            # that it would not do by itself.
            cron.sudo()._trigger(at)

    @api.model
    def _try_lead_step(self, step, what):
        """Do one step of a job, and commit. What goes wrong with it is rolled back and
        logged, and keeps no other step from being done; nor does whoever changes the
        same rows at this moment: the next call finds them.

        :param step: a callable
        :param str what: cannot be done, for the log
        :return: whether it was done
        """
        try:
            step()
            self._commit_progress()
            return True
        except TRY_AGAIN:
            self.env.cr.rollback()
        except Exception:
            self.env.cr.rollback()
            _logger.exception("Lead Invoicing: %s", what)
        return False
