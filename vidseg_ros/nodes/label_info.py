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
"""The legend as a message: which class id means what."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo, VisionClass

from vidseg_ros.labels.space import LabelSpace


def label_info(space: LabelSpace, stamp: Time, frame_id: str = '') -> LabelInfo:
    """
    Return the classes of a label space.

    ``threshold`` is 0: every pixel has the most probable class; 255 is unlabelled.
    """
    return LabelInfo(
        header=Header(stamp=stamp, frame_id=frame_id),
        class_map=[VisionClass(class_id=index, class_name=name)
                   for index, name in enumerate(space.classes)],
        threshold=0.0)
