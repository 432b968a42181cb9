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
"""Quality of service that users can override, for topics that are made more than once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

_POLICIES = ('history', 'depth', 'reliability')

Entity = TypeVar('Entity')


class QoSOverrides:
    """
    Remember what users overrode, one object per node.

    rclpy declares the parameters ``qos_overrides.<topic>...`` when a topic is made first, with
    the profile of that time as their default, and they can't be declared anew. So a topic that
    is made again, with another profile, gets from here what was overridden and nothing else.
    """

    def __init__(self) -> None:
        self._overridden: dict[tuple[str, str], dict[str, Any]] = {}

    def create(self, kind: str, topic: str, profile: QoSProfile,
               make: Callable[[QoSProfile, QoSOverridingOptions | None], Entity]) -> Entity:
        """
        Return what ``make(profile, options)`` returns.

        ``kind`` is 'publisher' or 'subscription'. ``profile`` is changed to what is used.
        """
        overridden = self._overridden.get((kind, topic))
        if overridden is not None:
            for policy, value in overridden.items():
                setattr(profile, policy, value)
            return make(profile, None)
        asked = {policy: getattr(profile, policy) for policy in _POLICIES}
        entity = make(profile, QoSOverridingOptions.with_default_policies())
        self._overridden[kind, topic] = {
            policy: getattr(profile, policy) for policy, value in asked.items()
            if getattr(profile, policy) != value}
        return entity
