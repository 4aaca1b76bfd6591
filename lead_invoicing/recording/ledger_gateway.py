"""The questions that recording asks the database, and its one way of writing."""

import json

from odoo.tools import SQL

from ..tools.concurrency import hold_sql
from .row import Origin

QUERY_CHUNK = 10_000
# What recording decides of a row of the ledger, with PostgreSQL's types. A row on its
# way has attributes of the same names; all ways of writing are made from this list.
COLUMNS = {
    "external_ref": "varchar",
    "transaction_type": "varchar",
    "origin_id": "integer",
    "return_number": "integer",
    "partner_id": "integer",
    "commercial_partner_id": "integer",
    "lead_type_id": "integer",
    "lead_ref": "varchar",
    "campaign": "varchar",
    "lead_data": "jsonb",
    "lead_data_erased_at": "timestamp",
    "currency_id": "integer",
    "price": "numeric",
    "amount": "numeric",
    "date": "timestamp",
    "reason": "varchar",
    "reason_id": "integer",
    "waived": "boolean",
    "waived_by_credit": "boolean",
    "price_adjustment": "boolean",
    "corrected_sale_id": "integer",
    "corrected_price": "numeric",
    "row_hash": "varchar",
}


def history_sql(alias):
    """Return the condition that a sale was billed elsewhere: it was recorded as waived,
    while only decisions write a waiver, of it or of the sale whose price it corrects.
    What the billing start is now says nothing of it.

    :param alias: what the query calls the table
    """
    return SQL(
        """
        (%(waived)s AND NOT EXISTS (
            WITH RECURSIVE chain AS (
                SELECT %(id)s AS id, %(corrected)s AS corrected_id,
                       %(waived)s AS waived
                 UNION ALL
                SELECT prior.id, prior.corrected_sale_id, prior.waived
                  FROM chain
                  JOIN lead_sale prior ON prior.id = chain.corrected_id
            )
            SELECT FROM chain
              JOIN lead_sale_waiver waiver ON waiver.sale_id = chain.id
             WHERE chain.waived))
        """,
        id=SQL.identifier(alias, "id"),
        corrected=SQL.identifier(alias, "corrected_sale_id"),
        waived=SQL.identifier(alias, "waived"),
    )


def hold_documents_sql(documents):
    """Return the statement that writes the first lead line of each of these documents,
    as it is: what all do that decide what becomes of a document of leads.

    :param documents: tuple of ids of ``account.move``, or SQL in brackets, as
        :func:`~..tools.concurrency.hold_sql` takes them
    """
    first_lines = SQL(
        """(SELECT min(id) FROM account_move_line
             WHERE move_id IN %s AND lead_type_id IS NOT NULL
             GROUP BY move_id)""",
        documents,
    )
    return hold_sql("account_move_line", "lead_count", first_lines)


