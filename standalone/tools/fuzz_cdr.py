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
"""
Send damaged messages to every kind of reader and see that each is counted and nothing is kept.

    python standalone/tools/fuzz_cdr.py --count 10000

A second process, which only writes bytes to DDS as a hostile peer would, fills messages with
random values, damages what they serialise to, and sends it to real subscriptions, servers and
clients of this one. Each payload must end either in a callback or in the endpoint's count of
malformed messages, and the two together must be what was sent.

One kind of damage is left out: packets whose encapsulation is none that DDS knows are refused,
and logged, by Cyclone DDS itself, and a reliable writer repeats such a packet for ever.
"""

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import rclpy
from random_messages import fill
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile
from rosidl_runtime_py.utilities import get_interface, get_message, get_service
from standalone_ros import cdr, interfaces
from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.writer import RawWriter

TOPICS = (
    'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/CameraInfo',
    'vision_msgs/msg/LabelInfo', 'diagnostic_msgs/msg/DiagnosticArray',
    'statistics_msgs/msg/MetricsMessage', 'rosgraph_msgs/msg/Clock', 'tf2_msgs/msg/TFMessage',
    'rcl_interfaces/msg/ParameterEvent', 'rcl_interfaces/msg/Log',
    'lifecycle_msgs/msg/TransitionEvent', 'std_msgs/msg/String')
SERVICES = (
    *(f'rcl_interfaces/srv/{name}' for name in (
        'DescribeParameters', 'GetParameterTypes', 'GetParameters', 'ListParameters',
        'SetParameters', 'SetParametersAtomically', 'GetLoggerLevels', 'SetLoggerLevels')),
    *(f'lifecycle_msgs/srv/{name}' for name in (
        'ChangeState', 'GetState', 'GetAvailableStates', 'GetAvailableTransitions')),
    'type_description_interfaces/srv/GetTypeDescription', 'std_srvs/srv/Trigger',
    'std_srvs/srv/SetBool')
NODES = 'rmw_dds_common/msg/ParticipantEntitiesInfo'
PROFILE = QoSProfile(history=HistoryPolicy.KEEP_ALL)
_ENCAPSULATION_SIZE = 4
# Those that pass DDS, which writes the even ones as these.
_ENCAPSULATIONS = (1, 3, 7, 9)
_REQUEST_HEADER = struct.Struct('<Qq')
_DIFFERENT_MESSAGES = 50
_PATIENCE_S = 30.0


class Target(NamedTuple):
    """A DDS topic to write to, its type, and the client whose replies these are to be."""

    topic: str
    type: str
    client: int | None = None


class Result(NamedTuple):
    """What became of the payloads for one kind of reader."""

    type: str
    sent: int
    delivered: int
    counted: int
    more_kib: int

    @property
    def is_right(self) -> bool:
        return self.delivered + self.counted == self.sent


def damage(rng: random.Random, data: bytes) -> bytes:
    """Return `data` cut short, with bytes changed, with a huge length, longer, or just noise."""
    made = bytearray(data)
    kind = rng.randrange(5)
    if kind == 0:
        del made[rng.randrange(_ENCAPSULATION_SIZE, len(made) + 1):]
    elif kind == 1:
        for _ in range(rng.randrange(1, 9)):
            made[rng.randrange(len(made))] = rng.randrange(256)
    elif kind == 2:
        start = rng.randrange(_ENCAPSULATION_SIZE, len(made) + 1)
        made[start:start + 4] = rng.choice((b'\xff\xff\xff\xff', b'\xff\xff\xff\x7f', b'\0\0\1\0'))
    elif kind == 3:
        start = rng.randrange(_ENCAPSULATION_SIZE, len(made) + 1)
        made[start:start] = rng.randbytes(rng.randrange(1, 40))
    else:
        made[_ENCAPSULATION_SIZE:] = rng.randbytes(rng.randrange(200))
    if made[1] not in _ENCAPSULATIONS:
        made[1] = rng.choice(_ENCAPSULATIONS)
    return bytes(made)


def payloads(target: Target, count: int, seed: int) -> Iterator[bytes]:
    """Return damaged messages of a target's type."""
    rng = random.Random(f'{seed} {target.type}')
    cls = get_interface(target.type)
    whole = [cdr.serialize(fill(rng, cls)) for _ in range(_DIFFERENT_MESSAGES)]
    for number in range(count):
        data = damage(rng, rng.choice(whole))
        if '/srv/' in target.type:
            header = _REQUEST_HEADER.pack(target.client or rng.getrandbits(64), number)
            data = data[:_ENCAPSULATION_SIZE] + header + data[_ENCAPSULATION_SIZE:]
        yield data


def send(domain_id: int, count: int, seed: int) -> None:
    """Write to the targets named on standard input, a line of JSON each."""
    participant = Participant(domain_id, '/')
    for line in sys.stdin:
        target = Target(**json.loads(line))
        profile = PROFILE
        if target.type == NODES:
            profile = QoSProfile(history=HistoryPolicy.KEEP_ALL, durability=1)
        writer = RawWriter(
            participant, target.topic, interfaces.dds_type_name(get_interface(target.type)),
            qos_map.to_dds(profile))
        while not writer.matched_readers():
            time.sleep(0.005)
        bad = 0
        for data in payloads(target, count, seed):
            writer.write(data)
            bad += not _is_readable(data, target)
        writer.wait_for_acks(int(_PATIENCE_S * 1e9))
        print(bad, flush=True)
        writer.close()


