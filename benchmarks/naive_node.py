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
A plain segmentation node, as a competent user would write it: what vidseg_ros is compared with.

    python benchmarks/naive_node.py --engine openvino --ros-args -r __ns:=/plain

rclpy and cv_bridge, the network in eager torch or in OpenVINO as it comes, normalisation in
float32, logits upsampled to the image's size, argmax, cv_bridge back. It has the same topics,
quality of service, network and weights as segmentation_node, and none of its ideas.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
import rclpy
import torch
from cv_bridge import CvBridge
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image
from torch.nn import functional

from vidseg_ros.checkpoints.store import find_checkpoint, load_checkpoint

Network = Callable[[np.ndarray], torch.Tensor]
CAMERA_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def with_torch(module: torch.nn.Module) -> Network:
    """Return the network in eager torch."""
    def run(image: np.ndarray) -> torch.Tensor:
        with torch.inference_mode():
            return module(torch.from_numpy(image))
    return run


def with_openvino(module: torch.nn.Module) -> Network:
    """Return the network in OpenVINO, compiled for each size when it first comes."""
    import openvino

    compiled = {}

    def run(image: np.ndarray) -> torch.Tensor:
        if image.shape not in compiled:
            model = openvino.convert_model(
                module, example_input=torch.from_numpy(image), input=list(image.shape))
            compiled[image.shape] = openvino.compile_model(
                model, 'CPU', {'PERFORMANCE_HINT': 'LATENCY'})
        return torch.from_numpy(compiled[image.shape](image)[0])
    return run


ENGINES = {'torch': with_torch, 'openvino': with_openvino}


class PlainNode(Node):
    """Segment each image in its callback."""

    def __init__(self, checkpoint: str, engine: str, cameras: list[str]) -> None:
        super().__init__('plain_segmentation_node')
        module, metadata = load_checkpoint(find_checkpoint(checkpoint))
        self._run = ENGINES[engine](module.eval())
        self._mean = np.array(metadata.mean, np.float32)
        self._std = np.array(metadata.std, np.float32)
        self._bridge = CvBridge()
        for camera in cameras:
            publisher = self.create_publisher(
                Image, f'camera/{camera}/segmentation/labels', QoSProfile(depth=1))
            self.create_subscription(
                Image, f'camera/{camera}/image_raw',
                lambda message, publisher=publisher: publisher.publish(self.segment(message)),
                CAMERA_QOS)

    def segment(self, message: Image) -> Image:
        """Return the labels of an image."""
        image = self._bridge.imgmsg_to_cv2(message, 'rgb8')
        scaled = (image.astype(np.float32) / 255.0 - self._mean) / self._std
        logits = self._run(np.ascontiguousarray(scaled.transpose(2, 0, 1)[np.newaxis]))
        full = functional.interpolate(
            logits, image.shape[:2], mode='bilinear', align_corners=False)
        labels = full.argmax(1)[0].to(torch.uint8).numpy()
        return self._bridge.cv2_to_imgmsg(labels, 'mono8', message.header)


def main() -> None:
    """Run the node until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])  # type: ignore[union-attr]
    parser.add_argument('--engine', choices=sorted(ENGINES), default='torch')
    parser.add_argument('--checkpoint', default='fassvid_base_camvid',
                        help='a shipped name or a file (default: %(default)s)')
    parser.add_argument('--camera', action='append', metavar='NAME',
                        help='a camera; may be given again (default: front)')
    options = parser.parse_args(remove_ros_args(sys.argv)[1:])
    rclpy.init(args=sys.argv)
    node = PlainNode(options.checkpoint, options.engine, options.camera or ['front'])
    node.get_logger().info(f'ready, network in {options.engine}')
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
