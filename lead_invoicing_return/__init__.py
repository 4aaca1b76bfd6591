from . import controllers, models, recording, report, wizard
from .hooks import post_init_hook, uninstall_hook
