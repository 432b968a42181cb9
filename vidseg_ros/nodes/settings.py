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
"""The values of the parameters, in the units and types that the node's parts want."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidseg_ros.methods.registry import MethodOptions
from vidseg_ros.nodes.parameters import BY_NAME, TABLE, Effect
from vidseg_ros.pipeline.threads import ThreadPlan, plan, usable_cores

EVERY_DEPTH = 200


@dataclass(frozen=True)
class Settings:
    """One consistent set of values, by parameter name; missing ones are at their default."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name] if name in self.values else BY_NAME[name].default

    def changed(self, values: Mapping[str, Any]) -> Settings:
        """Return the settings with some values replaced."""
        return Settings({**self.values, **values})

    def effects(self, other: Settings) -> set[Effect]:
        """Return what has to be done to go from these settings to others."""
        return {parameter.effect for parameter in TABLE
                if self[parameter.name] != other[parameter.name]}

    def segmenter_values(self) -> dict[str, Any]:
        """Return the values that the segmenter is made from."""
        return {parameter.name: self[parameter.name] for parameter in TABLE
                if parameter.effect is Effect.SEGMENTER}

    def method_options(self) -> MethodOptions:
        """Return what ``create_method`` wants; the knobs of other methods are left out."""
        prefix = f'{self["method"]}.'
        extra = {name.removeprefix(prefix): value
                 for name, value in self.segmenter_values().items()
                 if name.startswith(prefix)}
        return MethodOptions(
            checkpoint=self['checkpoint'], network=self['network'], engine=self['engine'],
            device=self['device'], precision=self['precision'], threads=self.thread_plan.device,
            input_size=(self['input_height'], self['input_width']), extra=extra)

    @property
    def image_reliable(self) -> bool:
        """Tell whether images are asked for reliably."""
        choice = self['image_qos_reliability']
        return self['frame_policy'] == 'every' if choice == 'auto' else choice == 'reliable'

    @property
    def image_depth(self) -> int | None:
        """Return the depth of the image subscriptions, None for one that keeps all."""
        return self['image_qos_depth'] or (None if self['frame_policy'] == 'every' else 1)

    @property
    def thread_plan(self) -> ThreadPlan:
        """Return how many threads each part gets on this machine."""
        return plan(usable_cores(), device=self['threads'],
                    observe_workers=self['observe_workers'])

    @property
    def output_depth(self) -> int:
        """Return the depth of the output publishers: `every` must not lose one either."""
        return EVERY_DEPTH if self['frame_policy'] == 'every' else 1

    @property
    def gap_ns(self) -> int:
        """Return the longest pause that does not reset a camera, 0 = any."""
        return self['gap_ms'] * 1_000_000

    @property
    def max_age_ns(self) -> int:
        """Return the age from which on frames are dropped, 0 = never."""
        return self['max_age_ms'] * 1_000_000

    @property
    def stale_ns(self) -> int:
        """Return after which time without an image a camera is stale."""
        return self['stale_ms'] * 1_000_000
