"""Prepare Odoo and what it needs: `bin/provision`."""

from dev.environment.provision import main

__all__ = ["main"]