class LedgerGateway:
    """The ledger of one company, as recording sees it.

    :param env: environment; what is pending in it must have been flushed
    :param company: the company of the ledger
    """

    def __init__(self, env, company):
        self.env = env
        self.company = company

    def hold_origins(self, rows):
        """Let nobody decide otherwise on the sales that these rows rest on, until they
        are stored: undo their waiver or the credit of their documents, or erase the
        data of their leads. Whoever does writes the sale or its document, too.
        """
        rows = [*rows, *(row.pair for row in rows if row.pair)]
        ids = {
            (row.origin or row.corrected).id for row in rows if row.rests_on_origin
        } - {None}
        if not ids:
            return
        self.env.cr.execute(hold_sql("lead_sale", "waived", tuple(ids)))
        self.env.cr.execute(
            hold_documents_sql(
                SQL(
                    """(SELECT line.move_id
                          FROM lead_sale sale
                          JOIN account_move_line line ON line.id = sale.invoice_line_id
                         WHERE sale.id = ANY(%s))""",
                    sorted(ids),
                )
            )
        )

    def insert(self, rows):
        """Write checked rows; return ``{external_ref: id}`` of the new.

        Who changed a row, and when, stays empty until somebody does: each foreign key
        costs about 8 microseconds a row. Of a failure the log gets no statement: it
        would have the data of the leads in it.
        """
        columns = [SQL.identifier(name) for name in COLUMNS]
        types = [
            SQL("%s %s", SQL.identifier(name), SQL(sql_type))  # pylint: disable=sql-injection
            for name, sql_type in COLUMNS.items()
        ]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO lead_sale (company_id, create_uid, create_date, %(columns)s)
                SELECT %(company_id)s, %(uid)s, %(now)s, %(columns)s
                  FROM json_to_recordset(%(payload)s) AS row (%(types)s)
                ON CONFLICT DO NOTHING
                RETURNING external_ref, id
                """,
                columns=SQL(", ").join(columns),
                types=SQL(", ").join(types),
                company_id=self.company.id,
                uid=self.env.uid,
                now=self.env.cr.now(),
                payload=json.dumps(
                    [row.get_values(COLUMNS) for row in rows], default=str
                ),
            ),
            log_exceptions=False,
        )
        return dict(self.env.cr.fetchall())

    def query_recorded(self, references):
        """Which of ``references`` are recorded? ``{external_ref: (id, hash)}``"""
        return {
            reference: (id_, row_hash)
            for reference, id_, row_hash in self._query_in_chunks(
                """
                SELECT external_ref, id, row_hash
                  FROM lead_sale
                 WHERE company_id = %(company_id)s AND external_ref = ANY(%(keys)s)
                """,
                references,
            )
        }

    def query_references(self, ids):
        """Under which references are these rows recorded? ``{id: external_ref}``"""
        return dict(
            self._query_in_chunks(
                """
                SELECT id, external_ref
                  FROM lead_sale
                 WHERE company_id = %(company_id)s AND id = ANY(%(keys)s)
                """,
                ids,
            )
        )

    def query_origins(self, references):
        """What are the recorded ones of ``references``, or what corrected their prices
        last, and what was given back of these?"""
        names = (
            "id",
            "external_ref",
            "lead_ref",
            "campaign",
            "transaction_type",
            "partner_id",
            "commercial_partner_id",
            "currency_id",
            "lead_type_id",
            "date",
            "price",
            "corrected_price",
            "waived",
            "credited",
            "returned",
            "number",
            "in_full",
            "lead_data_erased_at",
            "is_history",
        )
        origins, by_id = {}, {}
        for reference, named_id, *values in self._query_in_chunks(
            """
                WITH RECURSIVE chain AS (
                    SELECT external_ref AS reference, id AS named_id, id, 0 AS step
                      FROM lead_sale
                     WHERE company_id = %(company_id)s AND external_ref = ANY(%(keys)s)
                     UNION ALL
                    SELECT chain.reference, chain.named_id, next.id, chain.step + 1
                      FROM chain
                      JOIN lead_sale next ON next.corrected_sale_id = chain.id
                                         AND next.transaction_type = 'sale'
                )
                SELECT f.reference, f.named_id, s.id, s.external_ref, s.lead_ref,
                       s.campaign, s.transaction_type, s.partner_id,
                       s.commercial_partner_id, s.currency_id, s.lead_type_id, s.date,
                       s.price::text, s.corrected_price::text, s.waived,
                       COALESCE(m.lead_credited, FALSE)
                           OR COALESCE(s.waived_by_credit, FALSE),
                       COALESCE(r.returned, 0)::text, COALESCE(r.number, 0),
                       COALESCE(r.in_full, FALSE), s.lead_data_erased_at,
                       COALESCE(%(history)s, FALSE)
                  FROM (SELECT DISTINCT ON (reference) reference, named_id, id
                          FROM chain ORDER BY reference, step DESC) f
                  JOIN lead_sale s ON s.id = f.id
             LEFT JOIN account_move_line l ON l.id = s.invoice_line_id
             LEFT JOIN account_move m ON m.id = l.move_id
             LEFT JOIN LATERAL (
                       SELECT SUM(b.price) FILTER (WHERE counts) AS returned,
                              MAX(b.return_number) AS number,
                              BOOL_OR(NOT b.price_adjustment)
                                  FILTER (WHERE counts) AS in_full
                         FROM lead_sale b
                    LEFT JOIN account_move_line bl ON bl.id = b.invoice_line_id
                              -- Not what was given back of a document that the sale
                              -- has left, as it was reversed and billed again.
                   CROSS JOIN LATERAL (
                              SELECT bl.parent_state IS DISTINCT FROM 'posted'
                                  OR bl.lead_origin_move_id IS NULL
                                  OR bl.lead_origin_move_id IS NOT DISTINCT FROM
                                     l.move_id AS counts
                              ) c
                        WHERE b.origin_id = s.id
                       ) r ON TRUE
            """,
            references,
        ):
            found = Origin.from_record(dict(zip(names, values, strict=True)))
            origins[reference] = origin = by_id.setdefault(found.id, found)
            origin.named_ids.add(named_id)
        return origins

    def query_lead_data(self, ids):
        """What is known of the leads of these transactions? ``{id: lead data}``"""
        return dict(
            self._query_in_chunks(
                """
                SELECT id, lead_data
                  FROM lead_sale
                 WHERE company_id = %(company_id)s AND id = ANY(%(keys)s)
                """,
                ids,
            )
        )

    def query_leads_sold(self, lead_refs):
        """To whom were these leads sold? ``{(buyer, lead_ref): external_ref}``"""
        return {
            (partner_id, lead_ref): reference
            for partner_id, lead_ref, reference in self._query_in_chunks(
                """
                SELECT commercial_partner_id, lead_ref, external_ref
                  FROM lead_sale
                 WHERE company_id = %(company_id)s AND lead_ref = ANY(%(keys)s)
                   AND transaction_type = 'sale' AND corrected_sale_id IS NULL
              ORDER BY id DESC
                """,
                lead_refs,
            )
        }

    def query_sales_of_leads(self, lead_refs):
        """As what, and to whom, were these leads sold? Yields ``(partner, lead_ref,
        external_ref)``."""
        return self._query_in_chunks(
            """
            SELECT partner_id, lead_ref, external_ref
              FROM lead_sale
             WHERE company_id = %(company_id)s AND lead_ref = ANY(%(keys)s)
               AND transaction_type = 'sale' AND corrected_sale_id IS NULL
            """,
            lead_refs,
        )

    def query_buyers_by_ref(self, references):
        """Who is known by these names? ``{ref: [(partner, commercial partner)]}``

        The company's own Lead Buyer References win over the contacts' references.
        """
        buyers = {}
        for reference, *buyer in self._query_in_chunks(
            """
            SELECT r.ref, p.id, p.commercial_partner_id
              FROM lead_buyer_ref r
              JOIN res_partner p ON p.id = r.partner_id
             WHERE r.company_id = %(company_id)s AND r.ref = ANY(%(keys)s)
         UNION ALL
            SELECT p.ref, p.id, p.commercial_partner_id
              FROM res_partner p
             WHERE p.ref = ANY(%(keys)s)
               AND (p.company_id IS NULL OR p.company_id = ANY(%(company_ids)s))
               AND NOT EXISTS (
                   SELECT FROM lead_buyer_ref r
                    WHERE r.company_id = %(company_id)s AND r.ref = p.ref
                   )
            """,
            references,
        ):
            buyers.setdefault(reference, []).append(buyer)
        return buyers

    def query_buyers(self, ids):
        """As whom are these buyers billed? ``{partner: commercial partner}``"""
        return dict(
            self._query_in_chunks(
                """
                SELECT id, commercial_partner_id
                  FROM res_partner
                 WHERE id = ANY(%(keys)s)
                   AND (company_id IS NULL OR company_id = ANY(%(company_ids)s))
                """,
                ids,
            )
        )

    def query_buyer_names(self, ids):
        """What does the platform call these buyers? ``{partner: ref}``"""
        return dict(
            self._query_in_chunks(
                """
                SELECT p.id, COALESCE(MIN(r.ref), p.ref)
                  FROM res_partner p
             LEFT JOIN lead_buyer_ref r
                    ON r.partner_id = p.id AND r.company_id = %(company_id)s
                 WHERE p.id = ANY(%(keys)s)
              GROUP BY p.id
                """,
                ids,
            )
        )

    def _query_in_chunks(self, query, keys):
        """Yield the rows that ``query`` finds for ``keys``, thousands at a time."""
        keys = sorted(key for key in keys if key)
        for start in range(0, len(keys), QUERY_CHUNK):
            yield from self.env.execute_query(
                SQL(
                    query,
                    keys=keys[start : start + QUERY_CHUNK],
                    company_id=self.company.id,
                    company_ids=self.company.parent_ids.ids,
                    history=history_sql("s"),
                )
            )
