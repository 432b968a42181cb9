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
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus

from vidseg_ros.labels.registry import label_space
from vidseg_ros.nodes.diagnostics import (
    NO_SUBSCRIBER,
    PASSING,
    CameraReport,
    EngineReport,
    camera_status,
    engine_status,
)
from vidseg_ros.nodes.label_info import label_info
from vidseg_ros.nodes.overlay import Overlay
from vidseg_ros.nodes.statistics import metrics
from vidseg_ros.nodes.throttle import Throttle
from vidseg_ros.pipeline.accounts import (
    STAGES,
    LastReset,
    PipelineStatistics,
    summarize,
    unseen,
)
from vidseg_ros.pipeline.threads import ThreadPlan

S = 1_000_000_000
ENGINE = EngineReport(active=True, description={'method': 'fassvid', 'device': 'cpu'})


def camera(*, before=None, silence_ns=0, qos=(), active=True, engine=ENGINE, **changes):
    statistics = replace(unseen('front'), **changes)
    report = CameraReport(statistics, before or {}, '/camera/front/image_raw', silence_ns, 2 * S,
                          active, qos)
    status = camera_status(report, engine, 'segmentation_node: camera front', 'front')
    return status, {value.key: value.value for value in status.values}


@pytest.mark.parametrize(('what', 'level', 'message'), [
    ({'silence_ns': None}, DiagnosticStatus.WARN, 'waiting for images'),
    ({}, DiagnosticStatus.OK, 'running'),
    ({'silence_ns': 3 * S}, DiagnosticStatus.STALE, 'stale: no image for 3.0 s'),
    ({'drops': {'bad frame: wrong step': 5}, 'before': {'bad frame: wrong step': 3}},
     DiagnosticStatus.WARN, 'degraded: 2 dropped (bad frame: wrong step)'),
    ({'drops': {'bad frame: wrong step': 5}, 'before': {'bad frame: wrong step': 5}},
     DiagnosticStatus.OK, 'running'),
    ({'drops': {'superseded': 50}, 'arrival_hz': 30.0, 'output_hz': 10.0},
     DiagnosticStatus.WARN, 'degraded: 10.0 Hz of 30.0 Hz are segmented'),
    ({'drops': {'superseded': 1}, 'arrival_hz': 30.0, 'output_hz': 29.0},
     DiagnosticStatus.OK, 'running'),
    ({'drops': {NO_SUBSCRIBER: 9}}, DiagnosticStatus.OK,
     'running; nobody subscribes, so nothing is segmented'),
    ({'silence_ns': None, 'qos': ('reliability',)}, DiagnosticStatus.WARN,
     'degraded: /camera/front/image_raw: incompatible QoS: reliability'),
    ({'active': False}, DiagnosticStatus.OK, 'inactive'),
    ({'active': False, 'engine': EngineReport(False, building='fassvid')},
     DiagnosticStatus.WARN, 'building engine'),
    ({'active': False, 'engine': EngineReport(False, failure='no weights')},
     DiagnosticStatus.ERROR, 'failed: there is no engine'),
])
def test_states_of_a_camera(what, level, message):
    status, values = camera(**what)
    assert (status.level, status.message) == (level, message)
    assert message.startswith(values['state'])
    assert status.hardware_id == 'front'


def test_a_camera_tells_rates_latency_drops_and_resets():
    latency = {stage: summarize([1.0, 2.0, 3.0]) for stage in STAGES}
    _, values = camera(
        arrival_hz=17.0, output_hz=16.5, latency=latency, size=(1024, 2048), received=40,
        drops={'superseded': 3, 'bad frame: short data': 1}, resets={'gap': 2},
        last_reset=LastReset('gap of 2.000 s', 5 * S, 0), last_problem='short data: 3 of 4')
    assert values['input rate (Hz)'] == '17.00'
    assert values['output rate (Hz)'] == '16.50'
    assert values['image size'] == '2048x1024'
    for stage in STAGES:
        assert values[f'latency {stage} p50/p95/p99 (ms)'] == '2.00 / 2.90 / 2.98'
    assert values['frames dropped'] == '4'
    assert values['dropped: bad frame: short data'] == '1'
    assert values['last reset'] == 'gap of 2.000 s'
    assert values['last reset at stamp'] == '5.000000000'
    assert values['last problem'] == 'short data: 3 of 4'
    assert values['QoS mismatches'] == 'none'


@pytest.mark.parametrize(('report', 'level', 'message'), [
    (ENGINE, DiagnosticStatus.OK, 'running'),
    (replace(ENGINE, active=False), DiagnosticStatus.OK, 'inactive'),
    (EngineReport(False), DiagnosticStatus.OK, 'inactive: no method yet'),
    (EngineReport(False, building='fassvid (auto)'), DiagnosticStatus.WARN,
     'building engine: fassvid (auto)'),
    (replace(ENGINE, building='per_frame (auto)'), DiagnosticStatus.OK,
     'building engine: per_frame (auto), beside the running one'),
    (replace(ENGINE, failure='x: no weights'), DiagnosticStatus.WARN, 'degraded: x: no weights'),
    (EngineReport(False, failure='x: no weights'), DiagnosticStatus.ERROR, 'x: no weights'),
])
def test_states_of_the_engine(report, level, message):
    status = engine_status(report, 'segmentation_node: engine', 'cpu')
    assert (status.level, status.message) == (level, message)
    values = {value.key: value.value for value in status.values}
    assert values.get('device') == report.description.get('device')


