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

"""Executors, callback groups, timers, guard conditions and futures."""

import threading
import time

import pytest
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import (
    ExternalShutdownException,
    MultiThreadedExecutor,
    SingleThreadedExecutor,
)
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

EXECUTORS = [SingleThreadedExecutor, MultiThreadedExecutor]


@pytest.fixture
def spinning(graph):
    """Give a function that spins nodes in a thread; it stops with the test."""
    running = []

    def start(executor, *nodes):
        for node in nodes:
            executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        running.append((executor, thread))
        return executor

    yield start
    for executor, thread in running:
        executor.shutdown(timeout_sec=5)
        thread.join(timeout=5)
        assert not thread.is_alive()


def wait_for(condition, what):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, f'waited in vain until {what}'
        time.sleep(0.005)


def test_spin_once_returns_after_its_timeout_when_nothing_happens(graph):
    graph.node()
    graph.spin_for(0.05)
    for timeout in (0, 0.1):
        before = time.monotonic()
        graph.executor.spin_once(timeout_sec=timeout)
        assert timeout <= time.monotonic() - before < timeout + 1.0


def test_a_timer_fires_at_its_period(graph):
    fired = []
    graph.node().create_timer(0.05, lambda: fired.append(time.monotonic()))
    started = time.monotonic()
    graph.spin_until(lambda: len(fired) == 5, 'it fired five times')
    assert 0.2 <= fired[-1] - started < 2.0


def test_a_cancelled_timer_does_not_fire_until_it_is_reset(graph):
    fired = []
    timer = graph.node().create_timer(0.02, lambda: fired.append(1))
    timer.cancel()
    assert timer.is_canceled() is True
    assert timer.time_until_next_call() is None
    graph.spin_for(0.1)
    assert fired == []
    timer.reset()
    assert timer.is_canceled() is False
    graph.spin_until(lambda: fired, 'it fired')


def test_a_timer_can_be_made_without_starting_it(graph):
    fired = []
    timer = graph.node().create_timer(0.01, lambda: fired.append(1), autostart=False)
    assert timer.is_canceled() is True
    graph.spin_for(0.05)
    assert fired == []


def test_a_timer_can_cancel_and_destroy_itself_in_its_callback(graph):
    node, fired = graph.node(), []

    def once():
        fired.append(1)
        timer.cancel()
        node.destroy_timer(timer)

    timer = node.create_timer(0.01, once)
    graph.spin_until(lambda: fired, 'it fired')
    graph.spin_for(0.08)
    assert fired == [1]


def test_a_timer_skips_what_it_missed(graph):
    fired = []
    graph.node().create_timer(0.1, lambda: fired.append(time.monotonic()))
    time.sleep(0.55)
    started = time.monotonic()
    graph.spin_for(0.18)
    # One call for the whole past, then one every 0.1 s in the old rhythm.
    assert 2 <= len(fired) <= 3
    assert fired[0] - started < 0.05


@pytest.mark.parametrize(('period', 'error'), [(-1.0, RuntimeError), (-0.001, RuntimeError)])
def test_a_timer_of_negative_period_raises(graph, period, error):
    with pytest.raises(error, match='timer period must be non-negative'):
        graph.node().create_timer(period, lambda: None)


def test_the_period_of_a_timer_is_told_in_nanoseconds_and_can_be_changed(graph):
    timer = graph.node().create_timer(1, lambda: None)
    assert timer.timer_period_ns == 1_000_000_000
    timer.timer_period_ns = 50_000_000
    assert timer.timer_period_ns == 50_000_000


@pytest.mark.parametrize('kind', EXECUTORS)
@pytest.mark.parametrize(
    'source', ['timer', 'coroutine timer', 'subscription', 'service', 'guard', 'task']
)
def test_an_exception_in_a_callback_leaves_spin(graph, kind, source):
    executor = kind(context=graph.context)
    node = graph.node()
    graph.executor.remove_node(node)
    executor.add_node(node)

    def boom(*_):
        raise ValueError(f'boom from {source}')

    async def boom_later():
        boom()

    if source == 'timer':
        node.create_timer(0.01, boom)
    elif source == 'coroutine timer':
        node.create_timer(0.01, boom_later)
    elif source == 'subscription':
        topic = graph.name('topic')
        publisher = node.create_publisher(String, topic, 1)
        node.create_subscription(String, topic, lambda message: boom(), 1)
        node.create_timer(0.02, lambda: publisher.publish(String()))
    elif source == 'service':
        name = graph.name('service')
        node.create_service(Trigger, name, lambda request, response: boom())
        client = node.create_client(Trigger, name)
        assert client.wait_for_service(timeout_sec=10)
        client.call_async(Trigger.Request())
    elif source == 'guard':
        node.create_guard_condition(boom).trigger()
    else:
        executor.create_task(boom)
    with pytest.raises(ValueError, match=f'boom from {source}'):
        executor.spin()
    executor.shutdown(timeout_sec=5)


