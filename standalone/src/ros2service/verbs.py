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
"""`ros2 service`."""

import argparse
import time
from typing import Any

import rclpy
import yaml
from rclpy.exceptions import InvalidServiceNameException
from ros2cli.graph import GraphNode
from ros2cli.names import Names
from ros2cli.options import DIRECT, GRAPH, hidden
from ros2cli.verbs import Verb, add_verbs, option, positive_float
from rosidl_runtime_py import set_message_fields
from rosidl_runtime_py.utilities import get_service

NAMES = Names('service', lambda node: node.get_service_names_and_types())


def info(args: argparse.Namespace) -> str | None:
    """Print type and numbers of clients and servers of a service."""
    with GraphNode(args) as graph:
        graph.settle()
        types = NAMES.types_of(graph, args.name)
        if not types:
            return f"Unknown service '{args.name}'"
        print('Type:', types[0] if len(types) == 1 else types)
        print('Clients count:', graph.node.count_clients(args.name))
        print('Services count:', graph.node.count_services(args.name))
    return None


def _request(kind: Any, text: str) -> Any:
    """Return the request that YAML text describes.

    :raises RuntimeError: the text is no dictionary in YAML, or has a field unknown or wrong.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RuntimeError(f'The passed value is not valid YAML: {error}') from None
    if not isinstance(values, dict):
        raise RuntimeError('The passed value needs to be a dictionary in YAML format')
    request = kind.Request()
    try:
        set_message_fields(request, values)
    except Exception as error:
        raise RuntimeError(f'Failed to populate field: {error}') from None
    return request


def call(args: argparse.Namespace) -> str | None:
    """Call a service once, or at a rate until interrupted, and print the responses."""
    try:
        kind = get_service(args.type)
    except (AttributeError, ModuleNotFoundError, ValueError):
        return 'The passed service type is invalid'
    request = _request(kind, args.values)
    with GraphNode(args) as graph:
        try:
            client = graph.node.create_client(kind, args.name)
        except InvalidServiceNameException as error:
            return str(error)
        if not graph.wait_until(client.service_is_ready):
            print('waiting for service to become available...')
            client.wait_for_service()
        while True:
            started = time.monotonic()
            print(f'requester: making request: {request!r}\n')
            future = client.call_async(request)
            rclpy.spin_until_future_complete(graph.node, future)
            if future.exception() is not None:
                return f'Exception while calling service: {future.exception()!r}'
            print(f'response:\n{future.result()!r}\n')
            if args.rate is None:
                return None
            time.sleep(max(0.0, started + 1.0 / args.rate - time.monotonic()))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `ros2 service`."""
    hidden('services')(parser)
    add_verbs(parser, {
        **NAMES.verbs(type_description="Output a service's type"),
        'call': Verb('Call a service', call, (
            *DIRECT, NAMES.name,
            option('type', metavar='service_type',
                   help="Type of the ROS service (e.g. 'std_srvs/srv/SetBool')"),
            option('values', nargs='?', default='{}', help='Values to fill the service request '
                   "with in YAML format (e.g. '{data: true}'), otherwise its default values"),
            option('-r', '--rate', metavar='N', type=positive_float,
                   help='Repeat the call at a specific rate in Hz'))),
        'info': Verb('Print information about a service', info, (*GRAPH, NAMES.name)),
    })
