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
"""The QoS that a bag says its topics were offered with: a player offers the same."""

from __future__ import annotations

from typing import Final

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

# How rosbag2 writes 'no limit': the largest number of nanoseconds in 64 bits.
_INFINITE: Final = QosTime(9223372036, 854775807)


def _reliable(depth: int, durability: QosDurability) -> Qos:
    return Qos(QosHistory.KEEP_LAST, depth, QosReliability.RELIABLE, durability, _INFINITE,
               _INFINITE, QosLiveliness.AUTOMATIC, _INFINITE, False)


STREAM: Final = _reliable(30, QosDurability.VOLATILE)
"""
For images and labels: reliable, so that an evaluation loses none; best-effort subscriptions match
it as well. Deep enough for a second of 30 Hz.
"""

LATCHED: Final = _reliable(1, QosDurability.TRANSIENT_LOCAL)
"""For what is said once, at the start, and must reach those who join later."""
