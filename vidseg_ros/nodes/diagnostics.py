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
"""What /diagnostics says: the state of each camera and of the engine, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from vidseg_ros.pipeline.accounts import STAGES, CameraStatistics, PipelineStatistics
from vidseg_ros.pipeline.mailbox import SUPERSEDED
from vidseg_ros.pipeline.threads import ThreadPlan

BUILDING = 'building engine'
WAITING = 'waiting for images'
RUNNING = 'running'
DEGRADED = 'degraded'
STALE = 'stale'
INACTIVE = 'inactive'
FAILED = 'failed'

NO_SUBSCRIBER = 'no subscriber'
"""Cause of frames that are not segmented because nobody would see it."""

CALLBACK_ERRORS = 'callback errors'
THREADS = 'threads of network / observe / OpenCV'
BATCHES = 'batches by size'
OPERATING_POINT = 'operating point'
BUDGET = 'latency budget (ms)'
BUDGET_LATENCY = 'latency at this point (ms)'
MOVES = 'moves between operating points'
BUDGET_PROBLEM = 'operating point not to be had'

PASSING = frozenset({'state', 'building', 'last failure', CALLBACK_ERRORS, BATCHES,
                     OPERATING_POINT, BUDGET_LATENCY, MOVES, BUDGET_PROBLEM})
"""What the engine's status says of the moment and not of the engine."""

_LEVELS = {BUILDING: DiagnosticStatus.WARN, WAITING: DiagnosticStatus.WARN,
           RUNNING: DiagnosticStatus.OK, DEGRADED: DiagnosticStatus.WARN,
           STALE: DiagnosticStatus.STALE, INACTIVE: DiagnosticStatus.OK,
           FAILED: DiagnosticStatus.ERROR}


@dataclass(frozen=True)
class EngineReport:
    """
    What is known of the method and its engine.

    ``building`` says what is being built beside it, '' for nothing; ``failure`` why the last
    attempt came to nothing, '' if it did not; ``description`` is the running one's own;
    ``callback_errors`` counts what went wrong in the node's callbacks; ``overall`` are the
    pipeline's books, None while there is no pipeline.
    """

    active: bool
    description: Mapping[str, str] = field(default_factory=dict)
    building: str = ''
    failure: str = ''
    callback_errors: int = 0
    overall: PipelineStatistics | None = None
    threads: ThreadPlan | None = None


@dataclass(frozen=True)
class CameraReport:
    """
    What is known of a camera besides the pipeline's books.

    ``before`` are the drops at the last report. ``qos`` are mismatches, in words. ``silence_ns``
    is the time since the last image.
    """

    statistics: CameraStatistics
    before: Mapping[str, int]
    topic: str
    silence_ns: int | None
    stale_ns: int
    active: bool
    qos: tuple[str, ...] = ()
    lost_by_middleware: int = 0


def engine_status(report: EngineReport, name: str, hardware_id: str) -> DiagnosticStatus:
    """Return the status of the method and its engine."""
    if report.building and not report.description:
        state, message = BUILDING, f'{BUILDING}: {report.building}'
    elif report.failure and not report.description:
        state, message = FAILED, report.failure
    elif not report.active:
        state, message = INACTIVE, INACTIVE if report.description else f'{INACTIVE}: no method yet'
    elif report.failure:
        state, message = DEGRADED, f'{DEGRADED}: {report.failure}'
    elif report.building:
        state, message = BUILDING, f'{BUILDING}: {report.building}, beside the running one'
    elif report.overall is not None and (complaint := _over_budget(report.overall)):
        state, message = DEGRADED, f'{DEGRADED}: {complaint}'
    else:
        state, message = RUNNING, RUNNING
    values = {'state': state, **report.description,
              CALLBACK_ERRORS: str(report.callback_errors)}
    values.pop('operating_point', None)  # the pipeline's books have it
    if report.threads is not None:
        values[THREADS] = (f'{report.threads.device} / {report.threads.observe_workers} / '
                           f'{report.threads.opencv}')
    if report.overall is not None:
        values |= _overall_values(report.overall)
    if report.building:
        values['building'] = report.building
    if report.failure:
        values['last failure'] = report.failure
    level = _LEVELS[state]
    if state == BUILDING and report.description:
        level = DiagnosticStatus.OK  # the running one serves until the new one is ready
    return _status(level, name, message, hardware_id, values)


def _over_budget(overall: PipelineStatistics) -> str:
    if overall.over_budget:
        return (f'{overall.latency_ms:.1f} ms from arrival to labels, of a budget of '
                f'{overall.budget_ms:g} ms, and there is nothing cheaper')
    return ''


