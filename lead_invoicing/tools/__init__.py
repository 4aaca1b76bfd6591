"""Owns what knows no model of the addon: time, texts from outside, protected fields.

Anything that asks for a lead, a buyer or a document belongs on a higher floor.
"""
