"""Pictures of a running Odoo: `dev/start screenshots ADDRESS NAME=PATH…`."""

import os

from dev.environment.provision import ROOT, Environment


def main(arguments):
    """Become the program that takes them, in the Python of Odoo."""
    env = Environment()
    env.provision()
    command = [env.python, str(ROOT / "dev/acceptance/screenshots.py")]
    command += ["--chromium", env.chromium, *arguments]
    os.execve(command[0], command, env.variables())
