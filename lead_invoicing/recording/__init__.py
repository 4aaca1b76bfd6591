"""Owns the way of a transaction into the ledger: it is read, understood, checked, and
written at once with others. The front door is `lead.sale.record_transactions`.

Does not own the ledger itself, nor what is decided on a recorded transaction
(`models`).
"""
