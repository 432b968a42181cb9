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

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from vidseg_ros.nodes.camera_topics import CameraTopics
from vidseg_ros.nodes.lifecycle_segmentation import SegmentationNode
from vidseg_ros.nodes.qos_overrides import QoSOverrides


@pytest.fixture
def node():
    context = Context()
    rclpy.init(context=context)
    node = SegmentationNode(context=context,
                            parameter_overrides=[Parameter('autostart', value=False)])
    yield node
    node.close()
    node.destroy_node()
    context.try_shutdown()


def test_a_report_that_fails_does_not_undo_a_transition(node, monkeypatch):
    def fail():
        raise RuntimeError('told to fail')
    monkeypatch.setattr(node, '_publish_report', fail)
    assert node.on_cleanup(None) == TransitionCallbackReturn.SUCCESS
    assert node._callback_errors == 1


def test_room_made_after_the_executor_went_is_no_error(node):
    node._on_room('front')
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    node._on_room('front')
    executor.shutdown()
    node._on_room('front')


def test_topics_that_were_destroyed_can_be_asked(node):
    topics = CameraTopics(node, 'front', node._settings, lambda *_: None, lambda: True,
                          QoSOverrides())
    topics.subscribe(node._settings)
    assert topics.topic == '/camera/front/image_raw'
    node.destroy_subscription(topics._subscription)  # as seen by who asks meanwhile
    topics._mismatches.add('reliability')
    assert topics.qos_mismatches() in ((), ('reliability',))
    topics.destroy()
    assert topics.wanted() is None
    assert topics.topic == ''
    assert topics.qos_mismatches() == ()
