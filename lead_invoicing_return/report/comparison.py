"""A buyer's own list of leads beside what it was charged for."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tools import SQL

from odoo.addons.lead_invoicing.recording.file_formats import is_sign_of
from odoo.addons.lead_invoicing.recording.ledger_gateway import LedgerGateway
from odoo.addons.lead_invoicing.tools.parsing import RowError

# More than this nobody compares on a page.
MAX_CHARGED = 50_000


@dataclass
class Charged:
    """A lead that the buyer was charged for.

    :param price: as it is now, should it have been corrected
    :param charged: that less what was returned of it
    """

    id: int
    reference: str
    lead: str | None
    date: object
    currency: object
    price: Decimal
    charged: Decimal
    in_full: bool  # returned in full


class Comparison:
    """What a buyer was charged for in some days, beside its own list.

    :param env: environment with the rights to read the buyer's sales
    :param buyer: a commercial partner
    :param leads: list of :class:`~..recording.lists.ListedLead`
    :param start, end: ``[start, end)``, naive UTC
    :param formats: how the list writes numbers, a ``FileFormats``

    - ``same``: how many are in both
    - ``not_received``: charged, and not in the list: ``Charged``
    - ``not_charged``: in the list, and never charged: ``ListedLead``
    - ``other_price``: pairs of ``Charged`` and the price in the list
    - ``other_days``: how many of the list were charged on other days
    - ``unreadable``: rows of the list with an ``error``
    :raises UserError: if more was charged in these days than can be compared
    """

    def __init__(self, env, buyer, leads, start, end, formats):
        self.env = env
        self.buyer = buyer
        self.formats = formats
        self.same = self.other_days = 0
        self.not_charged, self.other_price = [], []
        self.unreadable = [lead for lead in leads if lead.error]
        charged = self._query_charged(start, end)
        self._compare(charged, [lead for lead in leads if not lead.error])

    def _compare(self, charged, leads):
        pool = defaultdict(list)
        for sale in charged:
            pool["reference", sale.reference].append(sale)
            pool["lead", sale.lead].append(sale)
        received, missing = set(), []
        for lead in leads:
            sale = self._take(pool, lead, received)
            if sale is None:
                missing.append(lead)
                continue
            received.add(sale.id)
            self._compare_price(sale, lead)
        self.not_received = [
            sale for sale in charged if sale.id not in received and not sale.in_full
        ]
        # What was charged on other days is charged.
        charged_ids = self._find_charged_ids(missing, received)
        for lead in missing:
            if charged_ids[lead.word]:
                self.other_days += 1
            else:
                self.not_charged.append(lead)

    def _find_charged_ids(self, leads, received):
        """Return {word: ids of sales in force} of what this buyer was charged for
        otherwise, whenever it was.

        :param leads: rows of the list
        :param received: ids of sales that other rows name
        """
        requests = self.env["lead.return.request"]
        found = requests._find_sales(self.buyer, [lead.word for lead in leads])
        ids = {id_ for named in found.values() for id_ in named}
        origins = requests._get_left(self.env["lead.sale"].browse(ids))
        # A sale and the correction of its price are one.
        known = {origins[id_].id for id_ in ids & received}
        return {
            word: {origins[id_].id for id_ in named if self._is_charged(origins[id_])}
            - known
            for word, named in found.items()
        }

    @staticmethod
    def _is_charged(origin):
        """Tell whether the buyer owes, or paid, this sale: it is neither waived nor on
        an invoice that was credited in full."""
        return not (origin.waived or origin.credited)

    def _take(self, pool, lead, received):
        """Return the sale that a row of the list is, None if there is none; of several
        sales of a lead, one that was charged as much as the list says."""
        sales = pool["reference", lead.word] or pool["lead", lead.word]
        sales = [sale for sale in sales if sale.id not in received]
        try:
            price = self._read_price(lead, sales[0]) if sales else None
        except RowError:
            price = None
        sales.sort(key=lambda sale: price not in (sale.charged, sale.price))
        return sales[0] if sales else None

    def _compare_price(self, sale, lead):
        try:
            price = self._read_price(lead, sale)
        except RowError as refused:
            lead.error = refused.sentence
            self.unreadable.append(lead)
            return
        if price is None or price in (sale.charged, sale.price):
            self.same += 1
        else:
            self.other_price.append((sale, price))

    def _read_price(self, lead, sale):
        """Return the price of a row, None if it has none.

        :raises RowError: for what is no price, or in another currency
        """
        if lead.price is None or not str(lead.price).strip():
            return None
        price, sign = self.formats.read_number(self.env, "price", lead.price)
        currency = sale.currency
        if not is_sign_of(sign, currency.name, currency.symbol):
            raise RowError(
                "price",
                self.env._(
                    "“%(sign)s” is not the symbol of %(currency)s.",
                    sign=sign,
                    currency=currency.name,
                ),
            )
        return abs(price)

    def _query_charged(self, start, end):
        self.env["lead.sale"].flush_model()
        # Which sales were made to this buyer in these days, whatever corrected them?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company_id, id, external_ref, lead_ref, date
                  FROM lead_sale
                 WHERE commercial_partner_id = ANY(%s)
                   AND transaction_type = 'sale' AND corrected_sale_id IS NULL
                   AND date >= %s AND date < %s
                 ORDER BY date, id
                 LIMIT %s
                """,
                self.buyer._get_lead_buyers().ids,
                start,
                end,
                MAX_CHARGED + 1,
            )
        )
        if len(rows) > MAX_CHARGED:
            raise UserError(
                self.env._(
                    "You purchased more than %s leads in these days. Choose fewer"
                    " days.",
                    MAX_CHARGED,
                )
            )
        references = defaultdict(set)
        for company_id, _id, reference, *_values in rows:
            references[company_id].add(reference)
        origins = {
            company_id: LedgerGateway(
                self.env, self.env["res.company"].browse(company_id)
            ).query_origins(found)
            for company_id, found in references.items()
        }
        charged = []
        for company_id, id_, reference, lead, date in rows:
            origin = origins[company_id][reference]
            if self._is_charged(origin):
                currency = self.env["res.currency"].browse(origin.currency_id)
                charged.append(
                    Charged(
                        id_,
                        reference,
                        lead,
                        date,
                        currency,
                        origin.present_price,
                        origin.left,
                        origin.in_full,
                    )
                )
        return charged
