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
"""The `--ros-args` that a process or a node is started with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from standalone_ros import names, parameter_file
from standalone_ros.parameter_file import ParameterFileError, ParameterMap

_LEVELS = {'UNSET': 0, 'DEBUG': 10, 'INFO': 20, 'WARN': 30, 'ERROR': 40, 'FATAL': 50}
_FLAGS = {
    '--enable-rosout-logs': ('rosout', True), '--disable-rosout-logs': ('rosout', False),
    '--enable-stdout-logs': ('stdout', True), '--disable-stdout-logs': ('stdout', False),
    '--enable-external-lib-logs': ('log_files', True),
    '--disable-external-lib-logs': ('log_files', False)}
_REMAP = re.compile(
    r'(?:(?P<node>[A-Za-z_]\w*):(?!//))?(?P<kind>rostopic://|rosservice://)?'
    r'(?P<match>[^:=]*(?::(?!=)[^:=]*)*):=(?P<replacement>.*)')


class ArgumentError(ValueError):
    """An argument that rcl would refuse, worded as it words it."""


class UnknownArgumentsError(ValueError):
    """There are ROS arguments that do not exist."""


@dataclass(frozen=True)
class RemapRule:
    """One rule: for which node (None: any), what kind of name, from what, to what."""

    node: str | None
    kind: str
    match: str
    replacement: str


@dataclass
class Arguments:
    """
    What was understood.

    `unparsed` is left for the program; `deprecated` was understood but is better put otherwise.
    """

    remaps: list[RemapRule] = field(default_factory=list)
    parameters: ParameterMap = field(default_factory=dict)
    log_levels: dict[str, int] = field(default_factory=dict)
    default_log_level: int | None = None
    enclave: str = '/'
    rosout: bool = True
    stdout: bool = True
    log_files: bool = True
    log_file_name: str | None = None
    unparsed: list[str] = field(default_factory=list)
    deprecated: list[str] = field(default_factory=list)

    def parameters_of(self, fully_qualified_name: str) -> dict[str, Any]:
        """Return the overrides for one node, later ones having won."""
        found: dict[str, Any] = {}
        for pattern, values in self.parameters.items():
            if parameter_file.matches(pattern, fully_qualified_name):
                found.update(values)
        return found


def _remap_rule(flag: str, text: str) -> RemapRule:
    def fail(reason: str) -> ArgumentError:
        return ArgumentError(f"Couldn't parse remap rule: '{flag} {text}'. Error: {reason}")

    parts = _REMAP.fullmatch(text)
    if parts is None:
        raise fail(f'Expected lexeme type (19) not found, search ended at index {len(text)}')
    match, replacement = parts['match'], parts['replacement']
    if not match:
        raise fail('Expecting token or wildcard')
    if '*' in match:
        raise fail("Wildcard '*' is not implemented")
    if match in ('__node', '__name'):
        if names.node_name_fault(replacement):
            raise fail('Expected lexeme type 18')
        return RemapRule(parts['node'], 'node', '', replacement)
    if match == '__ns':
        if names.namespace_fault(replacement):
            raise fail('Expected lexeme type 19')
        return RemapRule(parts['node'], 'namespace', '', replacement)
    if names.topic_fault(match) or names.topic_fault(replacement):
        raise fail('error not set')
    kind = {'rostopic://': 'topic', 'rosservice://': 'service'}.get(parts['kind'], 'any')
    return RemapRule(parts['node'], kind, match, replacement)


def _add_parameter(arguments: Arguments, flag: str, text: str) -> None:
    name, separator, value = text.partition(':=')
    node, colon, parameter = name.rpartition(':')
    pattern = f'/{node}' if colon else '/**'
    try:
        if not separator:
            raise ParameterFileError(
                f'Expected lexeme type (22) not found, search ended at index {len(text)}')
        if '/' in node:
            raise ParameterFileError(f'Expected lexeme type 22, got 5 at index {len(node)}')
        arguments.parameters.setdefault(pattern, {})[parameter] = parameter_file.parse_value(value)
    except ParameterFileError as error:
        raise ArgumentError(
            f"Couldn't parse parameter override rule: '{flag} {text}'. Error: {error}") from None


def _add_parameter_file(arguments: Arguments, path: str) -> None:
    try:
        loaded = parameter_file.load(path)
    except ParameterFileError as error:
        raise ArgumentError(
            f"Couldn't parse params file: '--params-file {path}'. Error: {error}") from None
    for pattern, values in loaded.items():
        arguments.parameters.setdefault(pattern, {}).update(values)


def _add_log_level(arguments: Arguments, text: str) -> None:
    name, separator, level = text.rpartition(':=')
    severity = _LEVELS.get(level.upper())
    if severity is None or (separator and not name):
        raise ArgumentError(f"Couldn't parse log level: '--log-level {text}'. Error: "
                            'Argument does not use a valid severity level')
    if separator:
        arguments.log_levels[name] = severity
    else:
        arguments.default_log_level = severity


def parse(args: Sequence[str]) -> Arguments:
    """
    Split `args` into ROS arguments and the rest.

    Raises ArgumentError and UnknownArgumentsError for what lies between `--ros-args` and `--`
    and is not understood.
    """
    found = Arguments()
    unknown: list[str] = []
    inside = False
    pending = iter(args)
    for arg in pending:
        if arg == '--ros-args':
            inside = True
        elif not inside:
            if ':=' in arg and not arg.startswith('-') and _REMAP.fullmatch(arg):
                found.remaps.append(_remap_rule('', arg))
                found.deprecated.append(arg)
            else:
                found.unparsed.append(arg)
        elif arg == '--':
            inside = False
        elif arg in _FLAGS:
            setattr(found, *_FLAGS[arg])
        elif arg in ('-r', '--remap', '-p', '--param', '--params-file', '--log-level', '-e',
                     '--enclave', '--log-config-file', '--log-file-name'):
            value = next(pending, None)
            if value is None:
                what = 'No file path provided.' if arg == '--params-file' else 'No value provided.'
                raise ArgumentError(f"Couldn't parse trailing {arg} flag. {what}")
            if arg in ('-r', '--remap'):
                found.remaps.append(_remap_rule(arg, value))
            elif arg in ('-p', '--param'):
                _add_parameter(found, arg, value)
            elif arg == '--params-file':
                _add_parameter_file(found, value)
            elif arg == '--log-level':
                _add_log_level(found, value)
            elif arg in ('-e', '--enclave'):
                found.enclave = value
            elif arg == '--log-file-name':
                found.log_file_name = value
        else:
            unknown.append(arg)
    if unknown:
        raise UnknownArgumentsError(str(unknown))
    return found


def remap_identity(rules: Sequence[RemapRule], name: str, namespace: str) -> tuple[str, str]:
    """Return a node's name and namespace after the first rule for each."""
    given = name
    for rule in rules:
        if rule.kind == 'node' and rule.node in (None, given):
            name = rule.replacement
            break
    for rule in rules:
        if rule.kind == 'namespace' and rule.node in (None, given):
            namespace = rule.replacement
            break
    return name, namespace


def remap_name(
    rules: Sequence[RemapRule], full_name: str, node_name: str, namespace: str, *,
    is_service: bool,
) -> str:
    """Return an expanded topic or service name after the first rule that matches it."""
    kinds = ('any', 'service' if is_service else 'topic')
    for rule in rules:
        if (rule.kind in kinds and rule.node in (None, node_name)
                and names.expand(rule.match, node_name, namespace) == full_name):
            return names.expand(rule.replacement, node_name, namespace)
    return full_name
