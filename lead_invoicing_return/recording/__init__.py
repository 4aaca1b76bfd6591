"""Owns how the platform's own return of a sale meets a request for it, and how what a
buyer writes into a field or a file is read.
"""
