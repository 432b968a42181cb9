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

"""Matching texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

_ANSI = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]')
Match = Callable[..., tuple[int, int] | None]


def remove_ansi_escape_sequences(text: str) -> str:
    return _ANSI.sub('', text)


def build_text_match(expected_text: Any, *, strict: bool = False) -> Match:
    """Return ``match(text, start=0)``, which gives (start, end) or None.

    :param expected_text: a text, a compiled pattern, or several of these to be found in order.
    :param strict: the match must begin at the start; a text must be the whole rest.
    """
    if isinstance(expected_text, str):
        def match(actual: str, start: int = 0) -> tuple[int, int] | None:
            actual = actual.replace('\r\n', '\n')
            if strict:
                return (start, len(actual)) if actual[start:] == expected_text else None
            found = actual.find(expected_text, start)
            return None if found < 0 else (found, found + len(expected_text))
    elif isinstance(expected_text, re.Pattern):
        def match(actual: str, start: int = 0) -> tuple[int, int] | None:
            actual = actual.replace('\r\n', '\n')
            found = (expected_text.match if strict else expected_text.search)(actual, start)
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
