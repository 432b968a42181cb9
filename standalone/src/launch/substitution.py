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
"""The base of all substitutions, and the one for plain text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from .launch_context import LaunchContext


class Substitution:
    """Stand for a text that is known only when the launch runs."""

    def describe(self) -> str:
        """Return a description of this substitution."""
        return repr(self)

    def perform(self, context: LaunchContext) -> str:
        """Return the text, looked up in the context."""
        raise NotImplementedError('perform() of this substitution')


class TextSubstitution(Substitution):
    """Hold a text as it is."""

    def __init__(self, *, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution expected Text object got '{type(text)}' instead.")
        self.text = text

    def describe(self) -> str:
        return f"'{self.text}'"

    def perform(self, context: LaunchContext) -> str:
        return self.text


SomeSubstitutionsType: TypeAlias = str | Substitution | Iterable[str | Substitution]
