"""Measure and torment the real billing: `bin/bench`."""

from dev.stress.command import main

__all__ = ["main"]
