from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.local_time import local_day
from ..tools.protected_fields import AppendOnly

# What moves a prepaid buyer's money, in the order in which it is shown.
MOVEMENTS = (
    "deposits",
    "purchases",
    "returns",
    "tax",
    "refunds",
    "other",
    "taken_back",
)


class LeadStatement(AppendOnly, models.Model):
    """Append-only record of a prepaid buyer's money on one of its documents: what it
    was, what moved it, and what it is, frozen as the document is posted.

    Above zero is the buyer's money. Statements of one buyer, company and currency are a
    chain: each opens as the one before it closes, and carries the receivable items that
    none carried before. A document that leaves the books leaves its statement here; the
    next one says what was taken back.
    """

    _name = "lead.statement"
    _description = "Statement of a Prepaid Buyer"
    _order = "id desc"
    _rec_name = "document"

    partner_id = fields.Many2one(
        "res.partner", "Buyer", required=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True)
    currency_id = fields.Many2one("res.currency", required=True)
    move_id = fields.Many2one(
        "account.move", index="btree_not_null", ondelete="set null"
    )
    document = fields.Char(required=True, help="Number of the document.")
    previous_id = fields.Many2one("lead.statement", "Continues", ondelete="restrict")
    opening = fields.Monetary("Opening Balance")
    deposits = fields.Monetary()
    purchases = fields.Monetary(help="Leads purchased, before tax.")
    returns = fields.Monetary(help="Leads returned and credited, before tax.")
    tax = fields.Monetary(help="On purchases and returns.")
    refunds = fields.Monetary(help="Money that was paid back.")
    other = fields.Monetary(
        help="Fees and other charges, documents for other things, and entries."
    )
    taken_back = fields.Monetary(
        help="Documents, payments and entries of earlier statements that have left the"
        " books since."
    )
    closing = fields.Monetary("Closing Balance")
    item_ids = fields.One2many("account.move.line", "lead_statement_id", "Items")

    # Two at one moment are no chain.
    _previous_uniq = models.UniqueIndex(
        "(previous_id) WHERE previous_id IS NOT NULL",
        "Another document of this buyer was posted at the same moment; try again.",
    )
    _buyer_idx = models.Index("(partner_id, company_id, currency_id, id)")

    def _get_rows(self):
        """Return what is shown: list of (name, label, amount), opening and closing and
        what moved."""
        self.ensure_one()
        labels = {
            "opening": self.env._("Opening balance"),
            "deposits": self.env._("Deposits"),
            "purchases": self.env._("Purchases"),
            "returns": self.env._("Returns"),
            "tax": self.env._("Tax"),
            "refunds": self.env._("Refunds"),
            "other": self.env._("Other"),
            "taken_back": self.env._("Taken back"),
            "closing": self.env._("Closing balance"),
        }
        return [
            (name, label, self[name])
            for name, label in labels.items()
            if name in ("opening", "closing")
            or not self.currency_id.is_zero(self[name])
        ]

    def _get_payments(self):
        """Return the payments and credits that this statement carries, the oldest
        first: list of (day, name, amount)."""
        self.ensure_one()
        # What a buyer reads on its own document.
        statement = self.sudo()
        items = statement.item_ids.filtered(
            lambda item: not item.move_id.lead_run_id
        ).sorted(lambda item: (item.date, item.id))
        if not statement.previous_id:
            first_day = statement._get_first_day(statement.move_id)
            items = items.filtered(lambda item: item.date >= first_day)
        return [
            (item.date, item.move_id.ref or item.move_id.name, -item.amount_currency)
            for item in items
        ]

    # Freezing

    @api.model
    def _freeze(self, documents):
        """Make the statements of documents that were just posted, each the next of its
        chain, in the order of the documents' numbers.

        The rows of their buyers must be locked.

        :param documents: ``account.move`` of prepaid buyers
        """
        by_key = defaultdict(documents.browse)
        for document in documents.sorted(
            lambda move: (move.sequence_prefix or "", move.sequence_number, move.id)
        ):
            by_key[document._get_lead_statement_key()] += document
        self.env.flush_all()
        self._take_back_what_moved(by_key)
        chains = self._read_chains(by_key)
        totals = self._read_totals(by_key)
        items = self._read_new_items(by_key)
        # Of each buyer the first, then the second, and so on: each names the last.
        places = range(max(map(len, by_key.values())))
        for place in places:
            keys = [key for key, moves in by_key.items() if len(moves) > place]
            vals_list = []
            for key in keys:
                later = set(by_key[key][place + 1 :].ids)
                new = [item for item in items[key] if item["move_id"] not in later]
                items[key] = [item for item in items[key] if item["move_id"] in later]
                after = sum(item["amount"] for item in items[key])
                vals_list.append(
                    self._prepare_vals(
                        by_key[key][place], chains.get(key), new, totals[key] - after
                    )
                )
            statements = self.create([vals for vals, _ids in vals_list])
            for key, statement, (_vals, ids) in zip(
                keys, statements, vals_list, strict=True
            ):
                chains[key] = {
                    "statement": statement,
                    "pending": 0.0,
                    "continued": False,
                }
                statement._link(ids)

    @api.model
    def _prepare_vals(self, document, chain, items, closing):
        """Return the values of the statement of a document, and the items it carries.

        :param chain: of its key, as :meth:`_read_chains` tells; None for the first one
        :param items: the new ones, as of :meth:`_read_new_items`
        :param closing: the posted receivable, its sign turned
        """
        currency = document.currency_id
        amounts = dict.fromkeys(MOVEMENTS, 0.0)
        ids = [item["id"] for item in items]
        if chain:
            opening = chain["statement"].closing
            amounts["taken_back"] = chain["pending"]
        else:
            # What the books were before the first statement's period.
            first_day = self._get_first_day(document)

            def is_before(item):
                return item["date"] < first_day and item["move_id"] != document.id

            opening = sum(item["amount"] for item in items if is_before(item))
            items = [item for item in items if not is_before(item)]
        by_move = defaultdict(float)
        for item in items:
            by_move[item["move_id"]] += item["amount"]
        for move in document.browse(by_move):
            for name, amount in move._get_lead_statement_amounts(
                by_move[move.id]
            ).items():
                amounts[name] += amount
        # What came by another way, as with a contact that joined the buyer, is told.
        amounts["other"] += closing - opening - sum(amounts.values())
        vals = {
            "partner_id": document.partner_id.commercial_partner_id.id,
            "company_id": document.company_id.id,
            "currency_id": currency.id,
            "move_id": document.id,
            "document": document.name,
            # That of a contact which belonged to another buyer may have gone on there.
            "previous_id": (chain and not chain["continued"] and chain["statement"].id),
            "opening": currency.round(opening),
            "closing": currency.round(closing),
            **{name: currency.round(amount) for name, amount in amounts.items()},
        }
        return vals, ids

    @api.model
    def _get_first_day(self, document):
        """Return the first day of a document's billing period, in its time zone."""
        return local_day(self.env, document.lead_window_start, document.lead_run_id.tz)

    def _link(self, item_ids):
        """Have these items, and what was taken back, carried by this statement, and
        its document show it."""
        self.ensure_one()
        if item_ids:
            # Which items does it carry?
            self.env.execute_query(
                SQL(
                    """
                    UPDATE account_move_line SET lead_statement_id = %s
                     WHERE id IN %s RETURNING id
                    """,
                    self.id,
                    tuple(item_ids),
                )
            )
            self.env["account.move.line"].invalidate_model(["lead_statement_id"])
        self.env["lead.statement.taken.back"]._carry(self)
        # Nothing that the document's lines are computed from changes.
        document = self.move_id.with_context(skip_invoice_sync=True)
        document.lead_statement_id = self

    # What the database knows of chains; a key is (company, buyer, currency)

    @api.model
    def _get_keys_sql(self, keys):
        """Return the rows of SQL for keys, to be called ``key``."""
        return SQL(
            "(VALUES %s) AS key(company_id, buyer_id, currency_id)",
            SQL(", ").join(
                SQL("(%s, %s, %s)", *(record.id for record in key)) for key in keys
            ),
        )

    @api.model
    def _by_key(self, rows):
        """Return rows of (company, buyer, currency, value) as {key: list of values}."""
        result = defaultdict(list)
        for company_id, buyer_id, currency_id, value in rows:
            key = (
                self.env["res.company"].browse(company_id),
                self.env["res.partner"].browse(buyer_id),
                self.env["res.currency"].browse(currency_id),
            )
            result[key].append(value)
        return result

    @api.model
    def _read_chains(self, keys):
        """Return the last statement of each chain, and what was taken back since.

        :return: {key: dict with ``statement``, ``pending`` and ``continued``, whether
            another chain goes on from it}
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT key.*, json_build_object('id', max(statement.id), 'pending', (
                       SELECT sum(back.amount)
                         FROM lead_statement_taken_back back
                         JOIN res_partner buyer ON buyer.id = back.partner_id
                        WHERE buyer.commercial_partner_id = key.buyer_id
                          AND back.company_id = key.company_id
                          AND back.currency_id = key.currency_id
                          AND back.carried_id IS NULL))
                  FROM %s
                  JOIN res_partner contact
                       ON contact.commercial_partner_id = key.buyer_id
                  JOIN lead_statement statement
                       ON statement.partner_id = contact.id
                      AND statement.company_id = key.company_id
                      AND statement.currency_id = key.currency_id
                 GROUP BY key.company_id, key.buyer_id, key.currency_id
                """,
                self._get_keys_sql(keys),
            )
        )
        found = {key: values[0] for key, values in self._by_key(rows).items()}
        last = self.browse([value["id"] for value in found.values()])
        continued = self.search([("previous_id", "in", last.ids)]).previous_id
        return {
            key: {
                "statement": self.browse(value["id"]),
                "pending": float(value["pending"] or 0),
                "continued": value["id"] in continued.ids,
            }
            for key, value in found.items()
        }

    @api.model
    def _get_items_sql(self, keys):
        """Return the FROM clause of the posted receivable items of keys."""
        return SQL(
            """
            %s
              JOIN res_partner contact
                   ON contact.commercial_partner_id = key.buyer_id
              JOIN account_move_line line
                   ON line.partner_id = contact.id
                  AND line.company_id = key.company_id
                  AND line.currency_id = key.currency_id
                  AND line.parent_state = 'posted'
              JOIN account_account account
                   ON account.id = line.account_id
                  AND account.account_type = 'asset_receivable'
            """,
            self._get_keys_sql(keys),
        )

    @api.model
    def _read_totals(self, keys):
        """Return the posted receivable of each key, its sign turned: {key: amount}."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT key.*, -sum(line.amount_currency)
                  FROM %s
                 GROUP BY key.company_id, key.buyer_id, key.currency_id
                """,
                self._get_items_sql(keys),
            )
        )
        totals = dict.fromkeys(keys, 0.0)
        totals.update(
            {key: float(amount) for key, (amount,) in self._by_key(rows).items()}
        )
        return totals

    @api.model
    def _read_new_items(self, keys):
        """Return the items that no statement carries, the oldest first.

        :return: {key: list of dicts with ``id``, ``move_id``, ``date`` and ``amount``,
            of the buyer's money}
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT key.*, json_build_object('id', line.id, 'move_id', line.move_id,
                       'date', line.date, 'amount', -line.amount_currency)
                  FROM %s
                 WHERE line.lead_statement_id IS NULL AND line.amount_currency != 0
                 ORDER BY line.date, line.id
                """,
                self._get_items_sql(keys),
            )
        )
        items = self._by_key(rows)
        for found in items.values():
            for item in found:
                item["date"] = fields.Date.to_date(item["date"])
        return items

    @api.model
    def _take_back_what_moved(self, keys):
        """Take back the items of these chains that are another buyer's by now, as the
        contact that they name left; and those that others' chains carry, although they
        are these buyers' by now."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id
                  FROM %(keys)s
                  JOIN res_partner contact
                       ON contact.commercial_partner_id = key.buyer_id
                  JOIN lead_statement statement
                       ON statement.partner_id = contact.id
                      AND statement.company_id = key.company_id
                      AND statement.currency_id = key.currency_id
                  JOIN account_move_line line ON line.lead_statement_id = statement.id
                  LEFT JOIN res_partner partner ON partner.id = line.partner_id
                 WHERE partner.commercial_partner_id IS DISTINCT FROM key.buyer_id
                 UNION
                SELECT line.id
                  FROM %(items)s
                  JOIN lead_statement statement ON statement.id = line.lead_statement_id
                  JOIN res_partner other ON other.id = statement.partner_id
                 WHERE other.commercial_partner_id != key.buyer_id
                """,
                keys=self._get_keys_sql(keys),
                items=self._get_items_sql(keys),
            )
        )
        lines = self.env["account.move.line"].browse([line_id for (line_id,) in rows])
        lines._take_back_from_lead_statements()
