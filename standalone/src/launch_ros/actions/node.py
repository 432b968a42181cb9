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
"""The action that runs a node."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from tempfile import NamedTemporaryFile
from typing import Any

import launch.logging
import yaml
from launch import LaunchContext, SomeSubstitutionsType
from launch.actions import ExecuteProcess
from launch.substitutions import LocalSubstitution
from launch.utilities import (
    ensure_argument_type,
    normalize_to_list_of_substitutions,
    optional_substitutions,
    perform_substitutions,
)

from ..parameter_descriptions import Parameter, ParameterFile
from ..parameters import (
    evaluate_parameter_dict,
    normalize_parameter_dict,
    prefix_namespace,
    to_rule,
)
from ..substitutions import ExecutableInPackage

_logger = launch.logging.get_logger('launch_ros.actions.node')


class Node(ExecuteProcess):
    """Run a node, its name, namespace, parameters and remaps given as ROS arguments.

    :param executable: an executable of the package, or a path where no package is given.
    :param namespace: absolute, or relative to what PushRosNamespace has set.
    :param exec_name: the label in the output; the executable's name by default.
    :param parameters: dictionaries, paths of YAML files, ParameterFile, Parameter; later ones win.
    :param remappings: pairs (from, to).
    :param arguments: more arguments, after which come ``ros_arguments``.

    Further keyword arguments are those of ExecuteProcess.
    """

    UNSPECIFIED_NODE_NAME = '<node_name_unspecified>'
    UNSPECIFIED_NODE_NAMESPACE = '<node_namespace_unspecified>'

    def __init__(
        self, *, executable: SomeSubstitutionsType, package: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None, namespace: SomeSubstitutionsType | None = None,
        exec_name: SomeSubstitutionsType | None = None, parameters: list | None = None,
        remappings: Iterable[tuple] | None = None,
        ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None, **kwargs: Any,
    ) -> None:
        cmd: list[Any] = [executable if package is None else
                          ExecutableInPackage(package=package, executable=executable)]
        cmd += arguments or ()
        if ros_arguments is not None:
            cmd += ['--ros-args', *ros_arguments]
        cmd.append('--ros-args')
        if name is not None:
            cmd += ['-r', LocalSubstitution("ros_specific_arguments['name']",
                                            description='node name')]
        if parameters is not None:
            ensure_argument_type(parameters, (list,), 'parameters', 'Node')
        super().__init__(cmd=cmd, name=exec_name, **kwargs)
        self.node_package, self.node_executable = package, executable
        self.__given = (f'package={package}, executable={executable}, name={name}, '
                        f'namespace={namespace}')
        self.__node_base_name = optional_substitutions(name)
        self.__namespace = optional_substitutions(namespace)
        self.__parameters = [
            normalize_parameter_dict(item) if isinstance(item, Mapping)
            else item if isinstance(item, (Parameter, ParameterFile)) else ParameterFile(item)
            for item in parameters or ()]
        self.__remappings = []
        for rule in remappings or ():
            ensure_argument_type(rule, (tuple, list), 'remap_rule')
            if len(rule) != 2:
                raise TypeError(
                    f'remap_rule must be a tuple of length 2, got length {len(rule)}')
            self.__remappings.append(tuple(normalize_to_list_of_substitutions(x) for x in rule))
        self.__node_name: str | None = None
        self.__ros_specific_arguments: dict[str, str] = {}
        self.__temporary_files: list[str] = []
        self.expanded_node_namespace = self.UNSPECIFIED_NODE_NAMESPACE
        self.expanded_remapping_rules: list[tuple[str, str]] | None = None

    @property
    def node_name(self) -> str:
        """Give the full name; with placeholders for what is left to the executable."""
        if self.__node_name is None:
            raise RuntimeError("cannot access 'node_name' before executing action")
        return self.__node_name

    def is_node_name_fully_specified(self) -> bool:
        return (self.UNSPECIFIED_NODE_NAME not in self.node_name
                and self.UNSPECIFIED_NODE_NAMESPACE not in self.node_name)

    def _perform_substitutions(self, context: LaunchContext) -> None:
        if self.__node_name is not None:
            return
        try:
            self.__expand_name(context)
        except Exception:
            _logger.error(
                'Error while expanding or validating node name or namespace for '
                f"'{self.__given}':")
            raise
        extension: list[Any] = []
        if 'ns' in self.__ros_specific_arguments:
            extension += ['-r', LocalSubstitution("ros_specific_arguments['ns']")]
        for item in context.launch_configurations.get('global_params') or ():
            extension += ['-p', to_rule(*item)] if isinstance(item, tuple) else [
                '--params-file', os.path.abspath(item)]
        for item in self.__parameters:
            extension += self.__parameter_arguments(item, context)
        rules = [*(context.launch_configurations.get('ros_remaps') or ()), *(
            (perform_substitutions(context, src), perform_substitutions(context, dst))
            for src, dst in self.__remappings)]
        self.expanded_remapping_rules = rules or None
        for src, dst in rules:
            extension += ['-r', f'{src}:={dst}']
        self.cmd.extend(normalize_to_list_of_substitutions(x) for x in extension)

    def __expand_name(self, context: LaunchContext) -> None:
        from rclpy.validate_namespace import validate_namespace
        from rclpy.validate_node_name import validate_node_name

        name = self.UNSPECIFIED_NODE_NAME
        if self.__node_base_name is not None:
            name = perform_substitutions(context, self.__node_base_name)
            validate_node_name(name)
            self.__ros_specific_arguments['name'] = f'__node:={name}'
        namespace = prefix_namespace(
            context.launch_configurations.get('ros_namespace'),
            None if self.__namespace is None else perform_substitutions(context, self.__namespace))
        if namespace is not None:
            validate_namespace(namespace)
            self.expanded_node_namespace = namespace
            self.__ros_specific_arguments['ns'] = f'__ns:={namespace}'
        self.__node_name = f'{self.expanded_node_namespace.rstrip("/")}/{name}'

    def __parameter_arguments(self, item: Any, context: LaunchContext) -> list[str]:
        if isinstance(item, Parameter):
            return ['-p', to_rule(*item.evaluate(context))]
        path = str(item.evaluate(context)) if isinstance(item, ParameterFile) else (
            self.__write_parameters(evaluate_parameter_dict(context, item)))
        if not os.path.isfile(path):
            _logger.warning(f'Parameter file path is not a file: {path}')
            return []
        return ['--params-file', path]

    def __write_parameters(self, parameters: dict[str, Any]) -> str:
        name = self.node_name if self.is_node_name_fully_specified() else '/**'
        with NamedTemporaryFile('w', prefix='launch_params_', delete=False) as file:
            self.__temporary_files.append(file.name)
            yaml.safe_dump({name: {'ros__parameters': parameters}}, file,
                           default_flow_style=False)
        return file.name

    def __remove_temporary_files(self, *_: Any) -> None:
        while self.__temporary_files:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.__temporary_files.pop())

    def execute(self, context: LaunchContext) -> Any:
        """Start the node's process."""
        try:
            self._perform_substitutions(context)
            context.extend_locals({'ros_specific_arguments': self.__ros_specific_arguments})
            entities = super().execute(context)
        except BaseException:
            self.__remove_temporary_files()
            raise
        completed = self.get_asyncio_future()
        if completed is None:
            self.__remove_temporary_files()
        else:
            completed.add_done_callback(self.__remove_temporary_files)
        if self.is_node_name_fully_specified():
            names = context.get_locals_as_dict().get('unique_ros_node_names', {})
            context.extend_globals({'unique_ros_node_names': names})
            names[self.node_name] = count = names.get(self.node_name, 0) + 1
            if count > 1:
                launch.logging.get_logger(self.name).warning(
                    f'there are now at least {count} nodes with the name {self.node_name} '
                    'created within this launch context')
        return entities
