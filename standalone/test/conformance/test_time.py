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

"""Time, duration, clocks and simulated time."""

import time

import pytest
from builtin_interfaces.msg import Duration as DurationMsg
from builtin_interfaces.msg import Time as TimeMsg
from rclpy.clock import Clock, ClockChange, JumpThreshold
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMsg

ROS, SYSTEM, STEADY = ClockType.ROS_TIME, ClockType.SYSTEM_TIME, ClockType.STEADY_TIME


def test_a_time_adds_seconds_and_nanoseconds():
    assert Time(seconds=1, nanoseconds=5).nanoseconds == 1_000_000_005
    assert Time(seconds=1.5).seconds_nanoseconds() == (1, 500_000_000)
    assert Time().clock_type == SYSTEM
    assert repr(Time(seconds=1.5)) == 'Time(nanoseconds=1500000000, clock_type=SYSTEM_TIME)'
    assert repr(Duration(seconds=1.5)) == 'Duration(nanoseconds=1500000000)'


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'nanoseconds': -1}, ValueError, 'Nanoseconds value must not be negative'),
        ({'seconds': -1}, ValueError, 'Seconds value must not be negative'),
        ({'nanoseconds': 2**63}, OverflowError, 'too large to store in C time point'),
        ({'clock_type': 5}, TypeError, 'Clock type must be a ClockType enum'),
    ],
)
def test_an_impossible_time_raises(arguments, error, message):
    with pytest.raises(error, match=message):
        Time(**arguments)


def test_a_duration_may_be_negative_but_not_too_large():
    assert Duration(seconds=-1.5).nanoseconds == -1_500_000_000
    with pytest.raises(OverflowError, match='too large to store in C duration'):
        Duration(nanoseconds=2**63)


def test_times_and_durations_add_and_subtract():
    early, late = Time(seconds=2, clock_type=ROS), Time(seconds=5, clock_type=ROS)
    assert late - early == Duration(seconds=3)
    assert (early - late).nanoseconds == -3_000_000_000
    assert early + Duration(seconds=3) == late
    assert Duration(seconds=3) + early == late
    assert late - Duration(seconds=3) == early
    assert early < late
    assert late >= early
    assert Duration(seconds=1) < Duration(seconds=2)


@pytest.mark.parametrize(
    ('operation', 'error'),
    [
        (lambda: Time(seconds=1) - Duration(seconds=2), ValueError),
        (lambda: Time(seconds=1) + Time(seconds=1), TypeError),
        (lambda: Time(seconds=1) + 1, TypeError),
        (lambda: Time(seconds=1) < 5, TypeError),
        (lambda: Time(nanoseconds=2**63 - 1) + Duration(nanoseconds=1), OverflowError),
        (lambda: Duration(seconds=1) + Duration(seconds=1), TypeError),
        (lambda: Duration(seconds=1) < Time(seconds=1), TypeError),
        (lambda: Time(clock_type=ROS) - Time(clock_type=STEADY), TypeError),
        (lambda: Time(clock_type=ROS) < Time(clock_type=STEADY), TypeError),
        (lambda: Time(clock_type=ROS) == Time(clock_type=STEADY), TypeError),
    ],
)
def test_what_makes_no_sense_with_times_raises(operation, error):
    with pytest.raises(error):
        operation()


def test_times_of_one_clock_compare_equal_and_never_to_numbers():
    assert Time(seconds=1, clock_type=ROS) == Time(seconds=1, clock_type=ROS)
    assert (Time(seconds=5) == 5) is False
    assert (Duration(seconds=5) == 5) is False
    with pytest.raises(TypeError, match='unhashable'):
        hash(Time())


def test_times_and_durations_become_messages_and_come_back():
    moment = Time(seconds=5, nanoseconds=7, clock_type=ROS)
    assert moment.to_msg() == TimeMsg(sec=5, nanosec=7)
    assert Time.from_msg(TimeMsg(sec=5, nanosec=7)) == moment
    span = Duration(seconds=-1.5)
    assert span.to_msg() == DurationMsg(sec=-2, nanosec=500_000_000)
    assert Duration.from_msg(span.to_msg()) == span
    with pytest.raises(ValueError, match='must not be negative'):
        Time.from_msg(TimeMsg(sec=-1))
    with pytest.raises(TypeError, match=r'builtin_interfaces\.msg\.Time'):
        Time.from_msg(DurationMsg())


@pytest.mark.parametrize('kind', [SYSTEM, STEADY, ROS])
def test_a_clock_tells_times_of_its_own_kind_that_grow(kind):
    clock = Clock(clock_type=kind)
    first, second = clock.now(), clock.now()
    assert first.clock_type == second.clock_type == kind
    assert second >= first


def test_the_clock_of_a_node_is_ros_time_and_follows_the_wall(graph):
    clock = graph.node().get_clock()
    assert clock.clock_type == ROS
    assert clock.ros_time_is_active is False
    assert abs(clock.now().nanoseconds - time.time_ns()) < 1_000_000_000


def test_a_clock_sleeps_for_a_duration_and_until_a_time(graph):
    clock = Clock(clock_type=STEADY)
    before = time.monotonic()
    assert clock.sleep_for(Duration(seconds=0.05), context=graph.context) is True
    assert 0.05 <= time.monotonic() - before < 1.0
    past = Time(nanoseconds=clock.now().nanoseconds - 1, clock_type=STEADY)
    assert clock.sleep_until(past, context=graph.context) is True
    with pytest.raises(ValueError, match="does not match this clock's type"):
        clock.sleep_until(Time(clock_type=SYSTEM), context=graph.context)


