from odoo.tools import SQL

from .generation import GenerationCommon

# Wednesday in the first window, and in the second.
FIRST, SECOND = "2026-11-04T12:00:00Z", "2026-11-11T12:00:00Z"


class UnbilledCommon(GenerationCommon):
    """Ways to say when something was recorded."""

    def set_created(self, records, moment):
        """Let records have been made at another moment."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET create_date = %s WHERE id IN %s",
                SQL.identifier(records._table),
                moment,
                tuple(records.ids),
            )
        )
        self.env.invalidate_all()
