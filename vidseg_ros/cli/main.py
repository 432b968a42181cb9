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
"""The vidseg command: one module per verb."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# Verb to module; a module offers add_arguments(parser) and main(args) -> exit code, and its
# docstring begins with 'vidseg VERB: what it does'.
VERBS = {
    'inspect': 'inspect',
    'evaluate': 'evaluate',
    'report': 'report',
    'results': 'results',
    'train': 'train',
    'make-bag': 'make_bag',
    'make-street': 'make_street',
    'make-cityscapesvid': 'make_cityscapesvid',
    'pseudo-label': 'pseudo_label',
    'export': 'export',
    'benchmark': 'benchmark',
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command with all its verbs."""
    parser = argparse.ArgumentParser(
        prog='vidseg', description='Video semantic segmentation: train, evaluate, look inside.'
    )
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    for verb, name in VERBS.items():
        module = importlib.import_module(f'vidseg_ros.cli.{name}')
        summary = (module.__doc__ or '').strip().splitlines()[0].partition(': ')[2]
        sub = verbs.add_parser(verb, help=summary, description=summary)
        module.add_arguments(sub)
        sub.set_defaults(main=module.main)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors that a user can mend are one line and exit code 2."""
    args = build_parser().parse_args(argv)
    try:
        return int(args.main(args) or 0)
    except (ValueError, OSError) as error:
        # Our errors for people derive from ValueError; files that aren't there are OSErrors.
        print(f'vidseg {args.verb}: error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
