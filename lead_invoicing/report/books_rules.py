"""What a rule of the books is: something that always holds, as one question in SQL. The
rules are beside this file, by their subject.

Each question selects the ids of the records for which its rule does not hold. Its
parameters are ``companies`` (ids), ``now`` (naive UTC), ``waiting`` (the query for what
waits to be billed, and why), ``behind`` (the query for the transactions behind
documents) and ``unbilled`` (the condition on ``lead_sale``).
"""

from dataclasses import dataclass

from odoo.tools import SQL

# How long a due cycle, or a document to be sent, may wait before someone should look.
PATIENCE = "2 days"
# Documents (move) of another buyer (buyer) than what they bill, whoever that belongs to
# today. What a run billed of a contact that was changed since is none: it may have left
# the buyer that it belonged to, and who left whom is not kept. Drafts of that kind
# cannot be confirmed.
OTHER_BUYER = """
    customer.commercial_partner_id IS DISTINCT FROM buyer.commercial_partner_id
    AND address.commercial_partner_id IS DISTINCT FROM buyer.commercial_partner_id
    AND NOT EXISTS (
        SELECT FROM lead_invoice_run_buyer item
          JOIN res_partner changed
            ON changed.id IN (buyer.id, buyer.parent_id, buyer.commercial_partner_id)
         WHERE item.id = move.lead_run_buyer_id
           AND item.partner_id = move.commercial_partner_id
           AND changed.write_date >= move.create_date)
"""


@dataclass(frozen=True)
class Rule:
    """Something that always holds.

    :param name: stable technical name
    :param model: of the records that the question finds
    :param sentence: what is wrong with them, and what to do
    :param question: SELECT of their ids, under the name ``id``
    """

    name: str
    model: str
    sentence: object
    question: str

    def get_sql(self, limit, **parameters):
        """Return the query for the first ids and the number of all, in each row."""
        # The questions are constants of these files.
        question = SQL(self.question, **parameters)  # pylint: disable=sql-injection
        return SQL(
            "SELECT id, count(*) OVER () FROM (%s) found ORDER BY id LIMIT %s",
            question,
            limit,
        )
