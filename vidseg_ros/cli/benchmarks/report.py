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
"""vidseg benchmark report: a page of tables from the figures of the other benchmarks."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('directory', type=Path, metavar='DIR',
                        help='with the JSON files that tools/benchmark.sh writes')
    parser.add_argument('--out', type=Path, default=Path('docs/benchmarks.md'), metavar='FILE',
                        help='the page (default: %(default)s)')


def main(args: argparse.Namespace) -> int:
    """Write the page."""
    from vidseg_ros.evaluation.benchmarks.page import render

    text = render(args.directory)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding='utf-8')
    print(f'wrote {args.out}')
    return 0