def test_statistics_have_the_percentiles_by_number():
    statistics = replace(unseen('front'),
                         latency={'predict': summarize([float(i) for i in range(101)])})
    message, = metrics(statistics, '/segmentation_node', Time(sec=1), Time(sec=2))
    assert message.measurement_source_name == '/segmentation_node/front'
    assert (message.metrics_source, message.unit) == ('predict_latency', 'ms')
    points = {point.data_type: point.data for point in message.statistics}
    assert [points[number] for number in (50, 95, 99)] == [50.0, 95.0, 99.0]
    assert [points[number] for number in (1, 2, 3, 5)] == [50.0, 0.0, 100.0, 101.0]


def test_label_info_lists_the_classes():
    space = label_space('camvid')
    message = label_info(space, Time(sec=4))
    assert [c.class_id for c in message.class_map] == list(range(11))
    assert [c.class_name for c in message.class_map] == list(space.classes)


def test_overlay_blends_and_has_a_legend():
    space = label_space('camvid')
    overlay = Overlay(space)
    image = np.full((240, 320, 3), 100, np.uint8)
    labels = np.full((240, 320), 3, np.uint8)
    labels[200:] = 255
    drawn = overlay.draw(image, labels, 0.5, legend=False).copy()
    expected = 0.5 * 100 + 0.5 * space.palette[3].astype(float)
    assert np.abs(drawn[:200].astype(float) - expected).max() <= 1
    assert (drawn[200:] == 100).all()
    assert (overlay.draw(image, labels, 0.0, legend=False) == image).all()
    legend = overlay.draw(image, labels, 0.5)
    changed = (legend != drawn).any(-1)
    assert changed[:20, :20].all()
    assert not changed[:, 250:].any()
    colors = {tuple(color) for color in legend[changed]}
    assert {tuple(color) for color in space.palette[:11]} <= colors
    assert (image == 100).all()


@pytest.mark.parametrize('size', [(1, 1), (5, 900), (900, 5), (2000, 3000)])
@pytest.mark.parametrize('name', ['cityscapes', 'camvid'])
def test_overlay_of_any_size(size, name):
    overlay = Overlay(label_space(name))
    drawn = overlay.draw(np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8), 0.5)
    assert drawn.shape == (*size, 3)


def test_throttle():
    now = [0.0]
    throttle = Throttle(1.0, lambda: now[0])
    assert throttle.admit('a') == 0
    assert throttle.admit('a') is None
    assert throttle.admit('b') == 0
    now[0] = 1.5
    assert throttle.admit('a') == 1
    assert throttle.admit('a') is None
    now[0] = 3.0
    assert throttle.admit('a') == 1
    assert throttle.admit('b') == 0


def engine(overall=None, **changes):
    report = replace(ENGINE, overall=overall, threads=ThreadPlan(3, 2, 1), **changes)
    status = engine_status(report, 'segmentation_node: engine', 'cpu')
    return status, {value.key: value.value for value in status.values}


def test_the_engine_tells_of_batches_threads_and_the_operating_point():
    status, values = engine(PipelineStatistics(
        {1: 500, 4: 20}, 'half', 3, 'operating point third: no memory', 30.0, 21.126))
    assert (status.level, status.message) == (DiagnosticStatus.OK, 'running')
    assert values['batches by size'] == '1: 500, 4: 20'
    assert values['threads of network / observe / OpenCV'] == '3 / 2 / 1'
    assert values['operating point'] == 'half'
    assert values['moves between operating points'] == '3'
    assert values['latency budget (ms)'] == '30'
    assert values['latency at this point (ms)'] == '21.13'
    assert values['operating point not to be had'] == 'operating point third: no memory'
    # What comes and goes while the same engine runs is known to those who compare engines.
    assert set(values) - PASSING == {'method', 'device', 'latency budget (ms)',
                                     'threads of network / observe / OpenCV'}


def test_without_a_budget_nothing_is_said_of_one():
    _, values = engine(PipelineStatistics({}))
    assert not any('budget' in key or 'operating' in key or 'moves' in key for key in values)


def test_a_budget_that_can_not_be_kept_is_said():
    status, values = engine(PipelineStatistics({1: 9}, 'half', 1, '', 30.0, 41.0, True))
    assert status.level == DiagnosticStatus.WARN
    assert status.message == ('degraded: 41.0 ms from arrival to labels, of a budget of 30 ms, '
                              'and there is nothing cheaper')
    assert values['state'] == 'degraded'
