"""Watch the scheduled action at work, from outside: in SQL."""

import time

from dev.environment.shell import Failure, say

# What is there and what is left to do.
PROGRESS = """
    SELECT (SELECT count(*) FROM account_move
             WHERE lead_run_id IS NOT NULL AND state = 'posted'),
           (SELECT count(*) FROM lead_sale WHERE invoice_line_id IS NOT NULL),
           (SELECT count(*) FROM lead_billing_cycle
             WHERE next_generation_at <= now() AT TIME ZONE 'UTC'),
           (SELECT count(*) FROM lead_invoice_run WHERE state = 'running'),
           (SELECT count(*) FROM account_move
             WHERE sending_data IS NOT NULL OR lead_delivery_state = 'to_send')
               + (SELECT count(*) FROM mail_mail AS mail
                    JOIN mail_message AS message ON message.id = mail.mail_message_id
                   WHERE mail.state = 'outgoing' AND message.model = 'account.move'
                     AND message.message_type = 'comment')
"""
NAMES = ("documents", "billed", "due_cycles", "running", "unsent")

# Odoo's cron workers look for work once a minute unless they are woken; while a server
# is starting it does not hear it, so that silence is answered by waking it again.
SILENCE = 3
WAKE = "SELECT pg_notify('cron_trigger', '{}')"
PATIENCE = 300


def get_progress(instance):
    row = instance.rows(PROGRESS)[0]
    return dict(zip(NAMES, map(int, row), strict=True))


def wake(instance):
    """Wake Odoo's cron workers, as Odoo itself does after a trigger."""
    instance.execute(WAKE.format(instance.database), "postgres")


def is_billed(progress):
    return not progress["due_cycles"] and not progress["running"]


def is_sent(progress):
    return not progress["unsent"]


def wait(instance, done, title, each=None, pause=1.0):
    """Wait until `done(progress)`, telling how far it is; return the last progress.

    Fails when nothing has moved for minutes, or the server has ended.
    """
    last, moved, told, woken = None, time.monotonic(), 0.0, 0.0
    while True:
        progress = get_progress(instance)
        now = time.monotonic()
        if each:
            each(progress)
        if done(progress):
            return progress
        if progress != last:
            last, moved = progress, now
        if now - told >= 10:
            told = now
            say(f"  {title}: {_tell(progress)}")
        instance.check_running()
        if now - max(moved, woken) >= SILENCE:
            woken = now
            wake(instance)
        if now - moved > PATIENCE:
            raise Failure(
                f"nothing has moved for {PATIENCE} s while {title}; Odoo's log is"
                f" {instance.log}."
            )
        time.sleep(pause)


def _tell(progress):
    text = "{documents} documents, {billed} transactions billed".format(**progress)
    if progress["unsent"]:
        text += ", {unsent} to send".format(**progress)
    return text
