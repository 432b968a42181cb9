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
"""The node that segments the images of cameras: ROS on the outside, the pipeline within."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage
from statistics_msgs.msg import MetricsMessage
from std_srvs.srv import Trigger

from vidseg_ros.engines import compiled_models
from vidseg_ros.methods.base import Wanted
from vidseg_ros.nodes import diagnostics, garbage, parameters
from vidseg_ros.nodes.camera_topics import CameraTopics
from vidseg_ros.nodes.image_conversion import compressed_to_rgb, stamp_ns, to_rgb
from vidseg_ros.nodes.parameter_declaration import declare
from vidseg_ros.nodes.parameters import Effect
from vidseg_ros.nodes.qos_overrides import QoSOverrides
from vidseg_ros.nodes.segmenter_builder import Built, SegmenterBuilder
from vidseg_ros.nodes.settings import Settings
from vidseg_ros.nodes.statistics import metrics
from vidseg_ros.nodes.throttle import Throttle
from vidseg_ros.pipeline import resets, threads
from vidseg_ros.pipeline.accounts import CameraStatistics, unseen
from vidseg_ros.pipeline.arrival import Arrival, BadFrame
from vidseg_ros.pipeline.pipeline import Pipeline
from vidseg_ros.pipeline.result import Result
from vidseg_ros.pipeline.trace import Trace

SUCCESS = TransitionCallbackReturn.SUCCESS
FAILURE = TransitionCallbackReturn.FAILURE


class SegmentationNode(LifecycleNode):
    """
    Segment the images of the parameter ``cameras`` with the method ``method``.

    configure builds the method and advertises the outputs, activate subscribes to the images,
    deactivate unsubscribes, cleanup gives everything up. docs/ros_interface.md has the topics
    and docs/parameters.md the parameters.

    Threads: the executor's run the callbacks, which only hand over; the pipeline's convert,
    segment and publish; the builder's builds methods. While a camera has no room for a frame
    (with `every`) its images stay in the middleware, and no thread waits.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('segmentation_node', **options)
        self._state_lock = threading.RLock()  # over the fields below, not over the frames
        self._pipeline: Pipeline | None = None
        self._overrides = QoSOverrides()
        self._topics: dict[str, CameraTopics] = {}
        self._active = False
        self._failure = ''
        self._reverting = False
        self._drops_before: dict[str, dict[str, int]] = {}
        self._throttle = Throttle(1.0)
        self._trace: Trace | None = None
        self._callback_errors = 0
        self._report_lock = threading.Lock()
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._since = self.get_clock().now()

        self._settings = Settings({})
        self.add_on_set_parameters_callback(self._validate_settings)
        self._settings = Settings(declare(self))
        self._running = self._settings  # what the segmenter in use was built from
        self.add_post_set_parameters_callback(self._apply_settings)

        self._report_group = MutuallyExclusiveCallbackGroup()
        self._start_group = MutuallyExclusiveCallbackGroup()
        self._outcomes: list[Built] = []
        self._outcome_there = self.create_guard_condition(self._take_outcomes)
        self._configured_with: Built | None = None
        self._configuring = threading.Event()
        self._built = threading.Event()
        self._builder = SegmenterBuilder(self._on_built, self._image_sizes)

        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._statistics = self.create_publisher(MetricsMessage, '~/statistics', 100)
        self._events = self.create_publisher(DiagnosticStatus, '~/events', QoSProfile(depth=50))
        self._reset_service = self.create_service(Trigger, '~/reset', self._on_reset)
        self._report_timer: Timer | None = None
        self._start_report_timer()
        self._start_timer: Timer | None = None
        if self._settings['autostart']:
            self._start_soon()

    # ---- lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Build the method and advertise the outputs; fails if it can't be built."""
        return self._guarded('configure', self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe to the images."""
        return self._guarded('activate', self._activate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe; the method stays ready."""
        return self._guarded('deactivate', self._deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give up the method and the outputs."""
        return self._guarded('clean up', self._release)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give up the method and the outputs."""
        return self._guarded('shut down', self._release)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give up the method and the outputs, so that it can be configured again."""
        return self._guarded('recover', self._release)

    def _guarded(self, what: str, step: Callable[[], None]) -> TransitionCallbackReturn:
        """Do a step of the lifecycle; rclpy would lose the reason why it failed."""
        try:
            step()
        except _CannotConfigure as problem:
            if self.context.ok():
                self.get_logger().error(f'could not {what}: {problem}')
            return FAILURE
        except Exception as error:
            if self.context.ok():  # else it only came from being told to stop
                self.get_logger().error(f'could not {what}: {type(error).__name__}: {error}')
            with self._state_lock:
                self._failure = f'could not {what}: {error}'
            return TransitionCallbackReturn.ERROR
        finally:
            self._report_at_once()
        return SUCCESS

    def _configure(self) -> None:
        built = self._build_now()
        garbage.set_aside()
        with self._state_lock:
            settings = self._settings
            if built.segmenter is None:
                self._failure = built.failure
                if built.settings.segmenter_values() != settings.segmenter_values():
                    # Something else was asked for just now, when there was no failure yet.
                    self._retry_with_other_values()
                raise _CannotConfigure(built.failure)
            self._failure = ''
            self._running = built.settings
            self._follow_threads()
            compiled_models.SHARED.keep(settings['networks_kept'])
            self._pipeline = Pipeline(
                built.segmenter, self._deliver, policy=settings['frame_policy'],
                queue_limit=settings['queue_limit'],
                observe_workers=settings.thread_plan.observe_workers,
                max_batch=settings['max_batch'], gap_ns=settings.gap_ns,
                max_age_ns=settings.max_age_ns,
                latency_budget_ms=settings['latency_budget_ms'],
                report=self._report_lost, room_made=self._on_room)
            self._follow_trace()
            self._follow_cameras()
            # What was asked for since the build ended; before there was a pipeline nobody else
            # could see to it.
            self._request_segmenter()
        described = ', '.join(f'{key}: {value}'
                              for key, value in built.segmenter.describe().items())
        self.get_logger().info(f'configured ({described})')

    def _build_now(self) -> Built:
        """Build what the settings say, and again if they change meanwhile."""
        self._configuring.set()
        try:
            while True:
                self._built.clear()
                with self._state_lock:
                    self._failure = ''
                    settings = self._settings
                self._builder.request(settings)
                self._report_at_once()
                while not self._built.wait(0.1):
                    if not self.context.ok():
                        raise _CannotConfigure('shut down before it was ready')
                built = self._configured_with
                assert built is not None
                with self._state_lock:
                    if built.settings.segmenter_values() == self._settings.segmenter_values():
                        self._configuring.clear()
                        return built
                if built.segmenter is not None:
                    built.segmenter.close()
        finally:
            self._configuring.clear()

    def _activate(self) -> None:
        with self._state_lock:
            assert self._pipeline is not None
            self._pipeline.reset(None, 'activated')
            self._since = self.get_clock().now()
            self._active = True
            for topics in self._topics.values():
                topics.subscribe(self._settings)
        self.get_logger().info('segmenting ' + ', '.join(
            topics.topic for topics in self._topics.values()))

    def _deactivate(self) -> None:
        with self._state_lock:
            self._active = False
            for topics in self._topics.values():
                topics.unsubscribe()
            if self._pipeline is not None:
                self._pipeline.discard_waiting()

    def _release(self) -> None:
        self._deactivate()
        self._builder.cancel()
        with self._state_lock:
            pipeline, self._pipeline = self._pipeline, None
            topics, self._topics = self._topics, {}
            self._drops_before.clear()
        # Not under the lock: the frame in work may need it to get out.
        if pipeline is not None and not pipeline.close():
            self.get_logger().warning('the frame in work did not end in time')
        self._end_trace()
        for camera in topics.values():
            camera.destroy()

    def _start_soon(self) -> None:
        """Configure and activate as soon as the node spins."""
        if self._start_timer is None:
            self._start_timer = self.create_timer(
                0.01, self._start, callback_group=self._start_group, clock=self._steady)

    def _retry_with_other_values(self) -> None:
        """Try again what failed at the start: other values are worth it."""
        if self._settings['autostart']:
            self._start_soon()

    def _start(self) -> None:
        timer, self._start_timer = self._start_timer, None
        if timer is not None:
            timer.cancel()
            self.destroy_timer(timer)
        try:
            if self._pipeline is None and self.trigger_configure() == SUCCESS:
                self.trigger_activate()
        except RuntimeError as error:  # somebody else started it meanwhile, or ended the process
            if self.context.ok():
                self.get_logger().warning(f'could not start by itself: {error}')

    def close(self, timeout: float = 4.0) -> bool:
        """
        End all threads; nothing is published from here on.

        Returns whether they ended within ``timeout`` seconds: one may be deep in a library that
        compiles a network.
        """
        deadline = time.monotonic() + timeout
        with self._state_lock:
            self._active = False
            pipeline, self._pipeline = self._pipeline, None
        ended = pipeline is None or pipeline.close(timeout)
        self._end_trace()
        return self._builder.close(max(0.0, deadline - time.monotonic())) and ended

    # ---- cameras

    def _follow_cameras(self) -> None:
        """Make pipeline and topics have the cameras of the settings."""
        pipeline, settings = self._pipeline, self._settings
        assert pipeline is not None
        for camera in list(self._topics):
            if camera not in settings['cameras']:
                pipeline.remove_camera(camera)
                self._topics.pop(camera).destroy()
                self._drops_before.pop(camera, None)
        for camera in settings['cameras']:
            if camera not in self._topics:
                pipeline.add_camera(camera)
                topics = self._topics[camera] = CameraTopics(
                    self, camera, settings, self._on_image,
                    partial(pipeline.has_room, camera), self._overrides)
                topics.announce(pipeline.segmenter.label_space)
                if self._active:
                    topics.subscribe(settings)

    def _on_image(self, camera: str, message: Any) -> None:
        """Hand an image over; everything else happens in the pipeline's threads."""
        received_ns = self.get_clock().now().nanoseconds
        pipeline, topics, settings = self._pipeline, self._topics.get(camera), self._settings
        if pipeline is None or topics is None or not self._active:
            return
        try:
            stamp = stamp_ns(message.header.stamp)
        except BadFrame as problem:
            pipeline.refuse(camera, problem)
            return
        wanted = topics.wanted()
        if wanted is None and settings['frame_policy'] == 'latest':
            pipeline.skip(camera, diagnostics.NO_SUBSCRIBER)
            return
        decode = partial(compressed_to_rgb, message) if isinstance(message, CompressedImage) \
            else partial(to_rgb, message, topics.buffers.take)
        pipeline.submit(camera, Arrival(stamp, received_ns, decode, wanted or Wanted(),
                                        message.header))

    def _on_room(self, camera: str) -> None:
        """Have the executor look at the images that wait in the middleware."""
        executor = self.executor  # another thread may take the node out of it
        if executor is not None and self.context.ok():
            with suppress(InvalidHandle):  # shut down meanwhile
                executor.wake()

    def _deliver(self, result: Result) -> None:
        topics = self._topics.get(result.camera)
        if topics is None or not self._active:
            return
        if result.reset is not None:
            self.get_logger().info(f'{result.camera}: state reset: {result.reset}')
            self._publish_event(result)
        topics.publish(result, self._settings)

    def _publish_event(self, result: Result) -> None:
        values = {'event': 'reset', 'kind': resets.kind(result.reset or ''),
                  'reason': result.reset or '', 'camera': result.camera,
                  'stamp': f'{result.stamp_ns / 1e9:.9f}'}
        self._events.publish(DiagnosticStatus(
            level=DiagnosticStatus.OK, name=f'{self._title}: camera {result.camera}',
            message=f'state reset: {result.reset}', hardware_id=result.camera,
            values=[KeyValue(key=key, value=value) for key, value in values.items()]))

    def report_error(self, error: Exception) -> None:
        """Count and log an error that came out of a callback; the node goes on."""
        with self._state_lock:
            self._callback_errors += 1
        if self._throttle.admit('callback') is not None:
            self.get_logger().error(f'error in a callback: {type(error).__name__}: {error}')

    def _report_lost(self, camera: str, cause: str, detail: str) -> None:
        """Log a lost frame, each cause at most once a second."""
        withheld = self._throttle.admit((camera, cause))
        if withheld is None or not self.context.ok():
            return
        again = f' ({withheld} more since the last time)' if withheld else ''
        # One place for all causes: the throttle has done what rclpy's own would.
        self.get_logger().warning(f'{camera}: {cause}: {detail}{again}' if detail
                                  else f'{camera}: {cause}{again}')

    def _on_reset(self, request: Trigger.Request,
                  response: Trigger.Response) -> Trigger.Response:
        with self._state_lock:
            pipeline, cameras = self._pipeline, list(self._topics)
        response.success = pipeline is not None
        if pipeline is None:
            response.message = 'not configured'
        else:
            pipeline.reset(None, resets.REQUESTED)
            response.message = f'reset before the next frame: {", ".join(cameras)}'
        return response

    # ---- parameters

    def _validate_settings(self, changes: Iterable[Parameter]) -> SetParametersResult:
        """Say whether values are possible; change nothing."""
        reason = parameters.refusal({change.name: change.value for change in changes})
        return SetParametersResult(successful=not reason, reason=reason)

    def _apply_settings(self, changes: Iterable[Parameter]) -> None:
        """Let accepted values take effect, each group of them at once."""
        values = {change.name: change.value for change in changes
                  if change.name in parameters.BY_NAME}
        if not values:
            return
        with self._state_lock:
            before, self._settings = self._settings, self._settings.changed(values)
            effects = before.effects(self._settings)
            settings, pipeline = self._settings, self._pipeline
            if Effect.OUTPUT in effects \
                    and before['diagnostics_period'] != settings['diagnostics_period']:
                self._start_report_timer()
            if pipeline is None:
                if Effect.SEGMENTER in effects and self._failure:
                    self._retry_with_other_values()
                return
            if effects & {Effect.PIPELINE, Effect.CAMERAS}:
                pipeline.set_limits(gap_ns=settings.gap_ns, max_age_ns=settings.max_age_ns)
                pipeline.set_policy(settings['frame_policy'],
                                    queue_limit=settings['queue_limit'])
                pipeline.set_latency_budget(settings['latency_budget_ms'])
                pipeline.set_max_batch(settings['max_batch'])
                compiled_models.SHARED.keep(settings['networks_kept'])
                if before['observe_workers'] != settings['observe_workers']:
                    self._follow_threads()
                    pipeline.set_observe_workers(settings.thread_plan.observe_workers)
                if before['trace_file'] != settings['trace_file']:
                    self._follow_trace()
            if Effect.CAMERAS in effects:
                self._follow_cameras()
                if self._active and any(before[name] != settings[name] for name in (
                        'transport', 'frame_policy', 'image_qos_reliability',
                        'image_qos_depth')):
                    for topics in self._topics.values():
                        topics.subscribe(settings)
            if Effect.SEGMENTER in effects and not self._reverting:
                self._request_segmenter()

    def _follow_threads(self) -> None:
        """Bound the threads of libraries as the settings say."""
        threads.apply(self._settings.thread_plan)

    def _follow_trace(self) -> None:
        """Record into the file of the settings, if there is one."""
        path, pipeline = self._settings['trace_file'], self._pipeline
        assert pipeline is not None
        self._end_trace()
        if not path:
            return
        try:
            self._trace = Trace(path)
        except OSError as error:
            self.get_logger().error(f'there will be no trace: {error}')
            return
        pipeline.set_trace(self._trace)
        self.get_logger().info(f'a trace goes to {self._trace.path}')

    def _end_trace(self) -> None:
        with self._state_lock:
            trace, self._trace = self._trace, None
            if self._pipeline is not None:
                self._pipeline.set_trace(None)
        if trace is not None:
            trace.close()

    def _request_segmenter(self) -> None:
        """Have built what the settings say, unless it runs already."""
        self._failure = ''
        if self._settings.segmenter_values() == self._running.segmenter_values():
            self._builder.cancel()
        elif self._adjusted():
            self._running = self._settings
            self._builder.cancel()
        else:
            self._builder.request(self._settings)

    def _adjusted(self) -> bool:
        """Let the running method take over the settings, if it can without being built anew."""
        if self._pipeline is None or self._settings['method'] != self._running['method']:
            return False
        try:
            adjusted = self._pipeline.segmenter.adjust(self._settings.method_options())
        except ValueError:  # the builder will say what is wrong with them
            return False
        if adjusted:
            self.get_logger().info(f'{self._settings["method"]} goes on with other settings')
        return adjusted

    def _image_sizes(self) -> list[tuple[int, int]]:
        """Return the sizes of the images that come, so that the next method is ready for them."""
        with self._state_lock:
            pipeline = self._pipeline
            cameras = list(self._topics)
        if pipeline is None:
            return []
        sizes = set()
        for camera in cameras:
            try:
                size = pipeline.statistics(camera).size
            except KeyError:  # removed just now
                continue
            if size is not None:
                sizes.add(size)
        return sorted(sizes)

    def _on_built(self, built: Built) -> None:
        """Take what the builder built, in its thread: a swap must not wait for the executor."""
        if self._configuring.is_set():
            self._configured_with = built
            self._built.set()
            return
        with self._state_lock:
            pipeline = self._pipeline
            wanted = self._settings.segmenter_values() == built.settings.segmenter_values()
            if built.segmenter is not None and (pipeline is None or not wanted):
                built.segmenter.close()
                return
            if built.segmenter is not None and pipeline is not None:
                self._running = built.settings
                pipeline.swap(built.segmenter)
        if wanted:
            self._outcomes.append(built)
            self._outcome_there.trigger()

    def _take_outcomes(self) -> None:
        """Tell of what was built; put the parameters back if it was not."""
        while self._outcomes:
            built = self._outcomes.pop(0)
            if built.segmenter is not None:
                self.get_logger().info(f'{built.settings["method"]} is ready and in use')
                continue
            with self._state_lock:
                current = self._settings.segmenter_values()
                if current != built.settings.segmenter_values() or self._pipeline is None:
                    continue
                self._failure = built.failure
                back = {name: value for name, value
                        in self._running.segmenter_values().items() if value != current[name]}
            self.get_logger().error(
                f'{built.failure}; {self._running["method"]} goes on, and set back '
                f'{"is" if len(back) == 1 else "are"}: {", ".join(sorted(back))}')
            self._reverting = True
            try:
                self.set_parameters_atomically(
                    [Parameter(name, value=value) for name, value in back.items()])
            finally:
                self._reverting = False

    # ---- reports

    @property
    def _title(self) -> str:
        return self.get_fully_qualified_name().lstrip('/')

    def _start_report_timer(self) -> None:
        """Report at the period of the settings; by a clock that a paused bag does not stop."""
        if self._report_timer is not None:
            self.destroy_timer(self._report_timer)
        self._report_timer = self.create_timer(
            self._settings['diagnostics_period'], self._report,
            callback_group=self._report_group, clock=self._steady)

    def _report(self) -> None:
        """Publish diagnostics and statistics; at each period, and when the state changes."""
        if not self.context.ok():
            return
        with self._report_lock:
            self._publish_report()

    def _report_at_once(self) -> None:
        """Report in the midst of something else, which must not fail by that."""
        try:
            self._report()
        except Exception as error:
            if self.context.ok():
                self.report_error(error)

    def _publish_report(self) -> None:
        now = self.get_clock().now()
        statuses, known = self._statuses()
        message = DiagnosticArray(status=statuses)
        message.header.stamp = now.to_msg()
        self._diagnostics.publish(message)
        if self._statistics.get_subscription_count():
            name, since, until = self.get_fully_qualified_name(), self._since.to_msg(), \
                now.to_msg()
            for statistics in known:
                for metric in metrics(statistics, name, since, until):
                    self._statistics.publish(metric)
        trace = self._trace
        if trace is not None:
            try:
                trace.flush()
            except OSError as error:
                self.get_logger().error(f'the trace ends here: {error}')
                self._end_trace()

    def _statuses(self) -> tuple[list[DiagnosticStatus], list[CameraStatistics]]:
        """Return what to report, and the cameras' statistics that it was made from."""
        now_ns = time.monotonic_ns()  # the pipeline's clock
        with self._state_lock:
            pipeline, settings = self._pipeline, self._settings
            topics = dict(self._topics)
            description = pipeline.segmenter.describe() if pipeline is not None else {}
            engine = diagnostics.EngineReport(
                active=self._active, description=description, building=self._builder.building,
                failure=self._failure, callback_errors=self._callback_errors,
                overall=pipeline.overall() if pipeline is not None else None,
                threads=settings.thread_plan)
        hardware = description.get('device', 'none yet')
        statuses = [diagnostics.engine_status(engine, f'{self._title}: engine', hardware)]
        known = []
        for camera in settings['cameras']:
            topic = topics.get(camera)
            try:
                statistics = unseen(camera) if pipeline is None else pipeline.statistics(camera)
            except KeyError:  # removed just now
                continue
            silence_ns = None if statistics.last_arrival_ns is None else \
                max(0, now_ns - statistics.last_arrival_ns)
            statuses.append(diagnostics.camera_status(
                diagnostics.CameraReport(
                    statistics=statistics, before=self._drops_before.get(camera, {}),
                    topic=topic.topic if topic is not None else '',
                    silence_ns=silence_ns, stale_ns=settings.stale_ns, active=self._active,
                    qos=topic.qos_mismatches() if topic is not None else (),
                    lost_by_middleware=topic.lost_by_middleware if topic is not None else 0),
                engine, f'{self._title}: camera {camera}', camera))
            self._drops_before[camera] = statistics.drops
            if pipeline is not None:
                known.append(statistics)
        return statuses, known


class _CannotConfigure(Exception):
    """Configuring fails, for a reason that people can do something about."""
