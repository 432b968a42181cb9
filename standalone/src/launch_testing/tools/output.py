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

"""Filtering and matching what processes write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .text import build_text_match, remove_ansi_escape_sequences


def basic_output_filter(
    filtered_prefixes: Iterable[str] | None = None,
    filtered_patterns: Iterable[str] | None = None,
) -> Callable[[str], str]:
    """Return a function that drops lines with these beginnings (pid, rc) or patterns."""
    prefixes = tuple(('pid', 'rc') if filtered_prefixes is None else filtered_prefixes)
    patterns = [re.compile(pattern) for pattern in filtered_patterns or ()]

    def keep(line: str) -> bool:
        return not line.startswith(prefixes) and not any(p.match(line) for p in patterns)

    return lambda output: ''.join(filter(keep, output.splitlines(keepends=True)))


def expect_output(
    text: str | None = None, *, lines: list[str] | None = None, expected_text: Any = None,
    expected_lines: Any = None, strip_ansi_escape_sequences: bool = True, strict: bool = False,
) -> bool:
    """Tell if a text (or lines) has the expected text, or the expected lines in order.

    :raises ValueError: unless one of each pair is given.
    """
    if (text is None) == (lines is None):
        raise ValueError('Either lines or text, but not both, must be specified')
    if (expected_text is None) == (expected_lines is None):
        raise ValueError('Either expected lines or text, but not both, must be specified')
    whole = text if text is not None else '\n'.join(lines or ())
    if strip_ansi_escape_sequences:
        whole = remove_ansi_escape_sequences(whole)
    if expected_text is not None:
        return build_text_match(expected_text, strict=strict)(whole) is not None
    actual = whole.splitlines()
    wanted = [expected_lines] if isinstance(expected_lines, (str, re.Pattern)) else (
        list(expected_lines))
    position = 0
    for item in wanted:
        match = build_text_match(item)
        found = next((i for i in range(position, len(actual)) if match(actual[i])), None)
        if found is None or (strict and found != position):
            return False
        position = found + 1
    return True
