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


class Verb(NamedTuple):
    """One leaf of the command tree: `main(args)` returns an exit status or an error message."""

    description: str
    main: Callable[[argparse.Namespace], Any]
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None


def lazy(module: str, function: str) -> Callable[[argparse.Namespace], Any]:
    """Return a main function that imports its module, and with it rclpy, only when called."""

    def main(args: argparse.Namespace) -> Any:
        return getattr(importlib.import_module(module), function)(args)

    return main


def command_listing(prog: str, descriptions: Mapping[str, str]) -> str:
    """Return the help text that lists commands with their descriptions, one a line."""
    width = max(map(len, descriptions))
    return '\n'.join(f'{name:<{width}}  {text}' for name, text in sorted(descriptions.items()))


def add_verbs(parser: argparse.ArgumentParser, verbs: Mapping[str, Verb]) -> None:
    """Give `parser` one sub-parser per verb; a verb's parser sets `main` in the namespace."""
    subparsers = parser.add_subparsers(
        title='Commands',
        metavar=METAVAR.format(parser.prog),
        description=command_listing(
            parser.prog, {name: verb.description for name, verb in verbs.items()}
        ),
    )
    for name, verb in sorted(verbs.items()):
        verb_parser = subparsers.add_parser(
            name,
            description=verb.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(main=verb.main)


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
