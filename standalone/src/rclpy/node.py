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
"""Nodes."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rcl_interfaces.msg import Log, ParameterDescriptor, ParameterEvent
from standalone_ros import arguments, console, names
from standalone_ros.graph import NamesAndTypes

from rclpy._handles import (
    ClientHandle,
    NodeHandle,
    PublisherHandle,
    ServiceHandle,
    SubscriptionHandle,
)
from rclpy._node_graph import NodeGraph
from rclpy._node_parameters import NodeParameters
from rclpy._rclpy_pybind11 import NodeNameNonExistentError, RCLError, UnknownROSArgsError
from rclpy.callback_groups import (
    CallbackGroup,
    MutuallyExclusiveCallbackGroup,
    ReentrantCallbackGroup,
)
from rclpy.client import Client
from rclpy.clock import Clock, ROSClock
from rclpy.constants import S_TO_NS
from rclpy.context import Context
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.exceptions import (
    InvalidHandle,
    InvalidServiceNameException,
    InvalidTopicNameException,
    NotInitializedException,
)
from rclpy.executors import Executor
from rclpy.guard_condition import GuardCondition
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import get_logger
from rclpy.logging_service import LoggingService
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService
from rclpy.publisher import Publisher
from rclpy.qos import (
    QoSProfile,
    qos_profile_parameter_events,
    qos_profile_rosout_default,
    qos_profile_services_default,
)
from rclpy.qos_overriding_options import QoSOverridingOptions, _declare_qos_parameters
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.time import Time
from rclpy.time_source import TimeSource
from rclpy.timer import Rate, Timer
from rclpy.type_description_service import TypeDescriptionService
from rclpy.type_support import check_is_valid_msg_type, check_is_valid_srv_type
from rclpy.utilities import get_default_context
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name
from rclpy.validate_topic_name import validate_topic_name
from rclpy.waitable import Waitable

__all__ = ['NamesAndTypes', 'Node', 'NodeNameNonExistentError']

HIDDEN_NODE_PREFIX = '_'
Entity = TypeVar('Entity', Publisher, Subscription, Client, Service, Timer, GuardCondition)


def _each(attribute: str, doc: str) -> property:
    """Make a property that yields what a list holds now."""
    return property(lambda node: iter(list(getattr(node, attribute))), doc=doc)


class Node(NodeParameters, NodeGraph):
    """
    A participant in the ROS graph, with its topics, services, timers and parameters.

    Raises NotInitializedException before rclpy.init(), InvalidNodeNameException and
    InvalidNamespaceException for bad names.
    """

    def __init__(
        self, node_name: str, *, context: Context | None = None,
        cli_args: Sequence[str] | None = None, namespace: str | None = None,
        use_global_arguments: bool = True, enable_rosout: bool = True,
        start_parameter_services: bool = True, parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False,
        automatically_declare_parameters_from_overrides: bool = False,
        enable_logger_service: bool = False,
    ) -> None:
        self._context = get_default_context() if context is None else context
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._clients: list[Client] = []
        self._services: list[Service] = []
        self._timers: list[Timer] = []
        self._guards: list[GuardCondition] = []
        self._waitables: list[Waitable] = []
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
        self._rate_group = ReentrantCallbackGroup()
        self._init_parameters(allow_undeclared_parameters)
        self.__executor_weakref: weakref.ref[Executor] | None = None
        if not self._context.ok():
            raise NotInitializedException('cannot create node')
        self.__arguments = self.__all_arguments(cli_args, use_global_arguments)
        self._remap_rules = [rule for args in self.__arguments for rule in args.remaps]
        self.__node = self.__create_handle(node_name, namespace or '')
        self._logger = get_logger(self.__node.logger_name)
        self._clock = ROSClock()
        self._rosout: PublisherHandle | None = None
        if enable_rosout and self._context.arguments.rosout:
            self._rosout = PublisherHandle(self.__node, Log, '/rosout', qos_profile_rosout_default)
            self._log_sink = weakref.WeakMethod(self.__publish_log)
            console.add_sink(self.__node.logger_name, self._log_sink)
        self._parameter_event_publisher = self.create_publisher(
            ParameterEvent, '/parameter_events', qos_profile_parameter_events)
        for args in reversed(self.__arguments):
            self._parameter_overrides.update({
                name: Parameter(name, value=value)
                for name, value in args.parameters_of(self.get_fully_qualified_name()).items()})
        self._parameter_overrides.update({p.name: p for p in parameter_overrides or []})
        if automatically_declare_parameters_from_overrides:
            self.declare_parameters(
                '', [(name, parameter.value, ParameterDescriptor())
                     for name, parameter in self._parameter_overrides.items()],
                ignore_override=True)
        self._time_source = TimeSource(node=self)
        self._time_source.attach_clock(self._clock)
        if start_parameter_services:
            self._parameter_service = ParameterService(self)
        if enable_logger_service:
            self._logger_service = LoggingService(self)
        self._type_description_service = TypeDescriptionService(self)

    def __all_arguments(
        self, cli_args: Sequence[str] | None, use_global_arguments: bool,
    ) -> list[arguments.Arguments]:
        """Return the node's own arguments before those of the process."""
        try:
            local = arguments.parse(cli_args or [])
        except arguments.UnknownArgumentsError as error:
            raise UnknownROSArgsError(str(error)) from None
        except arguments.ArgumentError as error:
            raise RCLError(f'failed to parse node arguments: {error}') from None
        return [local, self._context.arguments] if use_global_arguments else [local]

    def __create_handle(self, node_name: str, namespace: str) -> NodeHandle:
        if not namespace.startswith('/'):
            namespace = f'/{namespace}'
        validate_node_name(node_name)
        validate_namespace(namespace)
        return NodeHandle(self._context, *arguments.remap_identity(
            self._remap_rules, node_name, namespace))

    def __publish_log(self, record: console.Record) -> None:
        rosout = self._rosout
        if rosout is None or not self._context.ok():
            return
        stamp = Time(nanoseconds=record.stamp_ns).to_msg()
        try:
            rosout.publish(Log(
                stamp=stamp, level=record.severity, name=record.name, msg=record.message,
                file=record.file, function=record.function, line=record.line))
        except RuntimeError:
            pass  # shut down while logging; the console has the message

    publishers = _each('_publishers', "The node's publishers.")
    subscriptions = _each('_subscriptions', "The node's subscriptions.")
    clients = _each('_clients', "The node's clients.")
    services = _each('_services', "The node's services.")
    timers = _each('_timers', "The node's timers.")
    guards = _each('_guards', "The node's guard conditions.")
    waitables = _each('_waitables', "The node's other waitable things.")

    @property
    def executor(self) -> Executor | None:
        """The executor that the node was added to, None without one."""
        return self.__executor_weakref() if self.__executor_weakref else None

    @executor.setter
    def executor(self, new_executor: Executor | None) -> None:
        current = self.executor
        if current == new_executor:
            return
        if current is not None:
            current.remove_node(self)
        self.__executor_weakref = None
        if new_executor is not None:
            new_executor.add_node(self)
            self.__executor_weakref = weakref.ref(new_executor)

    def _wake_executor(self) -> None:
        executor = self.executor
        if executor:
            executor.wake()

    @property
    def context(self) -> Context:
        """The node's context."""
        return self._context

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of entities that were given none: mutually exclusive."""
        return self._default_callback_group

    @property
    def handle(self) -> NodeHandle:  # type: ignore[override]
        """The middleware's node."""
        return self.__node

    @handle.setter
    def handle(self, value: object) -> None:
        raise AttributeError('handle cannot be modified after node creation')

    def get_name(self) -> str:
        """Return the name."""
        with self.handle:
            return self.handle.name

    def get_namespace(self) -> str:
        """Return the namespace."""
        with self.handle:
            return self.handle.namespace

    def get_fully_qualified_name(self) -> str:
        """Return namespace and name."""
        with self.handle:
            return names.join(self.handle.namespace, self.handle.name)

    def get_clock(self) -> Clock:
        """Return the clock, which follows `/clock` when `use_sim_time` is set."""
        return self._clock

    def get_logger(self) -> RcutilsLogger:
        """Return the logger, named after the node."""
        return self._logger

    # Names.

    def _resolve(self, name: str, is_service: bool, only_expand: bool = False) -> str:
        with self.handle:
            node_name, namespace = self.handle.name, self.handle.namespace
        full_name = names.expand(name, node_name, namespace)
        if not only_expand:
            full_name = arguments.remap_name(
                self._remap_rules, full_name, node_name, namespace, is_service=is_service)
        return full_name

    def _checked_name(self, name: str, *, is_service: bool = False) -> str:
        validate_topic_name(name, is_service=is_service)
        full_name = self._resolve(name, is_service)
        validate_full_topic_name(full_name, is_service=is_service)
        return full_name

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a topic after remapping; raises RCLError."""
        return self._resolved(topic, False, only_expand)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a service after remapping; raises RCLError."""
        return self._resolved(service, True, only_expand)

    def _resolved(self, name: str, is_service: bool, only_expand: bool) -> str:
        try:
            validate_topic_name(name)
            full_name = self._resolve(name, is_service, only_expand)
            validate_full_topic_name(full_name)
            return full_name
        except (InvalidTopicNameException, InvalidServiceNameException, ValueError):
            fault = names.topic_fault(name)
            reason = fault.message if fault else 'it can not be expanded'
            raise RCLError(f'failed to resolve name: {reason}') from None

    # Creating.

    @staticmethod
    def _validate_qos_or_depth_parameter(qos_or_depth: Any) -> QoSProfile:
        if isinstance(qos_or_depth, QoSProfile):
            return qos_or_depth
        if not isinstance(qos_or_depth, int):
            raise TypeError(f'Expected QoSProfile or int, but received {type(qos_or_depth)!r}')
        if qos_or_depth < 0:
            raise ValueError('history depth must be greater than or equal to zero')
        return QoSProfile(depth=qos_or_depth)

    def _keep(self, entities: list[Entity], entity: Entity) -> Entity:
        """Make an entity part of the node and of its callback group."""
        group = getattr(entity, 'callback_group', None)
        if group is not None:
            group.add_entity(entity)
        entities.append(entity)
        self._wake_executor()
        for handler in getattr(entity, 'event_handlers', ()):
            self.add_waitable(handler)
        return entity

    def create_publisher(
        self, msg_type: Any, topic: str, qos_profile: QoSProfile | int, *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: PublisherEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Publisher:
        """
        Create a publisher; an int for the profile is the depth of its history.

        Raises InvalidTopicNameException, and AttributeError when `msg_type` is no message.
        """
        profile = self._validate_qos_or_depth_parameter(qos_profile)
        full_name = self._checked_name(topic)
        _declare_qos_parameters('publisher', self, full_name, profile,
                                qos_overriding_options or QoSOverridingOptions([]))
        check_is_valid_msg_type(msg_type)
        with self.handle:
            handle = PublisherHandle(self.handle, msg_type, full_name, profile)
        try:
            publisher = publisher_class(
                handle, msg_type, topic, profile,
                event_callbacks=event_callbacks or PublisherEventCallbacks(),
                callback_group=callback_group or self.default_callback_group)
        except Exception:
            handle.destroy_when_not_in_use()
            raise
        return self._keep(self._publishers, publisher)

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable, qos_profile: QoSProfile | int, *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None, raw: bool = False,
        content_filter_options: Any = None,
    ) -> Subscription:
        """
        Create a subscription; with `raw` the callback gets serialised messages.

        Raises InvalidTopicNameException, AttributeError when `msg_type` is no message, and
        RuntimeError for a callback that takes neither one nor two arguments.
        """
        if content_filter_options is not None:
            raise NotImplementedError(
                'create_subscription(content_filter_options=...) is not available')
        profile = self._validate_qos_or_depth_parameter(qos_profile)
        full_name = self._checked_name(topic)
        _declare_qos_parameters('subscription', self, full_name, profile,
                                qos_overriding_options or QoSOverridingOptions([]))
        check_is_valid_msg_type(msg_type)
        with self.handle:
            handle = SubscriptionHandle(self.handle, msg_type, full_name, profile)
        try:
            subscription = Subscription(
                handle, msg_type, topic, callback,
                callback_group or self.default_callback_group, profile, raw,
                event_callbacks=event_callbacks or SubscriptionEventCallbacks())
        except Exception:
            handle.destroy_when_not_in_use()
            raise
        return self._keep(self._subscriptions, subscription)

    def create_client(
        self, srv_type: Any, srv_name: str, *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """Create a client of a service; raises InvalidServiceNameException."""
        check_is_valid_srv_type(srv_type)
        full_name = self._checked_name(srv_name, is_service=True)
        with self.handle:
            handle = ClientHandle(self.handle, srv_type, full_name, qos_profile)
        return self._keep(self._clients, Client(
            self.context, handle, srv_type, srv_name, qos_profile,
            callback_group or self.default_callback_group))

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable, *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        """
        Create a service; `callback(request, response)` returns the response.

        Raises InvalidServiceNameException.
        """
        check_is_valid_srv_type(srv_type)
        full_name = self._checked_name(srv_name, is_service=True)
        with self.handle:
            handle = ServiceHandle(self.handle, srv_type, full_name, qos_profile)
        return self._keep(self._services, Service(
            handle, srv_type, srv_name, callback,
            callback_group or self.default_callback_group, qos_profile))

    def create_timer(
        self, timer_period_sec: float, callback: Callable | None,
        callback_group: CallbackGroup | None = None, clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        """Create a timer on the node's clock or another; raises RCLError for a negative period."""
        return self._keep(self._timers, Timer(
            callback, callback_group or self.default_callback_group,
            int(float(timer_period_sec) * S_TO_NS), clock or self._clock,
            context=self.context, autostart=autostart))

    def create_guard_condition(
        self, callback: Callable, callback_group: CallbackGroup | None = None,
    ) -> GuardCondition:
        """Create a guard condition."""
        return self._keep(self._guards, GuardCondition(
            callback, callback_group or self.default_callback_group, context=self.context))

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """Create a rate in Hz; raises ValueError unless it is positive."""
        if frequency <= 0:
            raise ValueError('frequency must be > 0')
        timer = self.create_timer(1.0 / frequency, None, self._rate_group, clock)
        return Rate(timer, context=self.context)

    def add_waitable(self, waitable: Waitable) -> None:
        """Have the executor wait for something else, too."""
        self._waitables.append(waitable)
        self._wake_executor()

    def remove_waitable(self, waitable: Waitable) -> None:
        """Undo add_waitable()."""
        self._waitables.remove(waitable)
        self._wake_executor()

    # Destroying.

    def _drop(self, entities: list[Entity], entity: Entity) -> bool:
        """Destroy an entity of this node; False if it is not, or was destroyed already."""
        if entity not in entities:
            return False
        entities.remove(entity)
        for handler in getattr(entity, 'event_handlers', ()):
            self._waitables.remove(handler)
        try:
            entity.destroy()
        except InvalidHandle:
            return False
        self._wake_executor()
        return True

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher; returns whether it was there."""
        return self._drop(self._publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription; returns whether it was there."""
        return self._drop(self._subscriptions, subscription)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client; returns whether it was there."""
        return self._drop(self._clients, client)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service; returns whether it was there."""
        return self._drop(self._services, service)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer; returns whether it was there."""
        return self._drop(self._timers, timer)

    def destroy_guard_condition(self, guard: GuardCondition) -> bool:
        """Destroy a guard condition; returns whether it was there."""
        return self._drop(self._guards, guard)

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate and end its sleeps; returns whether it was there."""
        success = self.destroy_timer(rate._timer)
        rate.destroy()
        return success

    def destroy_node(self) -> None:
        """Destroy the node and all that it made."""
        if self.__node._destruction_requested:
            return
        for entities in (self._publishers, self._subscriptions, self._clients, self._services,
                         self._timers, self._guards):
            while entities:
                self._drop(entities, entities[0])  # type: ignore[misc]
        if self._rosout is not None:
            console.remove_sink(self.__node.logger_name, self._log_sink)
            rosout, self._rosout = self._rosout, None
            rosout.destroy_when_not_in_use()
        self.__node.destroy_when_not_in_use()
        self._wake_executor()
