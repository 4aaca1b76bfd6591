"""`bin/bench`: the scripts of this directory by name."""

import argparse

from dev.stress import (
    buyer,
    check_books,
    crash,
    power,
    preview,
    race,
    replica,
    report,
    scale,
    screens,
)

BENCHMARKS = {
    "books": check_books,
    "buyer": buyer,
    "crash": crash,
    "power": power,
    "preview": preview,
    "race": race,
    "replica": replica,
    "report": report,
    "scale": scale,
    "screens": screens,
}


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description="Kill the billing in mid-work, or measure it and its reports, in a"
        " real Odoo and in databases of its own.",
    )
    commands = parser.add_subparsers(title="benchmarks", required=True)
    for name, module in BENCHMARKS.items():
        command = commands.add_parser(
            name,
            help=module.__doc__.splitlines()[0],
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)
