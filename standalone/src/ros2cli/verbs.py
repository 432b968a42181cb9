# Copyright 2026 The vidseg_ros Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Sub-commands of sub-commands, laid out as the original `ros2` shows them."""

import argparse
import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

METAVAR = 'Call `{} <command> -h` for more detailed usage.'


class Option(NamedTuple):
    """The arguments of one `add_argument`."""

    names: tuple[str, ...]
    settings: dict[str, Any]


Options = tuple[Option | tuple[Option, ...], ...]


class Verb(NamedTuple):
    """
    One leaf of the command tree.

    `main` gets the parsed arguments and returns an exit status or an error message. The options
    are a table, or a function that adds them to a parser. A tuple in the table is a group of
    which one may be given.
    """

    description: str
    main: Callable[[argparse.Namespace], Any]
    options: Options | Callable[[argparse.ArgumentParser], None] = ()


def option(*names: str, **settings: Any) -> Option:
    """Return an option or positional argument."""
    return Option(names, settings)


def flag(*names: str, help: str, **settings: Any) -> Option:
    """Return an option that takes no value."""
    return Option(names, {'action': 'store_true', 'help': help, **settings})


def command_listing(descriptions: Mapping[str, str]) -> str:
    """Return the help text that lists commands with their descriptions, one a line."""
    width = max(map(len, descriptions))
    return '\n'.join(f'{name:<{width}}  {text}' for name, text in sorted(descriptions.items()))


def add_verbs(parser: argparse.ArgumentParser, verbs: Mapping[str, Verb]) -> None:
    """Give `parser` one sub-parser per verb; a verb's parser sets `main` in the namespace."""
    subparsers = parser.add_subparsers(
        title='Commands',
        metavar=METAVAR.format(parser.prog),
        description=command_listing({name: verb.description for name, verb in verbs.items()}),
    )
    for name, verb in sorted(verbs.items()):
        verb_parser = subparsers.add_parser(name, description=verb.description)
        if callable(verb.options):
            verb.options(verb_parser)
        else:
            _add_options(verb_parser, verb.options)
        verb_parser.set_defaults(main=verb.main)


def _add_options(parser: argparse.ArgumentParser, options: Options) -> None:
    for each in options:
        if isinstance(each, Option):
            parser.add_argument(*each.names, **each.settings)
        else:
            group = parser.add_mutually_exclusive_group()
            for names, settings in each:
                group.add_argument(*names, **settings)


def lazy(module: str, function: str) -> Callable[[argparse.Namespace], Any]:
    """Return a main function that imports its module, and with it rclpy, only when called."""

    def main(args: argparse.Namespace) -> Any:
        return getattr(importlib.import_module(module), function)(args)

    return main


def unsigned_int(text: str) -> int:
    """Parse a non-negative integer for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError('value must be non-negative integer')
    return int(text)


def positive_int(text: str) -> int:
    """Parse an integer above zero for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError('value must be a positive integer')
    return int(text)


def positive_float(text: str) -> float:
    """Parse a finite number above zero for argparse."""
    value = float(text)
    if not 0.0 < value < float('inf'):
        raise argparse.ArgumentTypeError('value must be positive')
    return value
