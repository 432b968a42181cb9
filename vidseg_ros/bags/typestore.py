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
"""The message types that bags hold."""

from __future__ import annotations

from functools import cache
from typing import Final

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

# vision_msgs is not in rosbags' store.
_VISION_MSGS: Final = {
    'vision_msgs/msg/VisionClass': 'uint16 class_id\nstring class_name\n',
    'vision_msgs/msg/LabelInfo': 'std_msgs/Header header\n'
                                 'vision_msgs/VisionClass[] class_map\n'
                                 'float32 threshold\n',
}


@cache
def jazzy_typestore() -> Typestore:
    """Return ROS 2 Jazzy's message types, those of vision_msgs for labels included."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, text in _VISION_MSGS.items():
        types.update(get_types_from_msg(text, name))
    store.register(types)
    return store
