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
import array
import json
import os
import time

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from statistics_msgs.msg import MetricsMessage, StatisticDataPoint
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from vidseg_ros.labels.registry import label_space
from vidseg_ros.nodes.evaluation_node import (
    EvaluationNode,
    camera_values,
    class_ids,
    drops_in,
    space_of,
    stage_of,
)
from vidseg_ros.nodes.label_info import label_info

CAMVID = label_space('camvid')
DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 1


def message(pixels, tenths, encoding=None):
    height, width = pixels.shape[:2]
    stamp = Time(sec=tenths // 10, nanosec=5 + tenths % 10 * 10**8)
    out = Image(header=Header(stamp=stamp, frame_id='camera'), height=height,
                width=width, encoding=encoding or ('mono8' if pixels.ndim == 2 else 'rgb8'),
                step=pixels.size // height)
    out.data = array.array('B', pixels.tobytes())
    return out


class Graph:
    """A player and a segmenter played by the test, beside the node."""

    def __init__(self, tmp_path, **parameters):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        values = {'report': str(tmp_path / 'report'), 'drain_timeout': 0.5, **parameters}
        self.node = EvaluationNode(
            context=self.context,
            parameter_overrides=[Parameter(k, value=v) for k, v in values.items()])
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.player = self._add('player')
        self.segmenter = self._add('segmentation_node')
        deep = QoSProfile(depth=100)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        base = '/camera/front'
        self.image = self.player.create_publisher(Image, f'{base}/image_raw', deep)
        self.truth = self.player.create_publisher(Image, f'{base}/ground_truth/labels', deep)
        self.labels = self.segmenter.create_publisher(Image, f'{base}/segmentation/labels', deep)
        self.statistics = self.segmenter.create_publisher(
            MetricsMessage, '/segmentation_node/statistics', deep)
        self.diagnostics = self.segmenter.create_publisher(DiagnosticArray, '/diagnostics', deep)
        for node, name in ((self.player, 'ground_truth'), (self.segmenter, 'segmentation')):
            publisher = node.create_publisher(LabelInfo, f'{base}/{name}/label_info', latched)
            publisher.publish(label_info(CAMVID, Time()))
        self.until(lambda: all(p.get_subscription_count() for p in (
            self.image, self.truth, self.labels, self.statistics, self.diagnostics)))

    def _add(self, name):
        node = Node(name, context=self.context)
        self.executor.add_node(node)
        return node

    def until(self, condition, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, 'it did not happen in time'
            self.executor.spin_once(timeout_sec=0.05)

    def play(self, stamps, labelled=None):
        rng = np.random.default_rng(0)
        image = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        truth = np.repeat(np.repeat(rng.integers(0, 11, (3, 4), np.uint8), 16, 0), 16, 1)
        for stamp in stamps:
            self.image.publish(message(image, stamp))
            self.truth.publish(message(truth, stamp))
            if labelled is None or stamp in labelled:
                self.labels.publish(message(truth, stamp))
        return truth

    def player_leaves(self):
        self.executor.remove_node(self.player)
        self.player.destroy_node()

    def report(self, tmp_path):
        return json.loads((tmp_path / 'report' / 'report.json').read_text())

    def close(self):
        self.executor.shutdown()
        for node in (self.node, self.segmenter):
            node.destroy_node()
        rclpy.try_shutdown(context=self.context)


@pytest.fixture
def graph(tmp_path):
    made = []

    def make(**parameters):
        made.append(Graph(tmp_path, **parameters))
        return made[-1]

    yield make
    for one in made:
        one.close()


def stage_message(camera, stage, p50):
    points = {1: 2.0, 5: 10.0, 50: p50, 95: p50 + 1, 99: p50 + 2}
    return MetricsMessage(
        measurement_source_name=f'/segmentation_node/{camera}', metrics_source=f'{stage}_latency',
        unit='ms', statistics=[StatisticDataPoint(data_type=k, data=v)
                               for k, v in points.items()])


def camera_status(topic, **values):
    entries = {'topic': topic, **{k.replace('_', ' '): v for k, v in values.items()}}
    return DiagnosticStatus(name='camera', values=[KeyValue(key=k, value=v)
                                                   for k, v in entries.items()])


def engine_status(method, engine):
    return DiagnosticStatus(name='segmentation_node: engine', values=[
        KeyValue(key=k, value=v) for k, v in (
            ('state', 'running'), ('method', method), ('engine', engine), ('device', 'CPU'))])


def test_it_ends_when_the_player_has_gone_and_reports(graph, tmp_path):
    running = graph(title='A test', facts='{"method": "played", "rate": 2.0}')
    running.play(range(10))
    running.until(lambda: running.node._evaluation.progress().evaluated == 10)
    assert not running.node.done
    running.player_leaves()
    running.statistics.publish(stage_message('front', 'predict', 7.0))
    running.diagnostics.publish(DiagnosticArray(status=[
        engine_status('fassvid', 'openvino'), camera_status('/camera/front/image_raw', **{
            'dropped: superseded': '4', 'frames received': '8'})]))
    running.until(lambda: running.node.done)
    assert running.node.write() == 0
    figures = running.report(tmp_path)
    assert (figures['frames_expected'], figures['frames_evaluated'], figures['frames_lost']) == \
        (10, 10, 0)
    assert figures['miou'] == figures['temporal_consistency'] == 1.0
    assert figures['label_space'] == 'camvid'
    assert figures['latency_ms']['p50'] >= 0
    assert figures['latency_ms_by_stage']['predict'] == {'p50': 7.0, 'p95': 8.0, 'p99': 9.0}
    assert figures['drops'] == {'superseded': 4, 'overwritten before the node took it': 2}
    # What the node says of itself is truer than what it was asked for.
    assert (figures['method'], figures['engine'], figures['rate']) == ('fassvid', 'openvino', 2.0)
    assert figures['describe'] == {'method': 'fassvid', 'engine': 'openvino', 'device': 'CPU'}
    assert '<title>A test</title>' in (tmp_path / 'report' / 'report.html').read_text()


def test_frames_without_labels_are_waited_for_and_then_lost(graph, tmp_path):
    running = graph()
    running.play(range(6), labelled={0, 1, 2, 4})
    running.until(lambda: running.node._evaluation.progress().evaluated == 4)
    running.player_leaves()
    begin = time.monotonic()
    running.until(lambda: running.node.done)
    assert time.monotonic() - begin > 0.5
    assert running.node.write() == 0
    figures = running.report(tmp_path)
    assert (figures['frames_evaluated'], figures['frames_lost']) == (4, 2)
    assert [lost['stamp_ns'] for lost in figures['lost']] == [300_000_005, 500_000_005]


def test_labels_that_come_after_the_player_has_gone_still_count(graph, tmp_path):
    running = graph(drain_timeout=10.0)
    truth = running.play(range(3), labelled=set())
    running.until(lambda: running.node._evaluation.progress().waiting == 3)
    running.player_leaves()
    for stamp in range(3):
        running.labels.publish(message(truth, stamp))
    running.until(lambda: running.node.done)
    assert running.node.write() == 0
    assert running.report(tmp_path)['frames_evaluated'] == 3


def test_it_ends_when_all_expected_frames_are_in(graph):
    running = graph(expected_frames=5)
    running.play(range(5))
    running.until(lambda: running.node.done)


def test_it_ends_when_nothing_comes_any_more(graph):
    running = graph(idle_timeout=0.5)
    running.play(range(2))
    running.until(lambda: running.node.done)


def test_nothing_evaluated_is_a_failure_but_leaves_a_report(graph, tmp_path):
    running = graph()
    running.play(range(2), labelled=set())
    running.until(lambda: running.node._evaluation.progress().waiting == 2)
    assert running.node.write() == 1
    assert running.report(tmp_path)['frames_lost'] == 2


def test_where_nothing_came_an_earlier_report_stays(graph, tmp_path):
    running = graph()
    (tmp_path / 'report').mkdir()
    (tmp_path / 'report' / 'report.json').write_text('{"earlier": 1}')
    assert running.node.write() == 1
    assert running.report(tmp_path) == {'earlier': 1}


def test_a_method_changed_on_the_way_is_noted(graph, tmp_path):
    running = graph()
    running.play(range(2))
    for method in ('fassvid', 'fassvid', 'per_frame'):
        running.diagnostics.publish(DiagnosticArray(status=[engine_status(method, 'torch')]))
    running.until(lambda: len(running.node._described) == 2)
    running.until(lambda: running.node._evaluation.progress().evaluated == 2)
    assert running.node.write() == 0
    assert running.report(tmp_path)['method'] == 'per_frame'
    page = (tmp_path / 'report' / 'report.html').read_text()
    assert 'fassvid (torch), then per_frame (torch)' in page


def test_damaged_messages_are_survived(graph, tmp_path):
    running = graph()
    truth = running.play(range(2))
    broken = message(truth, 2)
    broken.height = 100_000
    running.labels.publish(broken)
    running.image.publish(message(truth, 2, 'nonsense'))
    running.truth.publish(message(truth, 2))
    running.play([3])
    running.until(lambda: running.node._evaluation.progress().evaluated == 3)
    assert running.node.write() == 0
    figures = running.report(tmp_path)
    assert (figures['frames_evaluated'], figures['frames_lost']) == (3, 1)


def test_row_padding_is_cut_off():
    padded = message(np.arange(12, dtype=np.uint8).reshape(3, 4), 1)
    padded.width = 3
    np.testing.assert_array_equal(class_ids(padded), [[0, 1, 2], [4, 5, 6], [8, 9, 10]])


@pytest.mark.parametrize(('change', 'what'), [
    ({'encoding': 'rgb8'}, 'mono8'), ({'step': 2}, 'step 2'), ({'height': 5}, 'bytes'),
    ({'height': 0}, '4x0'),
])
def test_what_is_no_label_image_is_refused(change, what):
    damaged = message(np.zeros((3, 4), np.uint8), 1)
    for field, value in change.items():
        setattr(damaged, field, value)
    with pytest.raises(ValueError, match=what):
        class_ids(damaged)


def test_a_legend_becomes_the_label_space_it_names():
    assert space_of(label_info(CAMVID, Time())) == CAMVID
    own = label_info(CAMVID, Time())
    own.class_map = own.class_map[1:3]
    assert space_of(own).classes == ('class 0', CAMVID.classes[1], CAMVID.classes[2])


def test_times_since_another_age_are_left_out():
    assert stage_of(stage_message('front', 'predict', 3.0)) == (
        'front', 'predict', {'p50': 3.0, 'p95': 4.0, 'p99': 5.0})
    assert stage_of(stage_message('front', 'transport', 5e10)) is None
    assert stage_of(stage_message('front', 'transport', -5.0)) is None
    other = stage_message('front', 'predict', 3.0)
    other.unit = 's'
    assert stage_of(other) is None


def test_drops_are_read_by_camera_and_cause():
    array_ = DiagnosticArray(status=[
        camera_status('/robot/camera/front/image_raw', **{
            'dropped: superseded': '3', 'dropped: bad frame: step': '1', 'frames dropped': '4',
            'lost by the middleware': '2', 'dropped: odd': 'x'}),
        camera_status('/camera/rear/image_raw', **{'dropped: superseded': '9'}),
        camera_status('', x='1')])
    ((camera, values),) = camera_values(array_, ['front'])
    assert camera == 'front'
    assert drops_in(values) == [('superseded', 3), ('bad frame: step', 1)]


@pytest.mark.parametrize(('name', 'value'), [
    ('cameras', ['']), ('facts', 'no JSON'), ('facts', '[1]'),
])
def test_a_parameter_that_makes_no_sense_is_refused(name, value):
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    try:
        with pytest.raises(ValueError):
            EvaluationNode(context=context, parameter_overrides=[Parameter(name, value=value)])
    finally:
        rclpy.try_shutdown(context=context)
