"""Pictures of a running Odoo: `tools/start screenshots ADDRESS NAME=PATH…`."""

import os

from tools.provision import ROOT, Environment


def main(arguments):
    """Become the program that takes them, in the Python of Odoo."""
    env = Environment()
    env.provision()
    command = [env.python, str(ROOT / "demo/photograph.py")]
    command += ["--chromium", env.chromium, *arguments]
    os.execve(command[0], command, env.variables())
