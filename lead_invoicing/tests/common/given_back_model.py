"""A plain model of what is billed and given back, beside the real books.

It knows what people see: which transactions a document bills, which document reverses
which, and what is posted. What comes of it, it works out by itself: each sale is owed
once, and given back at most once.
"""

from dataclasses import dataclass, field
from decimal import Decimal

NOTHING = Decimal(0)


@dataclass(eq=False)
class Entry:
    """A transaction on a document: an amount for a sale, one below zero for a return.

    A return gives back an entry of its sale, on whatever document that is.
    """

    sale_id: int
    document_id: int
    amount: Decimal
    of: "Entry | None" = None


@dataclass(eq=False)
class Reversal:
    """What a reversal takes off: entries, or a document as a whole, where it is no
    reversal of all that was left."""

    reverses: int
    shares: dict = field(default_factory=dict)
    of_documents: dict = field(default_factory=dict)


class GivenBackModel:
    """The books of one buyer, in one currency, without taxes."""

    def __init__(self):
        self.entries = {}
        self.reversals = {}
        self.posted = set()

    # What is seen

    def see(self, places, origins, posted, reversals, copies):
        """Take in what became of documents and transactions in one step.

        :param places: {sale id: (document id, signed amount)} of what is on documents
        :param origins: {return id: sale id}
        :param posted: ids of posted documents and reversals
        :param reversals: {id: (id of what it reverses, total above zero)} of those
            that are posted, the oldest first
        :param copies: {id of a document that was invoiced again: its copy's id}
        """
        new = [id_ for id_ in reversals if id_ not in self.posted]
        self.posted = set(posted).difference(new)
        # Sales first, for their returns to name them.
        for sale_id in sorted(places, key=lambda sale_id: sale_id in origins):
            document_id, amount = places[sale_id]
            key = (sale_id, document_id)
            self.entries.setdefault(key, Entry(sale_id, document_id, amount))
        for (sale_id, document_id), entry in self.entries.items():
            if sale_id in origins and (document_id not in posted or not entry.of):
                # What a draft gives back is decided when it is posted.
                origin_id = origins[sale_id]
                place, _amount = places.get(origin_id, (None, 0))
                entry.of = self.entries.get((origin_id, place))
        for entry in self.entries.values():
            of = entry.of
            if of and of.document_id in copies and of.document_id != entry.document_id:
                # What was returned of a document's sales was returned of its copy's.
                entry.of = self.entries[of.sale_id, copies[of.document_id]]
        for reversal_id in new:
            self.see_reversal(reversal_id, *reversals[reversal_id])

    def see_reversal(self, reversal_id, reverses_id, amount):
        """Take in that a reversal is posted.

        :param amount: its total, above zero
        """
        reversal = Reversal(reverses_id, *self.get_left(reverses_id))
        if abs(self.get_left_in_all(reverses_id)) != amount:
            # A part, or made when something else was left: off the whole of it.
            reversal.shares = {}
            reversal.of_documents = {
                self.get_document(reverses_id): self.get_sign(reverses_id) * amount
            }
        self.reversals[reversal_id] = reversal
        self.posted.add(reversal_id)

    # What comes of it

    def is_posted(self, document_id):
        return document_id in self.posted

    def get_document(self, move_id):
        """Return the document that bills what a reversal reverses, however deep."""
        while move_id in self.reversals:
            move_id = self.reversals[move_id].reverses
        return move_id

    def get_sign(self, move_id):
        """Return 1 for what is reversed by giving back, -1 for the contrary."""
        if move_id in self.reversals:
            return -self.get_sign(self.reversals[move_id].reverses)
        return 1 if self.get_total(move_id) >= 0 else -1

    def get_total(self, document_id):
        return sum(
            (e.amount for e in self.entries.values() if e.document_id == document_id),
            NOTHING,
        )

    def get_reversals(self):
        return [
            reversal
            for reversal_id, reversal in self.reversals.items()
            if reversal_id in self.posted
        ]

    def get_left(self, move_id):
        """Return what a reversal of this would take off: of entries, and of documents
        as a whole."""
        if move_id in self.reversals:
            shares, of_documents = self.get_standing_shares(move_id)
            return (
                {entry: -amount for entry, amount in shares.items()},
                {document: -amount for document, amount in of_documents.items()},
            )
        shares = {
            entry: self.get_owed(entry, elsewhere=True)
            for entry in self.entries.values()
            if entry.document_id == move_id
        }
        return shares, {move_id: -self.get_off_whole(move_id)}

    def get_standing_shares(self, reversal_id):
        """Return what a reversal takes off, less what undoes it, and so on."""
        own = self.reversals[reversal_id]
        shares, of_documents = dict(own.shares), dict(own.of_documents)
        for other_id, other in self.reversals.items():
            if other.reverses == reversal_id and other_id in self.posted:
                undone, undone_of_documents = self.get_standing_shares(other_id)
                for entry, amount in undone.items():
                    shares[entry] = shares.get(entry, NOTHING) + amount
                for document, amount in undone_of_documents.items():
                    of_documents[document] = (
                        of_documents.get(document, NOTHING) + amount
                    )
        return shares, of_documents

    def get_off_whole(self, document_id):
        """Return what reversals took off a document, and off none of its entries."""
        return sum(
            (
                reversal.of_documents.get(document_id, NOTHING)
                for reversal in self.get_reversals()
            ),
            NOTHING,
        )

    def get_standing(self, entry):
        """Return what is in the books of an entry after reversals."""
        if not self.is_posted(entry.document_id):
            return NOTHING
        return entry.amount - sum(
            reversal.shares.get(entry, NOTHING) for reversal in self.get_reversals()
        )

    def get_owed(self, entry, elsewhere=False):
        """Return what is owed for an entry, after returns too.

        :param elsewhere: leave out the returns on its own document
        """
        return self.get_standing(entry) + sum(
            self.get_standing(back)
            for back in self.entries.values()
            if back.of is entry
            and not (elsewhere and back.document_id == entry.document_id)
        )

    def get_left_in_all(self, move_id):
        """Return what a reversal of this would take off."""
        shares, of_documents = self.get_left(move_id)
        return sum(shares.values()) + sum(of_documents.values())

    def get_owed_in_all(self, sale_id):
        """Return what is owed for a transaction on all documents that it was on, and
        None where that cannot be told."""
        entries = [e for e in self.entries.values() if e.sale_id == sale_id]
        if any(self.get_off_whole(entry.document_id) for entry in entries):
            return None
        return sum((self.get_owed(entry) for entry in entries), NOTHING)

    def is_credited(self, document_id):
        """Tell whether a reversal, and what was returned before, gave back all."""
        return (
            self.is_posted(document_id)
            and any(
                self.is_reversing(reversal_id)
                for reversal_id, reversal in self.reversals.items()
                if reversal.reverses == document_id and reversal_id in self.posted
            )
            and self.get_left_in_all(document_id) == 0
        )

    def is_reversing(self, reversal_id):
        """Tell whether something of a reversal was not undone; one of nothing counts
        until it is."""
        is_undone = any(
            other.reverses == reversal_id and other_id in self.posted
            for other_id, other in self.reversals.items()
        )
        return not is_undone or self.get_left_in_all(reversal_id) != 0

    def get_books(self):
        """Return what the books of the buyer come to."""
        documents = {e.document_id for e in self.entries.values()}
        return sum(self.get_standing(e) for e in self.entries.values()) - sum(
            self.get_off_whole(document_id) for document_id in documents
        )
