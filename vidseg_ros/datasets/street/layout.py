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
"""Where things lie across the street, in metres from its middle."""

from typing import Final

LANE_M: Final = 3.6
"""Width of a lane; traffic keeps to the right."""

ROAD_M: Final = 5.8
"""Half the road: a lane and a strip to park in."""

PARKED_M: Final = 4.75
"""Middle of the parked cars."""

CYCLE_M: Final = 3.15
"""Where cyclists ride."""

SIDEWALK_M: Final = 9.0
"""From here on there are houses and gardens."""

GROUND_REACH_M: Final = 14.0
GROUND_PERIOD_M: Final = 64.0

VIEW_M: Final = 190.0
"""Nothing is farther away than this."""
