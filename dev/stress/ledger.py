"""A ledger of any size, written by SQL: one watched buyer among a thousand others.

`prepare` runs inside Odoo and makes what the rows point to; `fill` writes the rows.
They lie in the table as a platform would have reported them: by date, a year of them,
the watched buyer's evenly in between all others', a twentieth of the watched buyer's
returns. All but those of the last month are on posted invoices, one a month and buyer.
"""

from contextlib import contextmanager
from datetime import date

from dev.acceptance import load
from dev.acceptance.instance import Instance
from dev.environment.shell import Failure, say
from dev.stress.books import copy_record

OTHERS = 1000
FIRST_DAY = date(2025, 1, 1)
DAYS = 365
# Of the twelve that the rows are of.
BILLED_MONTHS = 11
WATCHED = "WATCHED"
# The portal user of the watched buyer.
LOGIN = PASSWORD = "watched-buyer"
# One lead-data field of each kind that leads have much of.
FIELDS = ("first_name", "last_name", "email", "phone", "state")

# Whose invoices are copies of the watched buyer's.
_OTHERS = """
      FROM {table} AS old
     CROSS JOIN (SELECT id AS buyer_id, id AS n, name, ref, 1 AS net
                   FROM res_partner WHERE starts_with(ref, 'OTHER')) AS document
"""
# What the rows of each buyer are billed on: one lead line per buyer and month.
_LINES = """
    SELECT line.id, move.commercial_partner_id AS partner_id, move.invoice_date AS day
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
     WHERE line.lead_type_id IS NOT NULL AND move.state = 'posted'
"""
_FILL = """
    INSERT INTO lead_sale (
        id, external_ref, transaction_type, origin_id, return_number, partner_id,
        commercial_partner_id, lead_type_id, lead_ref, campaign, lead_data, company_id,
        currency_id, price, amount, date, reason, waived, price_adjustment,
        invoice_line_id, create_date, create_uid)
    WITH world AS (
        SELECT type.id AS type_id, type.company_id, company.currency_id,
               (SELECT id FROM res_partner WHERE ref = '{watched}') AS watched_id,
               (SELECT array_agg(id ORDER BY id) FROM res_partner
                 WHERE ref LIKE 'OTHER%') AS other_ids
          FROM lead_type type JOIN res_company company ON company.id = type.company_id
         WHERE type.code = 'EDU'
    ), row AS MATERIALIZED (
        SELECT n, type_id, company_id, currency_id,
               CASE WHEN is_own THEN watched_id
                    ELSE other_ids[1 + n % array_length(other_ids, 1)] END AS buyer_id,
               -- Returns the sale ten of the buyer's rows before: the first row by
               -- which so many are the buyer's.
               CASE WHEN is_own AND own_n % 20 = 19
                    THEN ((own_n - 10) * {total} + {own} - 1) / {own} END AS sale_n,
               timestamp '{first}' + n * (interval '{days} days' / {total}) AS moment
          FROM generate_series(1::bigint, {total}) n, world,
               -- How many of the rows so far are the watched buyer's, and is this one?
               LATERAL (SELECT n * {own} / {total} AS own_n) AS count,
               LATERAL (SELECT own_n > (n - 1) * {own} / {total} AS is_own) AS whose
    ), line AS MATERIALIZED ({lines})
    SELECT n, 'T' || n, CASE WHEN sale_n > 0 THEN 'return' ELSE 'sale' END,
           CASE WHEN sale_n > 0 THEN sale_n END, CASE WHEN sale_n > 0 THEN 1 END,
           buyer_id, buyer_id, type_id, 'L' || n, 'Campaign ' || n % 7,
           CASE WHEN sale_n > 0 THEN NULL ELSE jsonb_build_object(
               'first_name', (ARRAY['Ada', 'José', 'Zoë', 'Max'])[1 + n % 4],
               'last_name', 'Example ' || n % 1000,
               'email', 'lead' || n || '@example.com',
               'phone', '+1-555-' || lpad((n % 10000)::text, 4, '0'),
               'state', (ARRAY['NY', 'CA', 'TX'])[1 + n % 3],
               'postal_code', lpad((n % 90000)::text, 5, '0'),
               'lead_source', 'landing_page',
               'program', 'Business') END,
           company_id, currency_id, price,
           CASE WHEN sale_n > 0 THEN -price ELSE price END,
           date_trunc('second', moment),
           CASE WHEN sale_n > 0 THEN 'Duplicate lead' END, FALSE, FALSE, line.id,
           now(), 1
      FROM row
      LEFT JOIN line ON line.partner_id = buyer_id
                    AND line.day = date_trunc('month', moment)::date,
           LATERAL (SELECT (10 + coalesce(sale_n, n) % 20)::numeric AS price) AS cost
     ORDER BY n
"""


