from . import controllers, models, recording, report, wizard
from .hooks import uninstall_hook
