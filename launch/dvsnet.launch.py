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
DVSNet: only the regions of a frame in which warping would not do are segmented again.

    ros2 launch vidseg_ros dvsnet.launch.py
    ros2 launch vidseg_ros dvsnet.launch.py cameras:=front,rear namespace:=robot1 rviz:=true

Images are expected on camera/<name>/image_raw in the namespace. A camera that publishes
elsewhere is taken by a remapping, in a launch file that includes this one:

    GroupAction([SetRemap('camera/front/image_raw', '/zed/left/image_rect_color'),
                 IncludeLaunchDescription(...)])
"""

from pathlib import Path

from vidseg_ros.nodes.launch_description import segmentation_launch


def generate_launch_description():
    """Start segmentation_node, and RViz if asked to."""
    # Beside launch/ both in the source tree and where it is installed.
    return segmentation_launch('dvsnet', Path(__file__).resolve().parent.parent)
