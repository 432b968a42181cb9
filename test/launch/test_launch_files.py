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
from pathlib import Path

import pytest
import yaml
from launch import LaunchContext
from launch.launch_description_sources import get_launch_description_from_python_launch_file

from vidseg_ros.nodes.launch_description import ARGUMENTS
from vidseg_ros.nodes.parameters import BY_NAME, refusal

ROOT = Path(__file__).parents[2]
METHODS = ['dvsnet', 'evs', 'fassvid', 'lernet_tha', 'per_frame', 'temporal_unet']


def flat(values, prefix=''):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f'{prefix}{name}.')
        else:
            yield prefix + name, value


@pytest.mark.parametrize('method', METHODS)
def test_parameter_files_hold_possible_values_only(method):
    content = yaml.safe_load((ROOT / f'config/{method}.param.yaml').read_text())
    values = dict(flat(content['/**']['ros__parameters']))
    assert values['method'] == method
    assert set(values) <= set(BY_NAME)
    assert refusal(values) == ''
    for name, value in values.items():
        assert type(value) is type(BY_NAME[name].default), name


@pytest.mark.parametrize('method', METHODS)
def test_launch_files_describe_their_arguments(method):
    description = get_launch_description_from_python_launch_file(
        str(ROOT / f'launch/{method}.launch.py'))
    arguments = {argument.name: argument for argument in description.get_launch_arguments()}
    assert list(arguments) == [name for name, _, _ in ARGUMENTS]
    for argument in arguments.values():
        assert argument.description.endswith('.')
        assert argument.default_value is not None
    assert f'config/{method}.param.yaml' in arguments['params_file'].description


@pytest.mark.parametrize(('given', 'message'), [
    ({'params_file': '/nowhere.yaml'}, "there is no parameter file '/nowhere.yaml'"),
    ({'rviz': 'perhaps'}, "rviz:= is true or false, not 'perhaps'"),
])
def test_impossible_arguments_are_refused(given, message):
    description = get_launch_description_from_python_launch_file(
        str(ROOT / 'launch/fassvid.launch.py'))
    context = LaunchContext()
    context.launch_configurations.update({name: default for name, default, _ in ARGUMENTS})
    context.launch_configurations.update(given)
    with pytest.raises(RuntimeError, match=message):
        for entity in description.entities:
            entity.visit(context)


@pytest.mark.parametrize(('given', 'count'), [({}, 1), ({'rviz': 'true'}, 2)])
def test_rviz_is_started_on_demand(given, count):
    description = get_launch_description_from_python_launch_file(
        str(ROOT / 'launch/fassvid.launch.py'))
    context = LaunchContext()
    context.launch_configurations.update({name: default for name, default, _ in ARGUMENTS})
    context.launch_configurations.update(given, cameras='left, right', namespace='robot')
    nodes = description.entities[-1].visit(context)
    assert len(nodes) == count


def test_rviz_shows_topics_that_there_are():
    content = yaml.safe_load((ROOT / 'rviz/vidseg.rviz').read_text())
    topics = {display['Topic']['Value']
              for display in content['Visualization Manager']['Displays']}
    assert topics == {'/camera/front/image_raw', '/camera/front/segmentation/overlay',
                      '/camera/front/segmentation/confidence'}
