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
"""Options of data sets as they are given on a command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from vidseg_ros.datasets.errors import DatasetError


def parse_options(pairs: Iterable[str]) -> dict[str, Any]:
    """
    Return the options that ``KEY=VALUE`` strings give.

    Values are read as JSON (numbers, true, lists); what is no JSON is a string.

    :raises DatasetError: if a string has no key or no '=', or a key is there twice.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition('=')
        if not equals or not key.isidentifier():
            raise DatasetError(f"'{pair}' is no option; write KEY=VALUE")
        if key in options:
            raise DatasetError(f"the option '{key}' is given twice")
        try:
            options[key] = json.loads(value)
        except json.JSONDecodeError:
            options[key] = value
    return options