def test_a_guard_condition_runs_its_callback_once_a_trigger(graph):
    calls = []
    guard = graph.node().create_guard_condition(lambda: calls.append(1))
    graph.spin_for(0.05)
    assert calls == []
    guard.trigger()
    graph.spin_until(lambda: calls, 'it ran')
    graph.spin_for(0.05)
    assert calls == [1]


def test_a_guard_condition_wakes_an_executor_that_waits(graph, spinning):
    calls = []
    node = graph.node()
    guard = node.create_guard_condition(lambda: calls.append(time.monotonic()))
    graph.executor.remove_node(node)
    spinning(SingleThreadedExecutor(context=graph.context), node)
    time.sleep(0.1)
    triggered = time.monotonic()
    guard.trigger()
    wait_for(lambda: calls, 'it ran')
    assert calls[0] - triggered < 1.0


def test_what_is_created_while_the_executor_waits_is_served(graph, spinning):
    node, fired, received = graph.node(), [], []
    graph.executor.remove_node(node)
    spinning(SingleThreadedExecutor(context=graph.context), node)
    time.sleep(0.05)
    topic = graph.name('topic')
    publisher = node.create_publisher(String, topic, 1)
    node.create_subscription(String, topic, received.append, 1)
    node.create_timer(0.02, lambda: fired.append(1))
    wait_for(lambda: publisher.get_subscription_count() == 1, 'matched')
    publisher.publish(String())
    wait_for(lambda: fired and received, 'both were served')


def overlap_of(graph, spinning, group, threads=4):
    """Return how many callbacks of one group ran at the same time."""
    node, lock = graph.node(), threading.Lock()
    running, most, calls = 0, 0, 0

    def work():
        nonlocal running, most, calls
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.03)
        with lock:
            running -= 1
            calls += 1

    for _ in range(3):
        node.create_timer(0.01, work, callback_group=group)
    graph.executor.remove_node(node)
    spinning(MultiThreadedExecutor(num_threads=threads, context=graph.context), node)
    wait_for(lambda: calls >= 9, 'nine callbacks ran')
    return most


def test_callbacks_of_a_mutually_exclusive_group_run_one_at_a_time(graph, spinning):
    assert overlap_of(graph, spinning, MutuallyExclusiveCallbackGroup()) == 1


def test_callbacks_of_the_default_group_run_one_at_a_time(graph, spinning):
    assert overlap_of(graph, spinning, None) == 1


def test_callbacks_of_a_reentrant_group_run_at_the_same_time(graph, spinning):
    assert overlap_of(graph, spinning, ReentrantCallbackGroup()) > 1


def test_one_thread_runs_even_a_reentrant_group_one_at_a_time(graph, spinning):
    with pytest.warns(UserWarning, match='MultiThreadedExecutor'):
        assert overlap_of(graph, spinning, ReentrantCallbackGroup(), threads=1) == 1


def test_groups_run_beside_each_other(graph, spinning):
    node, met = graph.node(), threading.Barrier(2, timeout=10)
    passed = []

    def meet():
        met.wait()
        passed.append(1)

    for _ in range(2):
        node.create_timer(0.01, meet, callback_group=MutuallyExclusiveCallbackGroup())
    graph.executor.remove_node(node)
    spinning(MultiThreadedExecutor(num_threads=2, context=graph.context), node)
    wait_for(lambda: len(passed) >= 2, 'both met')


def test_an_executor_needs_a_thread(graph):
    with pytest.raises(ValueError, match='max_workers must be greater than 0'):
        MultiThreadedExecutor(num_threads=0, context=graph.context)


