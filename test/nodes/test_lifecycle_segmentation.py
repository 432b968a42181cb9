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

import gc
import time
import weakref

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from vidseg_ros.engines import compiled_models
from vidseg_ros.labels.registry import label_space
from vidseg_ros.methods.base import Observation, Segmentation, StreamState, VideoSegmenter
from vidseg_ros.methods.registry import MethodError
from vidseg_ros.nodes import garbage, segmenter_builder
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


class Still(VideoSegmenter):
    """A method of the name it is given that segments nothing."""

    def __init__(self, name):
        self.name, self.label_space = name, label_space('camvid')

    def new_state(self, camera):
        return StreamState(camera)

    def observe(self, frame, state):
        return Observation(frame)

    def predict(self, observations, states):
        return [Segmentation(np.zeros(o.frame.size, np.uint8)) for o in observations]


@pytest.fixture
def methods(monkeypatch):
    """Let all methods but those in the set be built, at once."""
    broken = set()

    def create(name, options):
        if name in broken:
            raise MethodError('told to fail')
        return Still(name)
    monkeypatch.setattr(segmenter_builder, 'create_method', create)
    return broken


def _change_at_the_end_of_the_build(node, monkeypatch, **values):
    """Set parameters after a build and before there is a pipeline."""
    changes = [values]

    def change():
        while changes:
            for result in node.set_parameters(
                    [Parameter(name, value=value) for name, value in changes.pop().items()]):
                assert result.successful, result.reason
    monkeypatch.setattr(garbage, 'set_aside', change)


def _wait_for(condition):
    until = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_is_set_while_configure_ends_takes_effect(node, methods, monkeypatch):
    _change_at_the_end_of_the_build(node, monkeypatch, method='per_frame', max_batch=3)
    assert node.on_configure(None) == TransitionCallbackReturn.SUCCESS
    _wait_for(lambda: node._pipeline.segmenter.name == 'per_frame')
    assert node._pipeline._floor.max_batch == 3
    assert node._running['method'] == 'per_frame'


def test_what_is_set_while_a_failing_configure_ends_is_tried(methods, monkeypatch):
    methods.add('fassvid')
    context = Context()
    rclpy.init(context=context)
    node = SegmentationNode(context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        _change_at_the_end_of_the_build(node, monkeypatch, method='per_frame')
        until = time.monotonic() + 10.0
        while not node._active and time.monotonic() < until:
            executor.spin_once(timeout_sec=0.1)
        assert node._active and node._pipeline.segmenter.name == 'per_frame'
    finally:
        node.close()
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()


def test_what_is_there_after_configuring_is_out_of_later_collections():
    try:
        garbage.set_aside()
        aside = gc.get_freeze_count()
        assert aside > 1000 and len(gc.get_objects()) < aside
        thing = Still('x')
        gone = weakref.ref(thing)
        garbage.set_aside()
        del thing
        assert gone() is None  # freed all the same
    finally:
        gc.unfreeze()


def test_the_number_of_networks_kept_follows_the_parameter(node, methods, monkeypatch):
    kept = []
    monkeypatch.setattr(compiled_models.SHARED, 'keep', kept.append)
    node.on_configure(None)
    node.set_parameters([Parameter('networks_kept', value=1)])
    assert kept == [4, 1]
