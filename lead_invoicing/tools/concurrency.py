"""Which errors mean that another transaction was faster, and nothing is wrong."""

from odoo.exceptions import ConcurrencyError, LockError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

# What another worker's change of the same rows raises: roll back, and try again.
TRY_AGAIN = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError, LockError)


def hold_sql(table, column, ids):
    """Return the statement that writes rows as they are, so that of two transactions
    that decide something of them at one moment the second is repeated.

    PostgreSQL shows each transaction the database as it was when it began: none of the
    two would see the other. As both write the same rows, they are a serialization
    failure.

    :param column: any that may be written as it is
    :param ids: tuple of ids, or the query for them, SQL in brackets
    """
    # In one order, so that two do not wait for each other.
    return SQL(
        """
        WITH held AS (
            SELECT id FROM %(table)s WHERE id IN %(ids)s
             ORDER BY id FOR NO KEY UPDATE)
        UPDATE %(table)s SET %(column)s = %(table)s.%(column)s
          FROM held WHERE held.id = %(table)s.id
     RETURNING %(table)s.id
        """,
        table=SQL.identifier(table),
        column=SQL.identifier(column),
        ids=ids,
    )
