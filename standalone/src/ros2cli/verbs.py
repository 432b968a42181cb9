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
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

METAVAR = 'Call `{} <command> -h` for more detailed usage.'
Option = Callable[[Any], Any]  # Adds itself to a parser, or to a group of one.


class Verb(NamedTuple):
    """One leaf of the command tree; `main` returns an exit status or an error message."""

    description: str
    main: Callable[[argparse.Namespace], Any]
    options: Sequence[Option] = ()


def option(*names: str, **settings: Any) -> Option:
    """Return an option or positional argument, given as to `add_argument`."""
    return lambda parser: parser.add_argument(*names, **settings)


def flag(*names: str, help: str, **settings: Any) -> Option:
    """Return an option that takes no value."""
    return option(*names, action='store_true', help=help, **settings)


def one_of(*options: Option) -> Option:
    """Return a group of options of which one may be given."""

    def add(parser: argparse.ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        for each in options:
            each(group)

    return add


def command_listing(descriptions: Mapping[str, str]) -> str:
    """Return the help text that lists commands with their descriptions, one a line."""
    width = max(map(len, descriptions))
    return '\n'.join(f'{name:<{width}}  {text}' for name, text in sorted(descriptions.items()))


def add_verbs(parser: argparse.ArgumentParser, verbs: Mapping[str, Verb]) -> None:
    """Give `parser` one sub-parser per verb; a verb's parser sets `main` in the namespace."""
    subparsers = parser.add_subparsers(
        title='Commands', metavar=METAVAR.format(parser.prog),
        description=command_listing({name: verb.description for name, verb in verbs.items()}))
    for name, verb in sorted(verbs.items()):
        verb_parser = subparsers.add_parser(name, description=verb.description)
        add_options(verb_parser, verb.options, verb.main)


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option],
                main: Callable[[argparse.Namespace], Any]) -> None:
    """Give `parser` options and what is to be done with them."""
    for add in options:
        add(parser)
    parser.set_defaults(main=main)


def lazy(module: str, function: str) -> Callable[[argparse.Namespace], Any]:
    """Return a main function that imports its module, and with it rclpy, only when called."""
    return lambda args: getattr(importlib.import_module(module), function)(args)


def _number(kind: type, is_valid: Callable[[Any], bool], wanted: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not is_valid(value):
            raise argparse.ArgumentTypeError(f'value must be {wanted}')
        return value

    parse.__name__ = kind.__name__  # Named where the text is no number at all.
    return parse


unsigned_int = _number(int, lambda value: value >= 0, 'non-negative integer')
positive_int = _number(int, lambda value: value > 0, 'a positive integer')
positive_float = _number(float, lambda value: 0.0 < value < float('inf'), 'positive')
