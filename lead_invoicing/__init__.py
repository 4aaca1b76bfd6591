# ruff: noqa: I001
from . import models, report, wizard, controllers
from .hooks import uninstall_hook