def test_a_node_moves_to_the_executor_that_takes_it(graph):
    node = graph.node()
    assert graph.executor.add_node(node) is False
    second = SingleThreadedExecutor(context=graph.context)
    assert second.add_node(node) is True
    assert (graph.executor.get_nodes(), second.get_nodes()) == ([], [node])
    assert node.executor is second
    second.remove_node(node)
    assert second.get_nodes() == []
    second.shutdown()


def test_spin_returns_when_the_executor_is_shut_down(graph):
    executor = SingleThreadedExecutor(context=graph.context)
    executor.add_node(graph.node())
    thread = threading.Thread(target=executor.spin)
    thread.start()
    assert executor.shutdown(timeout_sec=10) is True
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_spin_ends_when_the_context_is_shut_down(graph):
    executor = SingleThreadedExecutor(context=graph.context)
    executor.add_node(graph.node())
    threading.Timer(0.1, graph.context.try_shutdown).start()
    try:
        executor.spin()
    except ExternalShutdownException:
        pass
    assert not graph.context.ok()


def test_the_callbacks_on_shutdown_run_when_the_context_goes(graph):
    calls = []
    graph.context.on_shutdown(lambda: calls.append(1))
    assert calls == []
    graph.context.try_shutdown()
    assert calls == [1]


def test_spin_until_future_complete_returns_at_the_result_or_the_timeout(graph):
    node, future = graph.node(), Future()
    before = time.monotonic()
    graph.executor.spin_until_future_complete(future, timeout_sec=0.1)
    assert not future.done()
    assert 0.1 <= time.monotonic() - before < 2.0
    node.create_timer(0.02, lambda: future.done() or future.set_result('late'))
    graph.executor.spin_until_future_complete(future, timeout_sec=10)
    assert future.result() == 'late'


def test_a_task_runs_in_the_executor_and_its_result_is_a_future(graph):
    graph.node()
    task = graph.executor.create_task(lambda a, b: a + b, 2, b=3)
    assert not task.done()
    assert graph.result(task) == 5


def test_a_coroutine_task_awaits_a_future(graph):
    graph.node()
    future = Future()

    async def wait():
        return 'got ' + await future

    task = graph.executor.create_task(wait)
    graph.spin_for(0.05)
    assert not task.done()
    future.set_result('it')
    assert graph.result(task) == 'got it'


def test_a_future_keeps_its_result_its_exception_and_its_callbacks():
    future, seen = Future(), []
    assert (future.done(), future.result(), future.exception()) == (False, None, None)
    future.add_done_callback(lambda done: seen.append(done.result()))
    future.set_result(5)
    assert (future.done(), future.result(), seen) == (True, 5, [5])
    future.add_done_callback(lambda done: seen.append('at once'))
    assert seen == [5, 'at once']
    failed = Future()
    failed.set_exception(ValueError('v'))
    with pytest.raises(ValueError, match='v'):
        failed.result()
    cancelled = Future()
    cancelled.cancel()
    assert (cancelled.cancelled(), cancelled.done()) == (True, False)


def test_a_destroyed_node_is_gone_from_the_graph_and_cannot_be_used(graph):
    node, other = graph.node(), graph.node()
    name = node.get_name()
    graph.spin_until(lambda: name in other.get_node_names(), 'it was seen')
    node.destroy_node()
    node.destroy_node()
    with pytest.raises(RuntimeError, match='destruction was requested'):
        node.get_name()
    with pytest.raises(RuntimeError, match='destruction was requested'):
        node.create_publisher(String, 'x', 1)
    graph.spin_until(lambda: name not in other.get_node_names(), 'it was gone')


def test_a_rate_sleeps_until_the_next_period(graph, spinning):
    node = graph.node()
    graph.executor.remove_node(node)
    spinning(SingleThreadedExecutor(context=graph.context), node)
    rate = node.create_rate(20)
    rate.sleep()
    before = time.monotonic()
    for _ in range(4):
        rate.sleep()
    assert 0.1 < time.monotonic() - before < 2.0
    node.destroy_rate(rate)


@pytest.mark.parametrize('frequency', [0, -1])
def test_a_rate_needs_a_positive_frequency(graph, frequency):
    with pytest.raises(ValueError, match='frequency must be > 0'):
        graph.node().create_rate(frequency)
