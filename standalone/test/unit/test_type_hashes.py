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
"""REP-2016 hashes of every interface of the packages that Jazzy installs."""

import json
from pathlib import Path

import pytest
from standalone_ros import interfaces, structures, typehash

HASHES = json.loads((Path(__file__).parent / 'data' / 'type_hashes.json').read_text())


@pytest.mark.parametrize('package', sorted({name.split('/')[0] for name in HASHES}))
def test_hashes(package):
    wanted = {name: value for name, value in HASHES.items() if name.split('/')[0] == package}
    made = {name: interfaces.type_hash(interfaces.get_class(name)) for name in wanted}
    assert made == wanted


def test_every_interface_has_a_class_and_a_hash():
    for name in interfaces.interface_names():
        cls = interfaces.get_class(name)
        assert interfaces.type_name(cls) == name
        assert interfaces.type_hash(cls).startswith('RIHS01_')


def test_names_on_dds():
    image = interfaces.get_class('sensor_msgs/msg/Image')
    request = interfaces.get_class('std_srvs/srv/SetBool').Request
    assert interfaces.dds_type_name(image) == 'sensor_msgs::msg::dds_::Image_'
    assert interfaces.dds_type_name(request) == 'std_srvs::srv::dds_::SetBool_Request_'


def test_unknown_names():
    for name in ('std_msgs/msg/Nope', 'nope/msg/X', 'std_srvs/srv/Nope_Request', 'a', ''):
        with pytest.raises(interfaces.UnknownInterfaceError):
            interfaces.get_class(name)


def test_definition_texts_give_the_same_hash():
    """What bags keep of a type can be parsed back into that type."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    for name in ('sensor_msgs/msg/CameraInfo', 'rcl_interfaces/msg/ParameterEvent',
                 'vision_msgs/msg/LabelInfo', 'diagnostic_msgs/msg/DiagnosticArray'):
        store = get_typestore(Stores.EMPTY)
        store.register(get_types_from_msg(structures.definition_text(name), name))
        assert store.hash_rihs01(name) == typehash.type_hash(name)
