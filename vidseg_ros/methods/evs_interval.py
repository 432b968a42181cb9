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
The key interval of a camera: which frame is what in it, and the chains of flows along it.

Source: Paul et al., "Efficient Video Semantic Segmentation with Labels Propagation and
Refinement", sections 3.3 and 4.4.2 (the parameter S). All of it is ``observe``'s.
"""

from __future__ import annotations

from vidseg_ros.flow.grid import GridFlow
from vidseg_ros.methods.evs_operating_points import OperatingPoint, Stage
from vidseg_ros.methods.evs_stream import EVSState
from vidseg_ros.methods.frame_flow import Grey, back_along, forth_along

Size = tuple[int, int]


def follows(state: EVSState, size: Size, network_size: Size, grey: Grey | None) -> bool:
    """
    Tell whether a frame can go by the last key frame: there is one, and no size has changed.

    ``grey`` is the frame on the flow's grid, None where no flow is needed.
    """
    sizes = size, network_size
    if state.key_number < 0 or (state.size, state.network_size) != sizes:
        return False
    last = state.grey.last
    return grey is None or (last is not None and last.shape == grey.shape)


def stage_of_next(state: EVSState, point: OperatingPoint) -> Stage:
    """Return what is done with the next frame, which follows the last key frame."""
    stage = point.stage(state.count - state.key_number + state.early)
    if stage is Stage.REFINE and not state.refinable:
        return Stage.PROPAGATE  # the key frame was there before R was
    return stage


def lengthen_chains(
    state: EVSState, flow: GridFlow, grey: Grey, point: OperatingPoint
) -> None:
    """Lengthen the chains of flows by the step from the last frame to this one, ``grey``."""
    last = state.grey.last
    assert last is not None
    state.back = back_along(flow.calc(grey, last), state.back)
    # IAM wants the way there and back; without it one flow is enough.
    state.refinable &= point.refinement
    if state.refinable:
        state.forth = forth_along(state.forth, flow.calc(last, grey))


def begin(state: EVSState, size: Size, network_size: Size, point: OperatingPoint) -> None:
    """Begin an interval with the frame that is being observed."""
    if state.key_number >= 0:
        state.early = 0  # it was the first interval that is shorter
    state.key_number = state.count
    state.size, state.network_size = size, network_size
    state.back = state.forth = None
    state.refinable = point.refinement
