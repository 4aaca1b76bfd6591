"""Owns the worlds in which tests live, and what several of them need. No tests."""
