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
"""A node that gives any image its labels at once, and statistics: NAMESPACE CAMERA..."""

import array
import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from statistics_msgs.msg import MetricsMessage, StatisticDataPoint

STAGES = {'transport': 1.0, 'queue': 0.5, 'convert': 0.25, 'observe': 2.0, 'predict': 4.0,
          'predict/network': 3.0, 'publish': 0.25, 'total': 7.0}


def main():
    namespace, *cameras = sys.argv[1:]
    rclpy.init()
    node = rclpy.create_node('relay', namespace=namespace)
    for camera in cameras:
        publisher = node.create_publisher(Image, f'camera/{camera}/segmentation/labels', 5)

        def relay(message, publisher=publisher):
            count = message.height * message.width
            publisher.publish(Image(
                header=message.header, height=message.height, width=message.width,
                encoding='mono8', step=message.width, data=array.array('B', bytes(count))))

        node.create_subscription(Image, f'camera/{camera}/image_raw', relay, 5)
    statistics = node.create_publisher(MetricsMessage, '~/statistics', QoSProfile(depth=100))

    def tell():
        for stage, milliseconds in STAGES.items():
            statistics.publish(MetricsMessage(
                measurement_source_name=f'{namespace}/relay/{cameras[0]}',
                metrics_source=f'{stage}_latency', unit='ms',
                statistics=[StatisticDataPoint(data_type=kind, data=milliseconds)
                            for kind in (1, 50, 95, 99)]))

    node.create_timer(0.1, tell)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass


if __name__ == '__main__':
    main()
