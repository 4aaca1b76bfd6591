"""The platform's own return of a sale that a request has already given back."""

from dataclasses import dataclass
from decimal import Decimal

from odoo.tools import SQL


def _get_ids(origin):
    """Return under which ids a sale is in the ledger: its own, and those of what it
    corrects that the rows name."""
    return sorted(origin.named_ids | ({origin.id} if origin.id else set()))


@dataclass
class RequestedReturn:
    """A return that was made for a request.

    :param platform_ref: under which reference the platform sent it as well, if it did
    """

    request_id: int
    id: int
    reference: str
    price: Decimal
    platform_ref: str | None


class ReturnsOnRequest:
    """Mixed into the recorder. A request that was accepted has given its sale back.
    When the platform reports a return of that sale and amount as well, this is answered
    as a duplicate of the request's return. Each request answers one report so."""

    # pylint: disable=unknown-option-value,missing-return

    def _find_origins(self, returns, accepted):
        super()._find_origins(returns, accepted)
        origins = [row.origin for row in returns]
        origins += [
            origin
            for found in self.sales_of_leads.values()
            for origin in found.values()
        ]
        self.met = []
        self.requested = self._query_requested(
            [id_ for origin in origins if origin for id_ in _get_ids(origin)]
        )

    def _query_requested(self, sale_ids):
        """Return ``{sale id: [RequestedReturn]}`` of these sales."""
        requested = {}
        if not sale_ids:
            return requested
        # Which returns of these sales did accepted requests make?
        for sale_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT request.sale_id, request.id, back.id, back.external_ref,
                       back.price::text, request.platform_ref
                  FROM lead_return_request request
                  JOIN lead_sale back ON back.id = request.return_id
                 WHERE request.sale_id = ANY(%s) AND request.state = 'accepted'
                   AND back.external_ref = 'REQ-' || request.id
                 ORDER BY request.id
                """,
                list(set(sale_ids)),
            )
        ):
            back = RequestedReturn(*values)
            back.price = Decimal(back.price)
            requested.setdefault(sale_id, []).append(back)
        return requested

    def _get_requested(self, origin):
        """Return the requested returns of a sale, also those before its price was
        corrected."""
        return [
            back for id_ in _get_ids(origin) for back in self.requested.get(id_, ())
        ]

    def _find_same_return(self, row):
        if row.from_odoo and not row.from_file:
            # A person who enters a return knows what was given back.
            return super()._find_same_return(row)
        for back in self._get_requested(row.origin):
            if back.price == row.price and (
                back.platform_ref in (None, row.external_ref)
            ):
                if not back.platform_ref:
                    back.platform_ref = row.external_ref
                    self.met.append(back)
                row.id, row.status = back.id, "duplicate"
                row.message = self.env._(
                    "This sale was already returned on the buyer's request, as “%s”;"
                    " nothing more is credited.",
                    back.reference,
                )
                return True
        return super()._find_same_return(row)

    def store_rows(self, rows):
        """Write checked ``rows``, and the platform's reference on each request whose
        return one of them was."""
        super().store_rows(rows)
        for back in self.met:
            # Whoever may record returns may write the platform's reference on the
            # request that has made this one already.
            self.env.cr.execute(
                SQL(
                    "UPDATE lead_return_request SET platform_ref = %s"
                    " WHERE id = %s AND platform_ref IS NULL",
                    back.platform_ref,
                    back.request_id,
                )
            )
