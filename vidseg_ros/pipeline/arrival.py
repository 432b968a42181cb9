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
"""What goes into the pipeline: one image as it arrived, not yet converted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vidseg_ros.methods.base import Image, Wanted


class BadFrame(ValueError):
    """
    Say that an input can't be used as an image.

    ``cause`` is one of few fixed phrases and is what drops are counted by ('wrong step');
    ``detail`` has the numbers of this one.
    """

    def __init__(self, cause: str, detail: str = '') -> None:
        super().__init__(f'{cause}: {detail}' if detail else cause)
        self.cause = cause
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    One image as it arrived.

    ``stamp_ns`` is the acquisition time and ``received_ns`` the time of arrival, both in
    nanoseconds by the same clock. ``decode`` returns uint8 [H, W, 3] RGB or raises ``BadFrame``;
    it runs in the pipeline's own thread. ``context`` is handed through to the result.
    """

    stamp_ns: int
    received_ns: int
    decode: Callable[[], Image]
    wanted: Wanted = field(default_factory=Wanted)
    context: Any = None
