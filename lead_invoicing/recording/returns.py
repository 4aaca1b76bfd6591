"""What may be given back of a sale, and by which return."""

import itertools

from ..tools.parsing import RowError, fold
from .row import Origin


class ReturnRules:
    """The part of :class:`~.recorder.LeadRecorder` that looks at returns: which sale
    each of them names, and how much of it is left."""

    def _find_origins(self, returns, accepted):
        """Find the sales that ``returns`` and corrections name, in the ledger or in the
        same list."""
        references = {row.origin_external_ref for row in returns}
        sold = self._find_sales_of_leads(returns, accepted)
        references.update(*sold.values())
        origins = self.store.query_origins(references)
        for reference in references:
            if reference in accepted and reference not in origins:
                origins[reference] = Origin.from_row(accepted[reference])
        self.sales_of_leads = {
            key: {reference: origins[reference] for reference in found}
            for key, found in sold.items()
        }
        self.origins = origins
        for row in returns:
            row.origin = origins.get(row.origin_external_ref)

    def _find_sales_of_leads(self, returns, accepted):
        """Return ``{(buyer, lead_ref): [references]}`` of the sales of the leads that
        returns of a file name instead of their sales, as a buyer knows them."""
        keys = {
            (row.partner_id, row.lead_ref)
            for row in returns
            if row.from_file and not row.origin_external_ref and row.lead_ref
        }
        if not keys:
            return {}
        sold = {key: set() for key in keys}
        recorded = self.store.query_sales_of_leads({lead for _buyer, lead in keys})
        new = (
            (row.partner_id, row.lead_ref, row.external_ref)
            for row in accepted.values()
        )
        for partner_id, lead_ref, reference in itertools.chain(recorded, new):
            if (partner_id, lead_ref) in sold:
                sold[partner_id, lead_ref].add(reference)
        return sold

    def _find_origin_by_lead(self, row):
        """Find the one sale of the lead of ``row`` that money can be given back for."""
        sales = self.sales_of_leads.get((row.partner_id, row.lead_ref))
        if row.origin_external_ref or sales is None:
            return
        left = {
            reference: origin
            for reference, origin in sales.items()
            if not origin.in_force.in_full and origin.in_force.date <= row.date
        }
        if len(left) == 1:
            [(row.origin_external_ref, row.origin)] = left.items()
        elif left:
            raise RowError(
                "lead_ref",
                self.env._(
                    "the lead “%(lead)s” was sold to this buyer more than once, as"
                    " %(refs)s; name the sale that is returned.",
                    lead=row.lead_ref,
                    refs=", ".join(sorted(left)[:5]),
                ),
            )
        else:
            raise RowError(
                "lead_ref",
                self.env._(
                    "the lead “%s” was not sold to this buyer before the return, or was"
                    " returned in full; name the sale that is returned.",
                    row.lead_ref,
                ),
            )

    def _get_sale_in_force(self, row):
        """Return the sale that ``row`` acts on: the one that it names, or the last
        correction of its price, also where that is in the same list."""
        origin = row.origin or self.origins.get(row.origin_external_ref)
        return origin and origin.in_force

    def _check_return(self, row):
        self._find_origin_by_lead(row)
        row.origin = self._get_sale_in_force(row)
        self._check_origin(row, row.origin)
        if self._find_same_return(row):
            return
        self._check_reason(row)
        self._consume_remaining_price(row, row.origin)
        if row.origin.lead_data_erased_at:
            self._drop_lead_data(row, row.origin.lead_data_erased_at)
        row.amount = -row.price
        row.commercial_partner_id = row.origin.commercial_partner_id
        self._check_return_waived(row, row.origin)

    def _find_same_return(self, row):
        """Hook: return whether a return is recorded already under a reference that its
        sender does not know. Such a row is given the ``id`` of that return, the status
        ``duplicate`` and a message that names it; nothing is recorded.
        """
        return False

    def _check_reason(self, row):
        """Find the reason that the text is; what is no reason stays a text."""
        if not row.reason_id:
            row.reason_id = self.rules.reason_words.get(fold(row.reason))
            return
        reason = self.rules.reasons.filtered(lambda known: known.id == row.reason_id)
        if not reason:
            raise RowError(
                "reason_id",
                self.env._(
                    "it is not a return reason of %s; choose one of the list.",
                    self.company.name,
                ),
            )
        row.reason = row.reason or reason.name

    def _check_origin(self, row, origin):
        """Check that ``origin`` is a sale that ``row`` can give money back for."""
        env = self.env
        if not row.origin_external_ref:
            sentence = env._(
                "it is missing; a return or a price correction must name the sale that"
                " it belongs to."
            )
        elif not origin or (row.origin_id and row.origin_id not in origin.named_ids):
            sentence = env._(
                "no sale “%s” is recorded; send the sale first, or in the same call.",
                row.origin_external_ref,
            )
        elif origin.transaction_type != "sale":
            sentence = env._(
                "“%s” is itself a return; name the sale.", row.origin_external_ref
            )
        elif origin.partner_id != row.partner_id:
            sentence = env._(
                "the sale “%s” was made to another buyer; a return or a price"
                " correction has the buyer of its sale.",
                row.origin_external_ref,
            )
        elif origin.currency_id != row.currency_id:
            sentence = env._(
                "the sale “%(ref)s” is in %(currency)s; a return or a price correction"
                " has the currency of its sale.",
                ref=row.origin_external_ref,
                currency=self.currencies[origin.currency_id][0],
            )
        elif origin.lead_type_id != row.lead_type_id:
            sentence = env._(
                "the sale “%(ref)s” has the lead type %(code)s; a return or a price"
                " correction has the lead type of its sale.",
                ref=row.origin_external_ref,
                code=self.lead_types[origin.lead_type_id].code,
            )
        elif origin.date > row.date:
            raise RowError(
                "occurred_at",
                self._get_too_early_sentence(origin),
            )
        else:
            return
        raise RowError("origin_external_ref", sentence)

    def _get_too_early_sentence(self, origin):
        if origin.corrected_price is None:
            return self.env._(
                "this is dated before its sale “%(ref)s” of %(date)s UTC.",
                ref=origin.external_ref,
                date=origin.date,
            )
        return self.env._(
            "this is dated before “%(ref)s” of %(date)s UTC, which corrected the price"
            " of its sale; send a later date and time.",
            ref=origin.external_ref,
            date=origin.date,
        )

    def _consume_remaining_price(self, row, origin):
        """Take the price of the return ``row`` from what is left of its sale."""
        rest = origin.price - origin.returned
        if origin.in_full:
            raise RowError(
                "origin_external_ref",
                self.env._(
                    "the sale “%s” has already been returned in full; there is nothing"
                    " left to return.",
                    row.origin_external_ref,
                ),
            )
        if row.price > rest:
            raise RowError(
                "price",
                self.env._(
                    "%(price)s is more than what is left of the sale “%(ref)s”; send"
                    " at most %(rest)s.",
                    price=row.price,
                    ref=row.origin_external_ref,
                    rest=rest,
                ),
            )
        row.price_adjustment = row.price < rest
        origin.in_full = not row.price_adjustment
        origin.returned += row.price
        origin.number += 1
        row.return_number = origin.number

    def _check_return_waived(self, row, origin):
        """Waive a return whose sale is not paid for, or was credited before."""
        if self._is_history(row.date):
            self._waive(row, self.env._("billed elsewhere"))
        elif origin.credited:
            self._waive(row, self.env._("already credited"))
            row.waived_by_credit = row.rests_on_origin = True
            row.warning = self.env._(
                "The invoice of the sale “%s” has been credited, so this will not be"
                " billed.",
                row.origin_external_ref,
            )
        elif origin.waived and not origin.is_history:
            self._waive(row, self.env._("its sale is waived"))
            row.rests_on_origin = True

    def _is_history(self, moment):
        return bool(self.rules.billing_start) and moment < self.rules.billing_start

    def _waive(self, row, reason):
        row.waived = True
        row.reason = f"{row.reason} ({reason})" if row.reason else reason
