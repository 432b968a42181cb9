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
"""Filtering what processes write, and comparing it with what was expected."""

import re
from collections.abc import Callable, Iterable
from typing import Any

_ANSI = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]')


def remove_ansi_escape_sequences(text: str) -> str:
    return _ANSI.sub('', text)


def build_text_match(
    expected_text: Any, *, strict: bool = False
) -> Callable[..., tuple[int, int] | None]:
    """Return ``match(text, start=0)``, which gives (start, end) or None.

    :param expected_text: a text, a compiled pattern, or several of these to be found in order.
    :param strict: the match must begin at the start; a text must be the whole rest.
    """
    if isinstance(expected_text, str):
        expected_text = re.compile(re.escape(expected_text) + (r'\Z' if strict else ''))
    if isinstance(expected_text, re.Pattern):
        def match(actual: str, start: int = 0) -> tuple[int, int] | None:
            find = expected_text.match if strict else expected_text.search
            found = find(actual.replace('\r\n', '\n'), start)
            return None if found is None else found.span()
    elif isinstance(expected_text, Iterable):
        parts = [build_text_match(text) for text in expected_text]

        def match(actual: str, start: int = 0) -> tuple[int, int] | None:
            first, end = None, start
            for part in parts:
                span = part(actual, end)
                if span is None or (strict and span[0] != end):
                    return None
                first = span[0] if first is None else first
                end = span[1]
            return start if first is None else first, end
    else:
        raise ValueError('Unknown format for expected text')
    return match


def basic_output_filter(
    filtered_prefixes: Iterable[str] | None = None,
    filtered_patterns: Iterable[str] | None = None,
) -> Callable[[str], str]:
    """Return a function that drops lines with these beginnings (pid, rc) or patterns."""
    prefixes = tuple(('pid', 'rc') if filtered_prefixes is None else filtered_prefixes)

    def keep(line: str) -> bool:
        return not line.startswith(prefixes) and not any(
            re.match(pattern, line) for pattern in filtered_patterns or ())

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
    rest = whole.splitlines()
    single = isinstance(expected_lines, (str, re.Pattern))
    for item in [expected_lines] if single else expected_lines:
        match = build_text_match(item)
        found = next((i for i, line in enumerate(rest) if match(line)), None)
        if found is None or (strict and found):
            return False
        del rest[:found + 1]
    return True
