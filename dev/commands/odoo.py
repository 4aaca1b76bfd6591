"""Odoo with the project's configuration: `bin/odoo` passes its arguments on."""

import os

from dev.environment.provision import Environment


def main(arguments):
    """Become Odoo."""
    env = Environment()
    env.provision()
    env.postgres.start()
    command = env.odoo_command(*arguments)
    os.execve(command[0], command, env.variables())
