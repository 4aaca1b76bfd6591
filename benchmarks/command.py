"""`bin/bench`: the scripts of this directory by name."""

import argparse

from . import crash, replica, report, scale

BENCHMARKS = {"crash": crash, "replica": replica, "report": report, "scale": scale}


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Kill the billing in mid-work, or measure it and its reports, in a"
        " real Odoo and in databases of its own.",
    )
    commands = parser.add_subparsers(title="benchmarks", required=True)
    for name, module in BENCHMARKS.items():
        description = module.__doc__.splitlines()[0]
        command = commands.add_parser(name, help=description, description=description)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)
