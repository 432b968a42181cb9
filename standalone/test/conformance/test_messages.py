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
"""Messages: fields, defaults, checks, CDR, and their texts."""

import array
import copy
import json
import math
import pickle
import signal
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point, Polygon, PoseWithCovariance, Quaternion
from rcl_interfaces.msg import (
    IntegerRange,
    Log,
    ParameterDescriptor,
    ParameterType,
    ParameterValue,
)
from rclpy.serialization import deserialize_message, serialize_message
from rmw_dds_common.msg import Gid, NodeEntitiesInfo
from rosidl_parser.definition import AbstractNestedType, BasicType, NamespacedType
from rosidl_runtime_py import (
    message_to_csv,
    message_to_ordereddict,
    message_to_yaml,
    set_message_fields,
)
from rosidl_runtime_py.utilities import get_interface, get_message, get_service
from sensor_msgs.msg import CameraInfo, Image, NavSatStatus
from std_msgs.msg import (
    Bool,
    Byte,
    ByteMultiArray,
    Char,
    Empty,
    Float32,
    Float32MultiArray,
    Float64,
    Float64MultiArray,
    Header,
    Int8,
    Int32,
    Int64,
    String,
    UInt8,
    UInt64,
)
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import LabelInfo, VisionClass

SAMPLES = json.loads((Path(__file__).parent / 'data' / 'cdr_samples.json').read_text())
DOUBLES = ', '.join(f'{sign}{1.7976931348623157e308:f}' for sign in ('-', ''))
LIST_OF = 'a set or sequence and each value of type'
BYTES = f"{LIST_OF} 'int' and each unsigned integer in [0, 255]"


def class_of(name):
    package, kind, base = name.split('/')
    module = __import__(f'{package}.{kind}', fromlist=[base])
    owner, _, part = base.partition('_')
    return getattr(getattr(module, owner), part) if part else getattr(module, base)


