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

"""`ros2 interface`."""

import argparse
import re
from collections.abc import Iterator
from functools import partial

from ros2cli.names import print_lines
from ros2cli.verbs import Verb, add_verbs, option
from standalone_ros import structures
from standalone_ros.interfaces import UnknownInterfaceError, get_class, interface_names

TITLES = {'msg': 'Messages', 'srv': 'Services', 'action': 'Actions'}
PARTS = {'msg': ('',), 'srv': ('_Request', '_Response'),
         'action': ('_Goal', '_Result', '_Feedback')}
# How a .msg file spells the types that Python's interface spells as in IDL.
MSG_WORDS = {'boolean': 'bool', 'octet': 'byte', 'float': 'float32', 'double': 'float64'}


def _of_kind(kind: str) -> list[str]:
    return [name for name in interface_names() if name.split('/')[1] == kind]


def list_interfaces(args: argparse.Namespace) -> None:
    """Print all interfaces by kind."""
    for kind, title in TITLES.items():
        if not args.kinds or kind in args.kinds:
            print_lines([f'{title}:', *(f'    {name}' for name in _of_kind(kind))])


def list_packages(args: argparse.Namespace) -> None:
    """Print the packages that have interfaces."""
    kinds = args.kinds or list(TITLES)
    print_lines(sorted({name.split('/')[0] for kind in kinds for name in _of_kind(kind)}))


def list_package(args: argparse.Namespace) -> str | None:
    """Print the interfaces of one package."""
    names = [name for name in interface_names() if name.split('/')[0] == args.package_name]
    if not names:
        return f"Unknown package '{args.package_name}'"
    print_lines(names)
    return None


def show(args: argparse.Namespace) -> str | None:
    """Print the definition of an interface, nested messages indented below their field."""
    parts = args.type.split('/')
    if len(parts) == 2:
        parts.insert(1, 'msg')
    if len(parts) != 3 or parts[1] not in PARTS:
        return f"Invalid interface name '{args.type}'. Expected package/kind/Name"
    name = '/'.join(parts)
    try:
        get_class(name)
    except UnknownInterfaceError:
        return f"Unknown interface '{args.type}'"
    for index, part in enumerate(PARTS[parts[1]]):
        if index:
            print('---')
        print_lines(list(_lines(name + part)))
    return None


def _lines(name: str, indent: str = '') -> Iterator[str]:
    structure = structures.structure(name)
    for constant, kind, value in structure.constants:
        yield f'{indent}{_msg_type(str(kind))} {constant}={value}'
    for field, kind in get_class(name).get_fields_and_field_types().items():
        default = structure.defaults.get(field)
        suffix = '' if default is None else f' {str(default).lower()}'
        yield f'{indent}{_msg_type(kind)} {field}{suffix}'
        nested = re.search(r'(\w+)/(\w+)', kind)
        if nested:
            yield from _lines(f'{nested[1]}/msg/{nested[2]}', indent + '\t')


def _msg_type(kind: str) -> str:
    """Return `uint8[]` of `sequence<uint8>`, `string<=3` of `string<3>` and so on."""
    sequence = re.fullmatch(r'sequence<(.+?)(?:, (\d+))?>', kind)
    if sequence:
        bound = f'<={sequence[2]}' if sequence[2] else ''
        return f'{_msg_type(sequence[1])}[{bound}]'
    base, bracket, size = kind.partition('[')
    base = re.sub(r'string<(\d+)>', r'string<=\1', base)
    return MSG_WORDS.get(base, base) + bracket + size


KINDS = tuple(
    option(f'-{kind[0]}', f'--only-{kind}s', dest='kinds', action='append_const', const=kind,
           help=f'Print out only the {noun}')
    for kind, noun in (('msg', 'messages'), ('srv', 'services'), ('action', 'actions')))
add_arguments = partial(add_verbs, verbs={
    'list': Verb('List all interface types available', list_interfaces, KINDS),
    'package': Verb(
        'Output a list of available interface types within one package', list_package,
        (option('package_name', help="Name of the ROS package (e.g. 'std_msgs')"),)),
    'packages': Verb('Output a list of packages that provide interfaces',
                     list_packages, KINDS),
    'show': Verb(
        'Output the interface definition', show,
        (option('type', help="An interface definition (e.g. 'example_interfaces/msg/String')"),)),
})