def _is_readable(data: bytes, target: Target) -> bool:
    if len(data) % 4 == 0 and len(data) > _ENCAPSULATION_SIZE:
        # Nothing was filled up, so the header's last bits are as damage left them.
        data = data[:len(data) - (data[3] & 3)]
    if '/srv/' in target.type:
        data = data[:_ENCAPSULATION_SIZE] + data[_ENCAPSULATION_SIZE + _REQUEST_HEADER.size:]
    try:
        cdr.deserialize(data, get_interface(target.type))
    except cdr.CdrError:
        return False
    return True


def _resident_kib() -> int:
    with open('/proc/self/statm', encoding='ascii') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 1024


class Fuzzer:
    """Readers of this process and the process that writes to them."""

    def __init__(self, context: Context, count: int, seed: int) -> None:
        self._count = count
        self._node = Node('damaged', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._peer = subprocess.Popen(
            [sys.executable, __file__, '--send', str(context.get_domain_id()),
             '--count', str(count), '--seed', str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.delivered = 0

    def close(self) -> None:
        self._peer.communicate()
        self._executor.shutdown()
        self._node.destroy_node()

    def _attack(self, target: Target, reader: Any) -> Result:
        """Have the peer send to `reader` (a handle, or a graph's complaints) and see it arrive."""
        assert self._peer.stdin is not None and self._peer.stdout is not None
        self.delivered = 0
        before = _resident_kib()
        counted_before = reader.malformed_count
        self._peer.stdin.write(json.dumps(target._asdict()) + '\n')
        self._peer.stdin.flush()

        def counted() -> int:
            return reader.malformed_count - counted_before

        end = time.monotonic() + _PATIENCE_S
        while self.delivered + counted() < self._count and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.05)
            if target.type == NODES and counted():
                # Which of these were right only their number tells: nobody calls back.
                break
        bad = int(self._peer.stdout.readline())
        if target.type == NODES:
            while counted() < bad and time.monotonic() < end:
                self._executor.spin_once(timeout_sec=0.05)
            self.delivered = self._count - bad
        self._executor.spin_once(timeout_sec=0.01)  # nothing may come twice
        return Result(target.type, self._count, self.delivered, counted(),
                      _resident_kib() - before)

    def _got_it(self, *_: Any) -> Any:
        self.delivered += 1
        return _[-1]

    def topic(self, name: str) -> Result:
        """Attack a subscription."""
        subscription = self._node.create_subscription(
            get_message(name), 'fuzz', self._got_it, PROFILE)
        result = self._attack(Target('rt/fuzz', name), subscription.handle)
        self._node.destroy_subscription(subscription)
        return result

    def server(self, name: str) -> Result:
        """Attack a server."""
        service = self._node.create_service(
            get_service(name), 'fuzz', self._got_it, qos_profile=PROFILE)
        result = self._attack(Target('rq/fuzzRequest', f'{name}_Request'), service.handle)
        self._node.destroy_service(service)
        return result

    def client(self, name: str) -> Result:
        """Attack a client."""
        client = self._node.create_client(get_service(name), 'fuzz', qos_profile=PROFILE)
        handle = client.handle
        take = handle.take_response

        def counting(response_type: Any) -> Any:
            taken = take(response_type)
            self.delivered += taken is not None
            return taken

        handle.take_response = counting
        result = self._attack(
            Target('rr/fuzzReply', f'{name}_Response', handle.identity), handle)
        self._node.destroy_client(client)
        return result

    def graph(self) -> Result:
        """Attack what hears of other nodes."""
        return self._attack(Target('ros_discovery_info', NODES), self._node.context.graph)

    def run(self) -> Iterator[Result]:
        """Attack everything."""
        for name in TOPICS:
            yield self.topic(name)
        for name in SERVICES:
            yield self.server(name)
            yield self.client(name)
        yield self.graph()


def main() -> int:
    """Run as the command line says; 1 when something was not counted."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[1])
    parser.add_argument('--count', type=int, default=10_000, help='payloads for each type')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--send', type=int, metavar='DOMAIN', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send is not None:
        send(options.send, options.count, options.seed)
        return 0
    context = Context()
    rclpy.init(args=[], context=context)
    fuzzer = Fuzzer(context, options.count, options.seed)
    print(f'{"read as":56} {"sent":>6} {"valid":>6} {"counted":>8} {"more memory":>12}')
    wrong, total = 0, 0
    start = _resident_kib()
    try:
        for result in fuzzer.run():
            total += result.sent
            wrong += not result.is_right
            print(f'{result.type:56} {result.sent:6} {result.delivered:6} {result.counted:8} '
                  f'{result.more_kib:8} KiB{"" if result.is_right else "  WRONG"}', flush=True)
    finally:
        fuzzer.close()
        rclpy.shutdown(context=context)
    print(f'{total} payloads, {_resident_kib() - start} KiB more memory, {wrong} types wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