def _overall_values(overall: PipelineStatistics) -> dict[str, str]:
    values = {BATCHES: ', '.join(f'{size}: {count}' for size, count in overall.batches.items())}
    if overall.operating_point:
        values[OPERATING_POINT] = overall.operating_point
    if overall.budget_ms > 0.0:
        values[BUDGET] = f'{overall.budget_ms:g}'
        values[BUDGET_LATENCY] = '' if overall.latency_ms is None else f'{overall.latency_ms:.2f}'
        values[MOVES] = str(overall.moves)
    if overall.budget_problem:
        values[BUDGET_PROBLEM] = overall.budget_problem
    return values


def camera_status(report: CameraReport, engine: EngineReport, name: str,
                  hardware_id: str) -> DiagnosticStatus:
    """Return the status of one camera."""
    state, message = _camera_state(report, engine)
    statistics = report.statistics
    values = {
        'state': state,
        'topic': report.topic,
        'image size': '' if statistics.size is None else
                      f'{statistics.size[1]}x{statistics.size[0]}',
        'input rate (Hz)': f'{statistics.arrival_hz:.2f}',
        'output rate (Hz)': f'{statistics.output_hz:.2f}',
        'frames received': str(statistics.received),
        'frames segmented': str(statistics.delivered),
        'frames waiting': str(statistics.waiting),
        'frames dropped': str(sum(statistics.drops.values())),
    }
    if report.silence_ns is not None:
        values['last image (s ago)'] = f'{report.silence_ns / 1e9:.2f}'
    for cause, count in sorted(statistics.drops.items()):
        values[f'dropped: {cause}'] = str(count)
    for stage in (*STAGES, *sorted(set(statistics.latency) - set(STAGES))):
        summary = statistics.latency.get(stage)
        if summary is not None:
            values[f'latency {stage} p50/p95/p99 (ms)'] = \
                f'{summary.p50:.2f} / {summary.p95:.2f} / {summary.p99:.2f}'
    values['resets'] = str(sum(statistics.resets.values()))
    for kind, count in sorted(statistics.resets.items()):
        values[f'resets: {kind}'] = str(count)
    if statistics.last_reset is not None:
        values['last reset'] = statistics.last_reset.reason
        values['last reset at stamp'] = f'{statistics.last_reset.stamp_ns / 1e9:.9f}'
    if statistics.last_problem:
        values['last problem'] = statistics.last_problem
    for key, value in statistics.provenance.items():
        values[f'provenance {key}'] = str(value)
    values['lost by the middleware'] = str(report.lost_by_middleware)
    values['QoS mismatches'] = '; '.join(report.qos) or 'none'
    return _status(_LEVELS[state], name, message, hardware_id, values)


def _camera_state(report: CameraReport, engine: EngineReport) -> tuple[str, str]:
    if not report.active:
        if engine.building:
            return BUILDING, BUILDING
        if engine.failure:
            return FAILED, f'{FAILED}: there is no engine'
        return INACTIVE, INACTIVE
    qos = f'{report.topic}: incompatible QoS: {"; ".join(report.qos)}' if report.qos else ''
    if report.silence_ns is None:
        return (DEGRADED, f'{DEGRADED}: {qos}') if qos else (WAITING, WAITING)
    if report.silence_ns > report.stale_ns:
        return STALE, f'{STALE}: no image for {report.silence_ns / 1e9:.1f} s'
    complaints = [qos] if qos else []
    fresh = {cause: count - report.before.get(cause, 0)
             for cause, count in report.statistics.drops.items()}
    for cause, count in sorted(fresh.items()):
        if count > 0 and cause not in (SUPERSEDED, NO_SUBSCRIBER, 'discarded'):
            complaints.append(f'{count} dropped ({cause})')
    statistics = report.statistics
    if fresh.get(SUPERSEDED, 0) and statistics.output_hz < 0.5 * statistics.arrival_hz:
        complaints.append(f'{statistics.output_hz:.1f} Hz of {statistics.arrival_hz:.1f} Hz '
                          'are segmented')
    if complaints:
        return DEGRADED, f'{DEGRADED}: {", ".join(complaints)}'
    if fresh.get(NO_SUBSCRIBER, 0):
        return RUNNING, f'{RUNNING}; nobody subscribes, so nothing is segmented'
    return RUNNING, RUNNING


def _status(level: bytes, name: str, message: str, hardware_id: str,
            values: Mapping[str, str]) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=level, name=name, message=message, hardware_id=hardware_id,
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