def plain(value):
    """Write a message as the samples do."""
    if hasattr(value, 'get_fields_and_field_types'):
        return {name: plain(getattr(value, name)) for name in value.get_fields_and_field_types()}
    if isinstance(value, bytes):
        return {'bytes_hex': value.hex()}
    if isinstance(value, array.array | np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def made(value, type_):
    """Make a field's value from what the samples say."""
    if isinstance(type_, NamespacedType):
        cls = class_of('/'.join(type_.namespaced_name()))
        fields = cls.get_fields_and_field_types()
        return cls(**{name: made(value[name], field)
                      for name, field in zip(fields, cls.SLOT_TYPES, strict=False)})
    if isinstance(type_, AbstractNestedType):
        return [made(item, type_.value_type) for item in value]
    if isinstance(value, dict):
        return bytes.fromhex(value['bytes_hex'])
    if isinstance(type_, BasicType) and type_.typename in {'float', 'double'}:
        return float(value)
    return value


@pytest.mark.parametrize('name', SAMPLES)
def test_cdr_is_read_and_written_byte_for_byte(name):
    sample = SAMPLES[name]
    cls, data = class_of(sample['type']), bytes.fromhex(sample['cdr'])
    message = deserialize_message(data, cls)
    assert plain(message) == sample['value']
    assert serialize_message(message) == data
    package, kind, base = sample['type'].split('/')
    assert serialize_message(made(sample['value'], NamespacedType([package, kind], base))) == data


@pytest.mark.parametrize(('data', 'cls', 'expected'), [
    (b'\x00\x00\x00\x00\x00\x00\x00\x02a\x00', String, String(data='a')),
    (b'\x00\x01\x00\x00\x02\x00\x00\x00a\x00zzzz', String, String(data='a')),
    (b'\x00\x01\x00\x00\x02', Bool, Bool(data=True)),
    (b'\x00\x01\x00\x00\x02\x00\x00\x00\xff\x00', String, String(data='\ufffd')),
    (b'\x00\x01\x00\x00\x00\x00\x00\x00', String, String(data='')),
])
def test_unusual_cdr_is_read(data, cls, expected):
    assert deserialize_message(data, cls) == expected


@pytest.mark.parametrize('data', [
    b'\x00\x01\x00\x00\x05\x00\x00\x00ab', b'\x00\x07\x00\x00\x02\x00\x00\x00a\x00',
    b'\x00\x01\x00\x00\x01\x00\x00\x00a'])
def test_broken_cdr_is_refused(data):
    with pytest.raises(RuntimeError):
        deserialize_message(data, String)


def test_text_ends_at_its_first_nul():
    assert deserialize_message(serialize_message(String(data='a\0b')), String).data == 'a'
    with pytest.raises(UnicodeEncodeError, match='surrogates not allowed'):
        serialize_message(String(data='\ud800'))


def test_numbers_that_do_not_fit_are_cut():
    assert serialize_message(Int8(data=300)) == b'\x00\x01\x00\x00,'


@pytest.mark.parametrize(('message', 'said'), [
    ('String(data=5)', 'TypeError: bad argument type for built-in operation'),
    ('Header(stamp=5)', "AttributeError: 'int' object has no attribute 'sec'"),
    ('DiagnosticStatus(values=[1])', "AttributeError: 'int' object has no attribute 'key'"),
])
def test_wrong_values_cannot_be_serialised(run_script, message, said):
    # Where the converters of the messages, in C, were built with assertions (as in Debian
    # packages of ROS 2), a wrong type ends the process instead.
    ended = run_script(
        'from diagnostic_msgs.msg import DiagnosticStatus\n'
        'from rclpy.serialization import serialize_message\n'
        'from std_msgs.msg import Header, String\n'
        f'message = {message}\n'
        'try:\n'
        '    serialize_message(message)\n'
        'except Exception as error:\n'
        "    print(f'{type(error).__name__}: {error}')\n")
    if ended.returncode == -signal.SIGABRT:
        assert 'Assertion' in ended.stderr
    else:
        assert ended.stdout == said + '\n'
        assert ended.returncode == 0


@pytest.mark.parametrize(('cls', 'field', 'value', 'words'), [
    (String, 'data', 5, "of type 'str'"),
    (String, 'data', b'x', "of type 'str'"),
    (Bool, 'data', 1, "of type 'bool'"),
    (Bool, 'data', np.True_, "of type 'bool'"),
    (Int8, 'data', 128, 'an integer in [-128, 127]'),
    (Int8, 'data', -129, 'an integer in [-128, 127]'),
    (Int8, 'data', 1.0, "of type 'int'"),
    (UInt8, 'data', -1, 'an unsigned integer in [0, 255]'),
    (UInt8, 'data', 256, 'an unsigned integer in [0, 255]'),
    (Int32, 'data', 2**31, 'an integer in [-2147483648, 2147483647]'),
    (Int32, 'data', np.int32(5), "of type 'int'"),
    (Int64, 'data', 2**63, 'an integer in [-9223372036854775808, 9223372036854775807]'),
    (UInt64, 'data', -1, 'an unsigned integer in [0, 18446744073709551615]'),
    (Float64, 'data', 1, "of type 'float'"),
    (Float32, 'data', 1e39, 'a float in [-3.402823466e+38, 3.402823466e+38]'),
    (Byte, 'data', 5, "of type 'bytes' or 'ByteString' with length 1"),
    (Byte, 'data', b'ab', "of type 'bytes' or 'ByteString' with length 1"),
    (Char, 'data', 'a', "of type 'int'"),
    (Header, 'stamp', Duration(), "a sub message of type 'Time'"),
    (CameraInfo, 'roi', None, "a sub message of type 'RegionOfInterest'"),
    (Image, 'height', -1, 'an unsigned integer in [0, 4294967295]'),
    (Image, 'data', [256], BYTES),
    (Image, 'data', 'abc', BYTES),
    (Image, 'data', None, BYTES),
    (Image, 'data', np.arange(3, dtype=np.uint8), BYTES),
    (CameraInfo, 'd', [1, 2], f"{LIST_OF} 'float' and each double in [{DOUBLES}]"),
    (CameraInfo, 'k', [0] * 9, "a set or sequence with length 9 and each value of type 'float' "
                               f'and each double in [{DOUBLES}]'),
    (DiagnosticStatus, 'values', [1], f"{LIST_OF} 'KeyValue'"),
    (DiagnosticStatus, 'values', KeyValue(), f"{LIST_OF} 'KeyValue'"),
    (Polygon, 'points', [Point()], f"{LIST_OF} 'Point32'"),
    (ParameterValue, 'byte_array_value', b'ab', f"{LIST_OF} 'bytes'"),
    (ParameterValue, 'bool_array_value', [1, 0], f"{LIST_OF} 'bool'"),
    (ParameterValue, 'string_array_value', ['a', 1], f"{LIST_OF} 'str'"),
    (ByteMultiArray, 'data', b'ab', f"{LIST_OF} 'bytes'"),
    (ParameterDescriptor, 'integer_range', [IntegerRange(), IntegerRange()],
     "a set or sequence with length <= 1 and each value of type 'IntegerRange'"),
    (NodeEntitiesInfo, 'node_name', 'x' * 257, 'string value not longer than 256'),
    (Gid, 'data', [1] * 15, "a set or sequence with length 16 and each value of type 'int' and "
                            'each unsigned integer in [0, 255]'),
    (VisionClass, 'class_id', 65536, 'an unsigned integer in [0, 65535]'),
])
def test_a_checked_field_refuses_and_an_unchecked_one_takes_its_word(cls, field, value, words):
    checked = cls(check_fields=True)
    with pytest.raises(AssertionError) as caught:
        setattr(checked, field, value)
    assert str(caught.value) == f"The '{field}' field must be {words}"
    if not isinstance(getattr(checked, field), array.array | np.ndarray):
        unchecked = cls(check_fields=False)
        setattr(unchecked, field, value)
        assert getattr(unchecked, field) is value


@pytest.mark.parametrize(('field', 'value', 'words'), [
    ('data', array.array('b', [1]), "array.array() must have the type code of 'B'"),
    ('k', np.zeros(9, np.float32), "numpy.ndarray() must have the dtype of 'numpy.float64'"),
    ('k', np.zeros(8), 'numpy.ndarray() must have a size of 9')])
def test_checked_arrays(field, value, words):
    message = (Image if field == 'data' else CameraInfo)(check_fields=True)
    with pytest.raises(AssertionError) as caught:
        setattr(message, field, value)
    assert str(caught.value) == f"The '{field}' {words}"


@pytest.mark.parametrize(('value', 'expected'), [
    ([1, 2, 3], [1, 2, 3]), (b'\x01\x02', [1, 2]), (bytearray(b'\x01'), [1]), ((1, 2), [1, 2]),
    ({1, 2}, [1, 2]), (np.arange(3, dtype=np.uint8), [0, 1, 2]), (np.arange(3), [0, 1, 2]),
    (np.arange(6, dtype=np.uint8)[::2], [0, 2, 4]), (np.zeros(0, np.uint8), []),
    (array.array('B', [1]), [1]), (array.array('b', [1]), [1]), (memoryview(b'ab'), [97, 98]),
])
def test_bytes_become_an_array(value, expected):
    message = Image()
    message.data = value
    assert message.data == array.array('B', expected)
    assert message.data is not value


@pytest.mark.parametrize(('value', 'error', 'text'), [
    ([256], OverflowError, 'unsigned byte integer is greater than maximum'),
    ([-1], OverflowError, 'unsigned byte integer is less than minimum'),
    ('abc', TypeError, "cannot use a str to initialize an array with typecode 'B'"),
    (np.zeros((2, 2), np.uint8), TypeError,
     'only integer scalar arrays can be converted to a scalar index'),
    (array.array('d', [1.0]), TypeError, "'float' object cannot be interpreted as an integer"),
    (None, TypeError, "'NoneType' object is not iterable"),
])
def test_what_cannot_become_bytes(value, error, text):
    with pytest.raises(error) as caught:
        Image().data = value
    if not isinstance(value, np.ndarray):
        assert str(caught.value) == text


def test_number_arrays_take_their_element_type():
    info = CameraInfo(d=[1, 2])
    info.k = np.zeros((3, 3), np.float32)
    assert info.d == array.array('d', [1.0, 2.0])
    assert info.k.dtype == np.float64 and info.k.shape == (3, 3)
    assert Float32MultiArray(data=[0.1]).data[0] == np.float32(0.1)
    assert ParameterValue(integer_array_value=[1]).integer_array_value == array.array('q', [1])


def test_defaults():
    info = CameraInfo()
    assert (info.k.tolist(), info.d) == ([0.0] * 9, array.array('d'))
    assert (Quaternion().w, NavSatStatus().status) == (1.0, -2)
    assert ParameterDescriptor.READ_ONLY__DEFAULT is False
    assert Gid().data.dtype == np.uint8
    assert Image().data is not Image().data
    assert Byte().data == b'\x00'
    assert Float32().data == 0.0 and isinstance(Float32().data, float)
    assert [type(getattr(ParameterValue(), name)) for name in (
        'byte_array_value', 'bool_array_value', 'string_array_value')] == [list] * 3


def test_constants_are_read_only():
    assert [DiagnosticStatus.OK, DiagnosticStatus.STALE] == [b'\x00', b'\x03']
    assert DiagnosticStatus().ERROR == b'\x02'
    assert [Log.DEBUG, Log.FATAL] == [10, 50]
    assert ParameterType.PARAMETER_STRING_ARRAY == 9
    with pytest.raises(AttributeError, match="property 'OK' of 'Metaclass_DiagnosticStatus'"):
        DiagnosticStatus.OK = 5
    with pytest.raises(AttributeError, match="object attribute 'OK' is read-only"):
        DiagnosticStatus().OK = 5


def test_constructor_arguments():
    assert String(nope=1) == String()
    with pytest.raises(AssertionError, match='Invalid arguments passed to constructor: nope'):
        String(nope=1, check_fields=True)
    with pytest.raises(TypeError, match='takes 1 positional argument but 2 were given'):
        String('x')
    with pytest.raises(AttributeError, match="'String' object has no attribute 'nope'"):
        String().nope = 1


def test_fields_and_types():
    assert Image.__slots__ == ['_header', '_height', '_width', '_encoding', '_is_bigendian',
                               '_step', '_data', '_check_fields']
    assert dict(Image.get_fields_and_field_types()) == {
        'header': 'std_msgs/Header', 'height': 'uint32', 'width': 'uint32', 'encoding': 'string',
        'is_bigendian': 'uint8', 'step': 'uint32', 'data': 'sequence<uint8>'}
    types = {**CameraInfo.get_fields_and_field_types(),
             **ParameterDescriptor.get_fields_and_field_types(),
             **NodeEntitiesInfo.get_fields_and_field_types(),
             **DiagnosticStatus.get_fields_and_field_types(),
             **Trigger.Event.get_fields_and_field_types()}
    assert types['k'] == 'double[9]'
    assert types['integer_range'] == 'sequence<rcl_interfaces/IntegerRange, 1>'
    assert types['node_name'] == 'string<256>'
    assert types['level'] == 'octet'
    assert types['response'] == 'sequence<std_srvs/Trigger_Response, 1>'
    assert Empty.get_fields_and_field_types() == {}
    assert [type(type_).__name__ for type_ in ParameterDescriptor.SLOT_TYPES] == [
        'UnboundedString', 'BasicType', 'UnboundedString', 'UnboundedString', 'BasicType',
        'BasicType', 'BoundedSequence', 'BoundedSequence']


def test_names_of_classes_and_modules():
    assert Image.__module__ == 'sensor_msgs.msg._image'
    assert (Trigger.Request.__name__, Trigger.Request.__module__) == (
        'Trigger_Request', 'std_srvs.srv._trigger')
    with pytest.raises(NotImplementedError, match='Service classes can not be instantiated'):
        Trigger()
    assert SetBool.Request(data=True).data is True


def test_repr():
    assert repr(Image(height=1, width=2, encoding='mono8', step=2, data=[7, 8])) == (
        "sensor_msgs.msg.Image(header=std_msgs.msg.Header(stamp=builtin_interfaces.msg.Time("
        "sec=0, nanosec=0), frame_id=''), height=1, width=2, encoding='mono8', is_bigendian=0, "
        'step=2, data=[7, 8])')
    assert repr(Float64MultiArray(data=[1.0, math.nan])).endswith('data=[1.0, nan])')
    assert 'k=array([0., 0., 0., 0., 0., 0., 0., 0., 0.])' in repr(CameraInfo())
    assert repr(Byte(data=b'\x01')) == "std_msgs.msg.Byte(data=b'\\x01')"
    assert repr(Trigger.Response(success=True)) == (
        "std_srvs.srv.Trigger_Response(success=True, message='')")


def test_equality():
    image = Image(height=1, width=2, encoding='mono8', step=2, data=[7, 8])
    assert image == Image(height=1, width=2, encoding='mono8', step=2, data=[7, 8])
    assert image != Image()
    assert String() != Bool() and String(data='a') != 'a'
    assert CameraInfo() == CameraInfo()
    assert Float64(data=math.nan) != Float64(data=math.nan)
    with pytest.raises(TypeError, match="unhashable type: 'String'"):
        hash(String())


def test_copies():
    image = Image(data=[7, 8])
    assert copy.copy(image).data is image.data
    assert copy.deepcopy(image) == image
    assert copy.deepcopy(image).data is not image.data
    assert pickle.loads(pickle.dumps(image)) == image


def test_deserialised_arrays_have_the_types_of_fresh_ones():
    info = deserialize_message(serialize_message(CameraInfo()), CameraInfo)
    assert isinstance(info.k, np.ndarray) and isinstance(info.d, array.array)
    info.k[0] = 1.0
    assert isinstance(serialize_message(PoseWithCovariance()), bytes)


STATUS = DiagnosticStatus(level=b'\x02', name='n', message='it\'s "x"',
                          values=[KeyValue(key='k', value='v')])
IMAGE = Image(header=Header(stamp=Time(sec=1048, nanosec=300000000), frame_id='cam'), height=3,
              width=4, encoding='bgr8', step=12, data=range(36))
HEAD = ('header:\n  stamp:\n    sec: 1048\n    nanosec: 300000000\n  frame_id: cam\nheight: 3\n'
        'width: 4\nencoding: bgr8\nis_bigendian: 0\nstep: 12\n')


def test_messages_as_yaml():
    assert message_to_yaml(STATUS) == (
        'level: "\\x02"\nname: n\nmessage: it\'s "x"\nhardware_id: \'\'\nvalues:\n- key: k\n'
        '  value: v\n')
    assert message_to_yaml(IMAGE) == HEAD + 'data:\n' + ''.join(f'- {i}\n' for i in range(36))
    assert message_to_yaml(IMAGE, flow_style=True) == f'{HEAD}data: {list(range(36))}\n'
    assert message_to_yaml(IMAGE, truncate_length=4) == (
        f"{HEAD}data:\n- 0\n- 1\n- 2\n- 3\n- '...'\n")
    assert message_to_yaml(IMAGE, no_arr=True) == (
        f"{HEAD}data: '<sequence type: uint8, length: 36>'\n")
    assert message_to_yaml(IMAGE, no_arr=True, no_str=True) == HEAD.replace(
        'cam', "'<string length: <3>>'").replace('bgr8', "'<string length: <4>>'") + (
        "data: '<sequence type: uint8, length: 36>'\n")
    assert "values: '<sequence type: diagnostic_msgs/msg/KeyValue, length: 1>'" in (
        message_to_yaml(STATUS, no_arr=True))


def test_messages_as_csv_and_dictionary():
    assert message_to_csv(STATUS) == 'b\'\\x02\',n,it\'s "x",,k,v'
    assert message_to_csv(DiagnosticStatus()) == "b'\\x00',,,,"
    info = LabelInfo(class_map=[VisionClass(class_name='person'), VisionClass(class_id=2)],
                     threshold=0.5)
    assert message_to_csv(info) == '0,0,,0,person,2,,0.5'
    assert message_to_ordereddict(STATUS)['values'] == [OrderedDict(key='k', value='v')]


def test_fields_from_dictionaries():
    def filled(message, values):
        set_message_fields(message, values)
        return message

    assert filled(Header(), {'frame_id': 'x', 'stamp': {'sec': 1}}) == Header(
        frame_id='x', stamp=Time(sec=1))
    assert filled(Header(), {'frame_id': 5}).frame_id == '5'
    assert filled(Int32(), {'data': '5'}).data == 5
    assert filled(Image(), {'data': [1, 2]}).data == array.array('B', [1, 2])
    assert filled(CameraInfo(), {'k': [1] * 9}).k.tolist() == [1.0] * 9
    assert filled(DiagnosticStatus(), {'values': [{'key': 'a'}]}).values == [KeyValue(key='a')]
    with pytest.raises(AttributeError, match="'Header' object has no attribute 'nope'"):
        set_message_fields(Header(), {'nope': 1})
    for values in ({'stamp': 5}, 5):
        with pytest.raises(TypeError, match="Value '5' is expected to be a dictionary"):
            set_message_fields(Header(), values)


def test_classes_by_name():
    assert get_message('std_msgs/msg/String') is String
    assert get_message('std_msgs/String') is String
    assert get_service('std_srvs/srv/Trigger') is Trigger
    assert get_interface('std_msgs/msg/String') is String
    with pytest.raises(ValueError, match='Expected the full name of a message, got'):
        get_message('std_srvs/srv/Trigger')
    with pytest.raises(ValueError, match='Expected the full name of a service, got'):
        get_service('std_msgs/msg/String')
    with pytest.raises(ValueError, match='Empty module name'):
        get_message('String')
    with pytest.raises(AttributeError, match=r"module 'std_msgs\.msg' has no attribute 'Nope'"):
        get_message('std_msgs/msg/Nope')
    with pytest.raises(ModuleNotFoundError):
        get_message('nope/msg/X')
