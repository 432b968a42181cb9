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
"""Damaged messages from another process, sent to every kind of reader."""

import os
import re

import fuzz_cdr
import pytest
import rclpy
from rclpy.context import Context

COUNT = 40


@pytest.fixture
def fuzzer():
    context = Context()
    rclpy.init(args=[], context=context, domain_id=int(os.environ['ROS_DOMAIN_ID']) + 4)
    made = fuzz_cdr.Fuzzer(context, COUNT, seed=3)
    yield made
    made.close()
    rclpy.shutdown(context=context)


def test_each_is_counted_and_said_and_nothing_is_kept(fuzzer, capfd):
    results = list(fuzzer.run())
    assert len(results) == len(fuzz_cdr.TOPICS) + 2 * len(fuzz_cdr.SERVICES) + 1
    assert [result for result in results if not result.is_right] == []
    assert all(result.sent == COUNT and result.counted for result in results)
    assert sum(result.delivered for result in results) > 0
    # Of what the types and their readers need once, little is left from type to type.
    assert sum(result.more_kib for result in results) < 8 * 1024
    said = re.findall(r'malformed (?:service |client )?message on /fuzz \((\d+) in all\)',
                      capfd.readouterr().err)
    counted = [str(result.counted) for result in results if result.type != fuzz_cdr.NODES]
    assert said == [number for number in counted if number != '1']


def test_who_poses_as_another_does_not_grow_the_graph(fuzzer):
    graph = fuzzer._node.context.graph
    assert fuzzer.graph().is_right
    for _ in range(3):
        graph.refresh()
    assert fuzzer._node.get_node_names() == ['damaged']
    assert len(graph._nodes) <= 2
