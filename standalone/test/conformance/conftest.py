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

"""What the conformance tests share: a ROS graph of their own for each test."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Read when the first context is initialised. The same files run under a sourced ROS 2, where
# other sessions may be on the network: stay on the loopback, in a domain of this process.
os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
os.environ['RCUTILS_COLORIZED_OUTPUT'] = '0'

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node

PATIENCE_S = 15.0


class Graph:
    """Nodes in a context of their own, and an executor that runs them in the test's thread."""

    _counter = itertools.count()

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(args=[], context=self.context)
        self.executor: Executor = SingleThreadedExecutor(context=self.context)
        self.nodes: list[Node] = []

    def name(self, stem: str = 'thing') -> str:
        """Return a name that no other test uses."""
        return f'{stem}_{os.getpid()}_{next(self._counter)}'

    def node(
        self, name: str | None = None, kind: Callable[..., Any] = Node, **options: Any
    ) -> Any:
        """Return a new node that the executor runs."""
        options.setdefault('use_global_arguments', False)
        node = kind(name or self.name('node'), context=self.context, **options)
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def spin_until(self, condition: Callable[[], Any], what: str = 'it happened') -> None:
        """Run callbacks until `condition` is true; fail the test after a generous time."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f'waited {PATIENCE_S} s in vain until {what}'
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        """Run callbacks for a while, to see that nothing happens."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.02)

    def result(self, future: Any) -> Any:
        """Run callbacks until a future is done and return its result."""
        self.spin_until(future.done, 'the future was done')
        return future.result()

    def call(self, client: Any, request: Any) -> Any:
        """Call a service once it is there and return its response."""
        self.spin_until(client.service_is_ready, f'{client.srv_name} was ready')
        return self.result(client.call_async(request))

    def close(self) -> None:
        self.executor.shutdown(timeout_sec=5)
        for node in self.nodes:
            node.destroy_node()
        rclpy.try_shutdown(context=self.context)


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Give a test its own context, executor and nodes."""
    graph = Graph()
    yield graph
    graph.close()


class Pair:
    """A publisher, a subscription and what arrived."""

    def __init__(self, graph: Graph, kind: Any, pub_qos: Any, sub_qos: Any, **sub_options: Any):
        self.topic = graph.name('topic')
        self.received: list[Any] = []
        self.talker, self.listener = graph.node(), graph.node()
        self.publisher = self.talker.create_publisher(kind, self.topic, pub_qos)
        self.subscription = self.listener.create_subscription(
            kind, self.topic, self.received.append, sub_qos, **sub_options
        )
        self._graph = graph

    def wait_matched(self) -> None:
        self._graph.spin_until(
            lambda: (
                self.publisher.get_subscription_count() == 1
                and self.subscription.get_publisher_count() == 1
            ),
            'publisher and subscription knew each other',
        )


@pytest.fixture
def pair(graph: Graph) -> Callable[..., Pair]:
    """Give a function that makes a publisher and a subscription of one topic."""
    return lambda *args, **options: Pair(graph, *args, **options)


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs Python source as a process and returns how it ended."""

    def run(
        source: str, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        script = tmp_path / 'script.py'
        script.write_text(source)
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            check=False,
        )

    return run


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts Python source as a process; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str) -> subprocess.Popen[str]:
        script = tmp_path / f'script_{len(started)}.py'
        script.write_text(source)
        process = subprocess.Popen(
            [sys.executable, '-u', str(script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
