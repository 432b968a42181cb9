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
"""
Adaptive key frame scheduling: which regions of a frame are due.

Source: Xu et al., "Dynamic Video Segmentation Network", CVPR 2018, section 3.2: a region whose
warping is not expected to do goes to the segmentation path, and becomes its own key region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from vidseg_ros.methods.dvsnet_knobs import DVSNetKnobs
from vidseg_ros.methods.dvsnet_stream import Decision, DVSNetObservation, KeyRegion
from vidseg_ros.methods.keyframe_policies import Evidence, flow_magnitude, frame_difference
from vidseg_ros.methods.region_motion import Motion


def decide(
    observation: DVSNetObservation,
    keys: Sequence[KeyRegion],
    estimate: Callable[[], list[Motion]],
    knobs: DVSNetKnobs,
) -> list[Decision]:
    """
    Say of each region whether it is due, and how the others have moved.

    ``keys`` are the regions' key regions, none at the start of a stream. ``estimate`` returns the
    motions of all regions since then; it is asked once at most, and not where nobody needs it.
    """
    grid, policy = observation.grid, observation.policy
    assert grid is not None and policy is not None
    if not keys:
        return [Decision(True) for _ in grid.regions]
    motions: list[Motion] | None = estimate() if policy.needs_flow else None
    percent = 100.0 / math.hypot(*grid.size)
    decisions = []
    for i, key in enumerate(keys):
        difference, magnitude, score, motion = 0.0, 0.0, 0.0, None
        if policy.needs_difference:
            # A key region that was there before this policy has no image to compare with.
            difference = math.inf if key.image is None else frame_difference(
                key.image.grey, observation.images[i].grey)  # fmt: skip
        if motions is not None:
            motion = motions[i]
            magnitude, score = flow_magnitude(motion.flow) * percent, motion.score
        evidence = Evidence(observation.count - key.count, difference, magnitude, score)
        decisions.append(
            Decision(policy.due(evidence), policy.measure(evidence), motion, key.count)
        )
    if knobs.takes_whole(grid, [decision.due for decision in decisions]):
        for decision in decisions:
            decision.due = True
    if motions is None and not all(decision.due for decision in decisions):
        for decision, found in zip(decisions, estimate(), strict=True):
            decision.motion = found
    return decisions


def new_keys(
    decisions: Sequence[Decision], keys: Sequence[KeyRegion], observation: DVSNetObservation
) -> list[KeyRegion]:
    """Return the key regions after a frame: those that were due are its own."""
    images = observation.images
    return [
        KeyRegion(images[i].copy() if images else None, observation.count)
        if decision.due
        else keys[i]
        for i, decision in enumerate(decisions)
    ]
