"""What a correction of a price writes: the sale is given back, and sold again."""

from hashlib import blake2b

from ..tools.parsing import REFERENCE_LIMIT, RowError
from .row import IncomingTransaction, Origin

# The reference of the return that a correction makes, after that of the correction.
RETURN_SUFFIX = "/return"


class CorrectionRules:
    """The part of :class:`~.recorder.LeadRecorder` that looks at price corrections.

    A correction is received as one row and stored as two: a return of what is left of
    the sale, and a sale at the new price, less what was returned before and stays
    returned. Both share the fate of the return: waived together, billed together.
    """

    def _find_corrected(self, corrections, accepted):
        """Read what the sales that ``corrections`` name have besides their price: the
        lead data that go along; and which references their returns cannot have."""
        self.accepted = accepted
        origins = [row.origin for row in corrections if row.origin]
        lead_data = self.store.query_lead_data({origin.id for origin in origins})
        for origin in origins:
            origin.lead_data = lead_data.get(origin.id, origin.lead_data)
        self.taken = self.store.query_recorded(
            {row.external_ref + RETURN_SUFFIX for row in corrections}
        )

    def _check_correction(self, row):
        """Check a correction, and make it the sale at the new price, with the return
        of the old one as its ``pair``."""
        origin = self._get_sale_in_force(row)
        self._check_reference_left(row)
        self._check_origin(row, origin)
        self._check_same_lead(row, origin)
        if row.price == origin.present_price:
            self._mark_present_price(row, origin)
            return
        returned = origin.present_price - origin.left
        if row.price < returned:
            raise RowError(
                "price",
                self.env._(
                    "%(returned)s of the sale “%(ref)s” has already been returned and"
                    " stays returned; send a price of at least that.",
                    returned=returned,
                    ref=row.origin_external_ref,
                ),
            )
        pair = self._prepare_pair(row, origin)
        self._consume_remaining_price(pair, origin)
        self._check_return_waived(pair, origin)
        self._set_corrected_sale(row, pair, returned)
        self.accepted[pair.external_ref] = pair
        self.origins[row.external_ref] = origin.corrected_by = Origin.from_row(row)
        origin.corrected_by.named_ids = origin.named_ids

    def _check_reference_left(self, row):
        """Check that the return of this correction can have its reference."""
        reference = row.external_ref + RETURN_SUFFIX
        if len(reference) > REFERENCE_LIMIT:
            raise RowError(
                "external_ref",
                self.env._(
                    "the reference of a price correction has at most %s characters;"
                    " send a shorter one.",
                    REFERENCE_LIMIT - len(RETURN_SUFFIX),
                ),
            )
        if reference in self.taken or reference in self.accepted:
            raise RowError(
                "external_ref",
                self.env._(
                    "“%s” is the reference of another transaction, and this price"
                    " correction needs it for the return that it records; send the"
                    " correction under another reference.",
                    reference,
                ),
            )

    def _check_same_lead(self, row, origin):
        """Check that ``row`` says nothing else of the lead than its sale does."""
        for name in ("lead_ref", "campaign"):
            value = getattr(row, name)
            if value and value != getattr(origin, name):
                raise RowError(
                    name,
                    self.env._(
                        "“%(value)s” is not that of the sale “%(ref)s”; a price"
                        " correction changes the price only.",
                        value=value,
                        ref=row.origin_external_ref,
                    ),
                )
        if row.lead_data:
            raise RowError(
                "lead_data",
                self.env._(
                    "a price correction has the lead data of its sale; leave it empty."
                ),
            )

    def _mark_present_price(self, row, origin):
        """Call ``row`` a duplicate: the sale has that price already."""
        row.status = "duplicate"
        row.id, row.same_as = origin.id, origin.row
        row.message = self.env._(
            "The price of the sale “%(ref)s” is already %(price)s; there is nothing to"
            " correct.",
            ref=row.origin_external_ref,
            price=row.price,
        )

    def _prepare_pair(self, row, origin):
        """Return the full return of ``origin`` that the correction ``row`` makes."""
        pair = IncomingTransaction()
        pair.transaction_type = "return"
        pair.external_ref = row.external_ref + RETURN_SUFFIX
        pair.origin_external_ref = row.origin_external_ref
        pair.origin = pair.corrected = origin
        for name in ("date", "partner_id", "lead_type_id", "currency_id", "reason"):
            setattr(pair, name, getattr(row, name))
        pair.lead_ref, pair.campaign = origin.lead_ref, origin.campaign
        pair.commercial_partner_id = origin.commercial_partner_id
        pair.price = origin.left
        pair.amount = -pair.price
        pair.corrected_price = origin.present_price
        # No row that is received can have it.
        pair.row_hash = blake2b(row.row_hash.encode(), digest_size=16).hexdigest()
        return pair

    def _set_corrected_sale(self, row, pair, returned):
        """Make the correction ``row`` a sale at its price less what was returned."""
        origin = pair.origin
        row.pair, row.origin, row.corrected = pair, None, origin
        row.transaction_type = "sale"
        row.corrected_price = row.price
        row.price -= returned
        row.amount = row.price
        row.commercial_partner_id = origin.commercial_partner_id
        row.lead_ref, row.campaign = origin.lead_ref, origin.campaign
        row.lead_data = origin.lead_data
        row.lead_data_erased_at = origin.lead_data_erased_at
        row.waived, row.waived_by_credit = pair.waived, pair.waived_by_credit
        row.reason, row.warning = pair.reason, pair.warning
        row.rests_on_origin = bool(row.lead_data)
