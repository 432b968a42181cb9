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

"""What each verb of `ros2 service` does."""

import argparse
import time
from typing import Any

import rclpy
import yaml
from rclpy.exceptions import InvalidServiceNameException
from ros2cli.graph import GraphNode, visible
from rosidl_runtime_py import set_message_fields
from rosidl_runtime_py.utilities import get_service


def list_services(args: argparse.Namespace) -> None:
    """Print the services of the graph."""
    with GraphNode(args) as graph:
        graph.settle()
        services = visible(graph.node.get_service_names_and_types(), args.include_hidden_services)
    if args.count_services:
        print(len(services))
        return
    for name, types in services:
        print(f'{name} [{", ".join(types)}]' if args.show_types else name)


def find(args: argparse.Namespace) -> None:
    """Print the services of one type."""
    with GraphNode(args) as graph:
        graph.settle()
        services = visible(graph.node.get_service_names_and_types(), args.include_hidden_services)
    names = [name for name, types in services if args.service_type in types]
    if args.count_services:
        print(len(names))
        return
    for name in names:
        print(name)


def _types_of(graph: GraphNode, service_name: str) -> list[str]:
    return dict(graph.node.get_service_names_and_types()).get(service_name, [])


def print_type(args: argparse.Namespace) -> int:
    """Print the types of a service; the status is 1 where the service is unknown."""
    with GraphNode(args) as graph:
        types = graph.wait_until(lambda: _types_of(graph, args.service_name))
    for name in types:
        print(name)
    return 0 if types else 1


def info(args: argparse.Namespace) -> str | None:
    """Print type and numbers of clients and servers of a service."""
    with GraphNode(args) as graph:
        graph.settle()
        types = _types_of(graph, args.service_name)
        if not types:
            return f"Unknown service '{args.service_name}'"
        print('Type:', types[0] if len(types) == 1 else types)
        print('Clients count:', graph.node.count_clients(args.service_name))
        print('Services count:', graph.node.count_services(args.service_name))
    return None


def _request(kind: Any, text: str) -> Any:
    """
    Return the request that YAML text describes.

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
        kind = get_service(args.service_type)
    except (AttributeError, ModuleNotFoundError, ValueError):
        return 'The passed service type is invalid'
    request = _request(kind, args.values)
    with GraphNode(args) as graph:
        try:
            client = graph.node.create_client(kind, args.service_name)
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
