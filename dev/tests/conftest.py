"""A database of its own for tests that run Odoo as people do, by its command."""

import os
import subprocess

import pytest

from dev.environment.provision import Environment


class Database:
    """A fresh database of the provisioned Odoo."""

    def __init__(self, environment, name):
        self.environment = environment
        self.name = name

    def run(self, *arguments, script=None):
        """Run Odoo to its end; neither it nor its log may tell of an error.

        :param script: what `odoo shell` reads
        :return: what was printed and logged, warnings and up
        """
        command = self.environment.odoo_command(
            *arguments, "-d", self.name, "--no-http", "--log-level=warn"
        )
        result = subprocess.run(
            command,
            env=self.environment.variables() | {"PYTHONUNBUFFERED": "1"},
            input=script and f"{script}\nprint('reached the', 'end')\n",
            stdin=None if script else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=os.sep,
        )
        output = result.stdout
        assert result.returncode == 0, output
        assert not script or "reached the end" in output, output
        assert " ERROR " not in output, output
        assert " CRITICAL " not in output, output
        assert "Traceback" not in output, output
        return output


@pytest.fixture
def database():
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    name = environment.new_database_name("test")
    environment.create_database(name)
    yield Database(environment, name)
    environment.drop_database(name)