@pytest.mark.parametrize(
    ('thresholds', 'message'),
    [
        (
            {'min_forward': None, 'min_backward': None, 'on_clock_change': False},
            'At least one jump threshold must be enabled',
        ),
        (
            {'min_forward': Duration(seconds=-1), 'min_backward': None},
            'min_forward must be a positive non-zero duration',
        ),
        (
            {'min_forward': None, 'min_backward': Duration(seconds=1)},
            'min_backward must be a negative non-zero duration',
        ),
    ],
)
def test_an_impossible_jump_threshold_raises(thresholds, message):
    with pytest.raises(ValueError, match=message):
        JumpThreshold(**thresholds)


def test_turning_simulated_time_on_and_off_is_a_jump(graph):
    node, jumps = graph.node(), []
    # The handle must live as long as the clock may jump.
    handle = node.get_clock().create_jump_callback(
        JumpThreshold(min_forward=None, min_backward=None, on_clock_change=True),
        pre_callback=lambda: jumps.append('before'),
        post_callback=lambda jump: jumps.append(jump.clock_change),
    )
    node.set_parameters([Parameter('use_sim_time', value=True)])
    node.set_parameters([Parameter('use_sim_time', value=False)])
    assert jumps == [
        'before',
        ClockChange.ROS_TIME_ACTIVATED,
        'before',
        ClockChange.ROS_TIME_DEACTIVATED,
    ]
    handle.unregister()


def clock_publisher(graph, node):
    """Return a function that sets the simulated time of a node, in seconds."""
    publisher = graph.node().create_publisher(ClockMsg, '/clock', 10)
    graph.spin_until(lambda: publisher.get_subscription_count() == 1, 'the node hears /clock')

    def tick(seconds):
        moment = Time(seconds=seconds, clock_type=ROS)
        publisher.publish(ClockMsg(clock=moment.to_msg()))
        graph.spin_until(lambda: node.get_clock().now() == moment, f'the clock was {seconds}')

    return tick


@pytest.fixture
def simulated(graph):
    """Give a node that lives in simulated time."""
    return graph.node(parameter_overrides=[Parameter('use_sim_time', value=True)])


def test_simulated_time_is_zero_until_the_clock_is_heard(graph, simulated):
    assert simulated.get_clock().ros_time_is_active is True
    assert simulated.get_clock().now().nanoseconds == 0
    tick = clock_publisher(graph, simulated)
    tick(1234.5)
    assert simulated.get_clock().now().seconds_nanoseconds() == (1234, 500_000_000)


def test_a_node_hears_the_clock_with_best_effort_and_depth_one(graph, simulated):
    graph.spin_until(
        lambda: simulated.get_subscriptions_info_by_topic('/clock'), 'the graph had it'
    )
    profile = simulated.get_subscriptions_info_by_topic('/clock')[0].qos_profile
    assert profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert profile.depth == 1


def test_a_node_in_wall_time_does_not_hear_the_clock(graph):
    node = graph.node()
    publisher = graph.node().create_publisher(ClockMsg, '/clock', QoSProfile(depth=1))
    graph.spin_for(0.2)
    assert publisher.get_subscription_count() == 0
    assert node.get_clock().ros_time_is_active is False


def test_a_timer_follows_simulated_time(graph, simulated):
    fired = []
    tick = clock_publisher(graph, simulated)
    simulated.create_timer(
        1.0, lambda: fired.append(simulated.get_clock().now().nanoseconds / 1e9)
    )
    graph.spin_for(0.1)
    assert fired == []
    for seconds in (10.0, 10.5, 11.0, 11.5, 12.0, 20.0, 20.1):
        tick(seconds)
        graph.spin_for(0.06)
    assert fired == [10.0, 11.0, 12.0, 20.0]


def test_jumps_of_simulated_time_are_told_to_those_who_asked(graph, simulated):
    tick, jumps = clock_publisher(graph, simulated), []
    tick(10.0)
    handle = simulated.get_clock().create_jump_callback(
        JumpThreshold(min_forward=Duration(seconds=2), min_backward=Duration(seconds=-2)),
        post_callback=lambda jump: jumps.append((jump.clock_change, jump.delta.nanoseconds)),
    )
    for seconds in (11.0, 10.5, 20.5, 5.5):
        tick(seconds)
    same = ClockChange.ROS_TIME_NO_CHANGE
    assert jumps == [(same, 10_000_000_000), (same, -15_000_000_000)]
    handle.unregister()


def test_simulated_time_can_be_turned_on_and_off_while_running(graph):
    node = graph.node()
    assert node.set_parameters([Parameter('use_sim_time', value=True)])[0].successful
    assert node.get_clock().ros_time_is_active is True
    tick = clock_publisher(graph, node)
    tick(7.0)
    assert node.set_parameters([Parameter('use_sim_time', value=False)])[0].successful
    assert node.get_clock().ros_time_is_active is False
    assert node.get_clock().now().nanoseconds > 10**18


def test_use_sim_time_is_a_boolean(graph):
    result = graph.node().set_parameters([Parameter('use_sim_time', value='x')])[0]
    assert (result.successful, result.reason) == (
        False,
        "Wrong parameter type, expected 'Type.BOOL' got 'Type.STRING'",
    )
