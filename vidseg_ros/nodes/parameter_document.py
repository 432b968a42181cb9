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
Write ``docs/parameters.md`` from the table of parameters.

``python3 -m vidseg_ros.nodes.parameter_document > docs/parameters.md``
"""

from __future__ import annotations

from vidseg_ros.nodes.parameters import TABLE, Effect, Parameter

_INTRODUCTION = """\
# Parameters of segmentation_node

<!-- Made by `python3 -m vidseg_ros.nodes.parameter_document`; do not edit. -->

Every parameter can be set at the start, by a file (see `config/`) or `-p name:=value`, and all
but those marked *read only* also while the node runs, by `ros2 param set`. A value that is
impossible is refused with a reason and changes nothing.

What is set is applied between two frames, and what is set by one call of
`set_parameters_atomically` is applied together. Where the method has to be built anew, the
running one goes on until the new one is ready. If it can't be built, the old one stays, the
reason is logged and shown in `/diagnostics`, and the parameters go back to the values of the
running one.

Quality of service is in parameters, too: `qos_overrides.<full topic>.publisher.<policy>` and
`qos_overrides.<full topic>.subscription.<policy>`, with the policies history, depth and
reliability; they can only be given at the start, and go before `image_qos_*`.
"""

_SECTIONS = {
    Effect.CAMERAS: 'Cameras and how frames are taken',
    Effect.SEGMENTER: 'The method',
    Effect.PIPELINE: 'The pipeline',
    Effect.OUTPUT: 'Outputs and diagnostics',
    Effect.NONE: 'The node',
}


def _value(value: object) -> str:
    if isinstance(value, bool):
        return f'`{str(value).lower()}`'
    if isinstance(value, list):
        return '`[' + ', '.join(value) + ']`'
    return f'`{value}`' if value != '' else '`""`'


def _row(parameter: Parameter) -> str:
    name = f'`{parameter.name}`' + (' *read only*' if parameter.read_only else '')
    # What there is of these depends on what is installed.
    values = {'method': 'an installed method', 'engine': '`auto` or an installed engine',
              'network': 'see `vidseg inspect`'}.get(
        parameter.name, parameter.constraints)
    return (f'| {name} | {parameter.type_name} | {_value(parameter.default)} | {values} '
            f'| {parameter.description} |')


def document() -> str:
    """Return the document."""
    parts = [_INTRODUCTION]
    for effect, title in _SECTIONS.items():
        rows = [_row(parameter) for parameter in TABLE if parameter.effect is effect]
        parts.append(f'\n## {title}\n\nA change applies: {effect.value}.\n\n'
                     '| name | type | default | values | meaning |\n|---|---|---|---|---|\n'
                     + '\n'.join(rows) + '\n')
    return ''.join(parts)


if __name__ == '__main__':
    print(document(), end='')
