"""Measure and torment the real billing: `bin/bench`."""

from benchmarks.command import main

__all__ = ["main"]