@contextmanager
def world(environment, name, keep=False):
    """Give a database with the world in it, without rows; stop its server after it."""
    database = environment.new_database_name(f"lead_invoicing_report_{name}")
    instance = Instance(environment, database)
    try:
        instance.install()
        options = {"url": instance.url}
        instance.call("prepare", options, module="dev.stress.ledger")
        yield instance
    finally:
        instance.stop()
        if keep:
            say(f"kept the database {database}")
        else:
            instance.drop()
    if not keep:
        instance.forget()


def prepare(env, options):
    """Make the company, its lead types, its buyers and their invoices.

    :param options: ``url``, where the server will be: wkhtmltopdf asks there
    """
    for name in ("web.base.url", "report.url"):
        env["ir.config_parameter"].set_param(name, options["url"])
    env["ir.config_parameter"].set_param("web.base.url.freeze", True)
    load.silence(env)
    load.setup_company(env)
    load.setup_lead_types(env)
    lead_type = env["lead.type"].search([("code", "=", "EDU")])
    watched, *_others = env["res.partner"].create(
        [
            {"name": name, "ref": ref, "is_company": True}
            for name, ref in [
                ("Watched Buyer", WATCHED),
                *((f"Other {n}", f"OTHER{n}") for n in range(OTHERS)),
            ]
        ]
    )
    clerk = env["res.partner"].create({"name": "Clerk", "parent_id": watched.id})
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "login": LOGIN,
            "password": PASSWORD,
            "partner_id": clerk.id,
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        }
    )
    invoices = env["account.move"].create(
        [
            {
                "move_type": "out_invoice",
                "partner_id": watched.id,
                "invoice_date": FIRST_DAY.replace(month=month),
                "invoice_line_ids": [
                    (0, 0, {"product_id": lead_type.product_id.id, "price_unit": 1.0})
                ],
            }
            for month in range(1, BILLED_MONTHS + 1)
        ]
    )
    # sudo() as a run would: the addon keeps its own fields from everybody else.
    invoices.invoice_line_ids.sudo().lead_type_id = lead_type
    invoices.action_post()
    env.flush_all()
    for invoice in invoices:
        bill_others(env.cr, invoice)
    env.cr.commit()


def bill_others(cr, invoice):
    """Copy a posted invoice of the watched buyer for each of the others."""
    number = "document.ref || '/' || old.sequence_number"
    values = {
        "name": number,
        "payment_reference": number,
        "sequence_prefix": "document.ref || '/'",
        "access_token": "NULL",
        "partner_id": "document.buyer_id",
        "commercial_partner_id": "document.buyer_id",
        "partner_shipping_id": "document.buyer_id",
        "invoice_partner_display_name": "document.name",
    }
    source = _OTHERS.format(table="account_move")
    copy_record(cr, invoice, values, source)
    values = {
        "move_id": "move.id",
        "move_name": "move.name",
        "partner_id": "document.buyer_id",
    }
    source = f"""
        {_OTHERS.format(table="account_move_line")}
          JOIN account_move AS move
            ON move.partner_id = document.buyer_id AND move.date = old.date
    """
    for line in invoice.line_ids:
        copy_record(cr, line, values, source)


def fill(instance, own, others):
    """Write the watched buyer's `own` rows and those of the `others`.

    Indexes and foreign keys are taken off and put on again, which checks all rows at
    once; the role needs no more rights than Odoo's.
    """
    total = own + others
    query = _FILL.format(
        watched=WATCHED,
        first=FIRST_DAY,
        days=DAYS,
        total=total,
        own=own,
        lines=_LINES,
    )
    say(f"writing {total:,} rows")
    objects = _get_objects(instance)
    statements = [
        "SET work_mem = '256MB'",
        "SET maintenance_work_mem = '512MB'",
        *(drop for drop, _make in objects),
        query,
        *(make for _drop, make in objects),
        "SELECT setval('lead_sale_id_seq', max(id)) FROM lead_sale",
    ]
    instance.execute(";\n".join(statements))
    instance.execute("VACUUM ANALYZE lead_sale")
    ((written,),) = instance.rows(
        "SELECT count(*) FROM lead_sale"
        f" WHERE commercial_partner_id = {get_watched_id(instance)}"
    )
    if int(written) != own:
        raise Failure(f"of {own:,} rows, the watched buyer has {written}.")


def get_watched_id(instance):
    """Return the id of the watched buyer, as text."""
    return instance.rows(f"SELECT id FROM res_partner WHERE ref = '{WATCHED}'")[0][0]


def _get_objects(instance):
    """Return the SQL that drops, and that makes again, foreign keys and indexes."""
    return instance.rows(
        """
        SELECT 'ALTER TABLE lead_sale DROP CONSTRAINT ' || conname,
               'ALTER TABLE lead_sale ADD CONSTRAINT ' || conname || ' '
               || pg_get_constraintdef(oid)
          FROM pg_constraint
         WHERE conrelid = 'lead_sale'::regclass AND contype = 'f'
         UNION ALL
        SELECT 'DROP INDEX ' || indexname, indexdef
          FROM pg_indexes
         WHERE tablename = 'lead_sale' AND indexname != 'lead_sale_pkey'
        """
    )
