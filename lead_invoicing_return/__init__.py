from . import recording
from . import models
from . import report
from . import wizard
from . import controllers
from .hooks import uninstall_hook
