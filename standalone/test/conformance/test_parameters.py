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

"""Parameters: declaring, setting, callbacks, events and services."""

import pytest
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterEvent,
    ParameterType,
    SetParametersResult,
)
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.exceptions import (
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import qos_profile_parameter_events

Type = Parameter.Type
EVEN_TO_TEN = ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=10, step=2)])
UNIT_RANGE = ParameterDescriptor(
    floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)]
)


def outcome(results):
    return [(result.successful, result.reason) for result in results]


@pytest.mark.parametrize(
    ('value', 'kind'),
    [
        (True, Type.BOOL),
        (1, Type.INTEGER),
        (1.5, Type.DOUBLE),
        ('s', Type.STRING),
        ([b'a'], Type.BYTE_ARRAY),
        ([True], Type.BOOL_ARRAY),
        ([1], Type.INTEGER_ARRAY),
        ([1.5], Type.DOUBLE_ARRAY),
        (['a'], Type.STRING_ARRAY),
        ([], Type.BYTE_ARRAY),
        (None, Type.NOT_SET),
    ],
)
def test_the_type_of_a_parameter_follows_from_its_value(value, kind):
    parameter = Parameter('p', value=value)
    assert parameter.type_ is kind
    restored = Parameter.from_parameter_msg(parameter.to_parameter_msg())
    assert (restored.name, restored.type_) == ('p', kind)
    assert (list(restored.value) if isinstance(value, list) else restored.value) == value


@pytest.mark.parametrize('value', [b'a', {}, {1}])
def test_a_value_that_no_parameter_can_have_raises_type_error(value):
    with pytest.raises(TypeError, match='The given value is not one of the allowed types'):
        Parameter('p', value=value)


def test_a_parameter_whose_type_and_value_disagree_raises_value_error():
    with pytest.raises(ValueError, match=r"Type 'Type\.INTEGER' and value 'x' do not agree"):
        Parameter('p', Type.INTEGER, 'x')
    with pytest.raises(ValueError, match=r"Type 'Type\.DOUBLE' and value '1' do not agree"):
        Parameter('p', Type.DOUBLE, 1)


def test_a_declared_parameter_has_its_default(graph):
    node = graph.node()
    declared = node.declare_parameter('rate', 5)
    assert (declared.name, declared.type_, declared.value) == ('rate', Type.INTEGER, 5)
    assert node.get_parameter('rate').value == 5
    assert node.has_parameter('rate')
    assert node.get_parameter_type('rate') == Type.INTEGER.value


def test_a_fresh_node_has_the_parameters_of_every_node(graph):
    node = graph.node()
    assert node.get_parameter('use_sim_time').value is False
    assert node.get_parameter('start_type_description_service').value is True


def test_declaring_a_parameter_twice_raises(graph):
    node = graph.node()
    node.declare_parameter('a', 1)
    with pytest.raises(ParameterAlreadyDeclaredException, match=r"already declared: \['a'\]"):
        node.declare_parameter('a', 1)


def test_a_parameter_that_is_not_declared_raises(graph):
    node = graph.node()
    message = r'Invalid access to undeclared parameter\(s\): nope'
    for ask in (node.get_parameter, node.describe_parameter, node.get_parameter_type):
        with pytest.raises(ParameterNotDeclaredException, match=message):
            ask('nope')
    with pytest.raises(ParameterNotDeclaredException, match=message):
        node.undeclare_parameter('nope')
    with pytest.raises(ParameterNotDeclaredException, match=r'parameter\(s\): \[\]'):
        node.set_parameters([Parameter('nope', value=1)])
    assert node.get_parameter_or('nope', Parameter('nope', value=3)).value == 3
    assert not node.has_parameter('nope')


def test_a_parameter_of_a_type_but_no_value_is_not_initialised(graph):
    node = graph.node()
    node.declare_parameter('typed', Type.INTEGER)
    with pytest.raises(ParameterUninitializedException, match="'typed' is not initialized"):
        node.get_parameter('typed')
    assert outcome(node.set_parameters([Parameter('typed', value='x')])) == [
        (False, "Wrong parameter type, expected 'Type.INTEGER' got 'Type.STRING'")
    ]
    assert outcome(node.set_parameters([Parameter('typed', value=3)])) == [(True, '')]
    assert node.get_parameter('typed').value == 3


def test_an_override_wins_over_the_default(graph):
    node = graph.node(parameter_overrides=[Parameter('rate', value=7)])
    assert not node.has_parameter('rate')
    assert node.declare_parameter('rate', 5).value == 7
    assert node.declare_parameter('other', 5).value == 5


def test_an_override_can_be_ignored(graph):
    node = graph.node(parameter_overrides=[Parameter('rate', value=7)])
    assert node.declare_parameter('rate', 5, ignore_override=True).value == 5


def test_an_override_of_the_wrong_type_raises_and_declares_nothing(graph):
    node = graph.node(parameter_overrides=[Parameter('rate', value='fast')])
    with pytest.raises(InvalidParameterTypeException) as caught:
        node.declare_parameter('rate', 5)
    assert str(caught.value) == (
        "Trying to set parameter 'rate' to 'fast' of type 'STRING', expecting type 'INTEGER': rate"
    )
    assert not node.has_parameter('rate')


def test_overrides_can_be_declared_automatically(graph):
    node = graph.node(
        parameter_overrides=[Parameter('g.x', value=1), Parameter('o', value='s')],
        automatically_declare_parameters_from_overrides=True,
    )
    assert node.get_parameter('g.x').value == 1
    assert node.get_parameters_by_prefix('g')['x'].value == 1
    assert outcome(node.set_parameters([Parameter('o', value=5)])) == [
        (False, "Wrong parameter type, expected 'Type.STRING' got 'Type.INTEGER'")
    ]


@pytest.mark.parametrize(
    ('descriptor', 'value', 'reason'),
    [
        (EVEN_TO_TEN, 12, 'Parameter p out of range. Min: 0, Max: 10, value: 12'),
        (
            EVEN_TO_TEN,
            5,
            'The parameter value for p is not a valid step. Min: 0, max: 10, value: 5, step: 2',
        ),
        (UNIT_RANGE, 1.5, 'Parameter p out of range Min: 0.0, Max: 1.0, value: 1.5'),
        (UNIT_RANGE, float('nan'), 'Parameter p out of range Min: 0.0, Max: 1.0, value: nan'),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_reason(graph, descriptor, value, reason):
    node = graph.node()
    first = type(value)(0)
    node.declare_parameter('p', first, descriptor)
    assert outcome(node.set_parameters([Parameter('p', value=value)])) == [(False, reason)]
    assert node.get_parameter('p').value == first
    other = graph.node()
    with pytest.raises(InvalidParameterValueException) as caught:
        other.declare_parameter('p', value, descriptor)
    assert str(caught.value) == (
        f'Invalid parameter value ({value}) for parameter. Reason: {reason}: p'
    )
    assert not other.has_parameter('p')


def test_the_upper_bound_of_a_range_is_allowed_off_the_step(graph):
    odd = ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=9, step=2)])
    assert graph.node().declare_parameter('p', 9, odd).value == 9


@pytest.mark.parametrize('value', ['text', 1.0, True, [1]])
def test_a_value_of_another_type_is_refused_and_changes_nothing(graph, value):
    node = graph.node()
    node.declare_parameter('i', 4)
    new = Parameter('i', value=value)
    reason = f"Wrong parameter type, expected 'Type.INTEGER' got '{new.type_}'"
    assert outcome(node.set_parameters([new])) == [(False, reason)]
    assert node.get_parameter('i').value == 4


def test_a_read_only_parameter_cannot_be_changed(graph):
    node = graph.node(parameter_overrides=[Parameter('ro', value='o')])
    assert node.declare_parameter('ro', 'd', ParameterDescriptor(read_only=True)).value == 'o'
    reason = 'Trying to set a read-only parameter: ro.'
    assert outcome(node.set_parameters([Parameter('ro', value='x')])) == [(False, reason)]
    with pytest.raises(ParameterImmutableException):
        node.undeclare_parameter('ro')
    assert node.get_parameter('ro').value == 'o'


def test_a_dynamically_typed_parameter_changes_its_type_and_can_be_deleted(graph):
    node = graph.node()
    node.declare_parameter('dyn', 1, ParameterDescriptor(dynamic_typing=True))
    assert outcome(node.set_parameters([Parameter('dyn', value='text')])) == [(True, '')]
    assert node.get_parameter('dyn').value == 'text'
    assert outcome(node.set_parameters([Parameter('dyn')])) == [(True, '')]
    assert not node.has_parameter('dyn')


def test_a_statically_typed_parameter_cannot_be_deleted_by_setting(graph):
    node = graph.node()
    node.declare_parameter('i', 1)
    assert outcome(node.set_parameters([Parameter('i')])) == [
        (False, 'Static parameter cannot be undeclared')
    ]
    assert node.undeclare_parameter('i') is None
    assert not node.has_parameter('i')


def test_setting_several_sets_each_on_its_own(graph):
    node = graph.node()
    node.declare_parameters('', [('s', 'x'), ('i', 4)])
    results = node.set_parameters([Parameter('i', value='wrong'), Parameter('s', value='z')])
    assert [result.successful for result in results] == [False, True]
    assert (node.get_parameter('s').value, node.get_parameter('i').value) == ('z', 4)


def test_setting_atomically_sets_all_or_none(graph):
    node = graph.node()
    node.declare_parameters('', [('s', 'x'), ('i', 4)])
    refused = node.set_parameters_atomically(
        [Parameter('s', value='z'), Parameter('i', value='wrong')]
    )
    assert not refused.successful
    assert node.get_parameter('s').value == 'x'
    accepted = node.set_parameters_atomically([Parameter('s', value='z'), Parameter('i', value=5)])
    assert accepted.successful
    assert (node.get_parameter('s').value, node.get_parameter('i').value) == ('z', 5)


def test_parameters_declared_together_get_the_namespace(graph):
    node = graph.node()
    declared = node.declare_parameters('grp', [('x', 1), ('y', 's'), ('z', 1.5)])
    assert [parameter.name for parameter in declared] == ['grp.x', 'grp.y', 'grp.z']
    by_prefix = node.get_parameters_by_prefix('grp')
    assert {name: parameter.value for name, parameter in by_prefix.items()} == {
        'x': 1, 'y': 's', 'z': 1.5,
    }  # fmt: skip


def test_an_empty_parameter_name_raises(graph):
    with pytest.raises(InvalidParameterException, match='Invalid parameter name: '):
        graph.node().declare_parameter('', 1)


def test_a_descriptor_is_told_with_the_name_and_type_of_the_parameter(graph):
    node = graph.node()
    node.declare_parameter('rate', 5, ParameterDescriptor(description='in Hz'))
    assert node.describe_parameter('rate') == ParameterDescriptor(
        name='rate', type=ParameterType.PARAMETER_INTEGER, description='in Hz'
    )


def test_callbacks_run_in_the_order_before_check_event_after(graph):
    node, calls = graph.node(), []
    node.declare_parameter('a', 1)

    def note(name, result=None):
        def callback(parameters):
            calls.append((name, node.get_parameter('a').value))
            return parameters if name == 'pre' else result

        return callback

    accepted = SetParametersResult(successful=True)
    node.add_pre_set_parameters_callback(note('pre'))
    node.add_on_set_parameters_callback(note('first on-set', accepted))
    node.add_on_set_parameters_callback(note('second on-set', accepted))
    node.add_post_set_parameters_callback(note('post'))
    assert outcome(node.set_parameters([Parameter('a', value=2)])) == [(True, '')]
    # The callback added last is asked first.
    assert calls == [('pre', 1), ('second on-set', 1), ('first on-set', 1), ('post', 2)]


def test_an_on_set_callback_refuses_with_a_reason_and_nothing_changes(graph):
    node, after = graph.node(), []
    node.declare_parameter('a', 1)
    node.add_on_set_parameters_callback(
        lambda parameters: SetParametersResult(successful=False, reason='never')
    )
    node.add_post_set_parameters_callback(after.append)
    assert outcome(node.set_parameters([Parameter('a', value=2)])) == [(False, 'never')]
    assert (node.get_parameter('a').value, after) == (1, [])


def test_an_on_set_callback_is_asked_about_a_declaration_too(graph):
    node = graph.node()
    node.add_on_set_parameters_callback(
        lambda parameters: SetParametersResult(successful=False, reason='no')
    )
    with pytest.raises(InvalidParameterValueException, match=r'Reason: no: late'):
        node.declare_parameter('late', 9)
    assert not node.has_parameter('late')


def test_a_removed_callback_is_not_asked_any_more(graph):
    node = graph.node()
    node.declare_parameter('a', 1)

    def refuse(parameters):
        return SetParametersResult(successful=False, reason='no')

    node.add_on_set_parameters_callback(refuse)
    node.remove_on_set_parameters_callback(refuse)
    assert outcome(node.set_parameters([Parameter('a', value=2)])) == [(True, '')]
    with pytest.raises(ValueError, match='not in list'):
        node.remove_on_set_parameters_callback(refuse)


def test_a_pre_set_callback_can_add_and_take_away_parameters(graph):
    node = graph.node()
    node.declare_parameters('', [('a', 1), ('b', 1)])
    node.add_pre_set_parameters_callback(
        lambda parameters: [*parameters, Parameter('b', value=77)] if parameters[0].value else []
    )
    assert outcome(node.set_parameters([Parameter('a', value=2)])) == [(True, '')]
    assert node.get_parameter('b').value == 77
    assert outcome(node.set_parameters([Parameter('a', value=0)])) == [
        (
            False,
            'parameter list cannot be empty, this might be due to '
            'pre_set_parameters_callback modifying the original parameters list.',
        )
    ]


def test_an_exception_in_an_on_set_callback_reaches_the_setter(graph):
    node = graph.node()
    node.declare_parameter('a', 1)

    def fail(parameters):
        raise ValueError('from callback')

    node.add_on_set_parameters_callback(fail)
    with pytest.raises(ValueError, match='from callback'):
        node.set_parameters([Parameter('a', value=2)])
    assert node.get_parameter('a').value == 1


def test_every_change_is_an_event(graph):
    listener, events = graph.node(), []
    listener.create_subscription(
        ParameterEvent, '/parameter_events', events.append, qos_profile_parameter_events
    )
    node = graph.node()
    own = node.get_fully_qualified_name()
    node.declare_parameter('heard', 0)

    def is_heard():
        node.set_parameters([Parameter('heard', value=len(events))])
        return any(event.node == own for event in events)

    graph.spin_until(is_heard, 'the listener heard the node')

    def changes(field):
        return [
            (parameter.name, parameter_value_to_python(parameter.value))
            for event in events
            if event.node == own
            for parameter in getattr(event, field)
            if parameter.name != 'heard'
        ]

    node.declare_parameter('a', 1)
    node.declare_parameter('dyn', 1, ParameterDescriptor(dynamic_typing=True))
    node.set_parameters([Parameter('a', value=2)])
    node.set_parameters_atomically([Parameter('a', value=3), Parameter('dyn', value='x')])
    node.set_parameters([Parameter('dyn')])
    graph.spin_until(lambda: changes('deleted_parameters'), 'the last event arrived')
    assert changes('new_parameters')[-2:] == [('a', 1), ('dyn', 1)]
    assert changes('changed_parameters') == [('a', 2), ('a', 3), ('dyn', 'x')]
    assert changes('deleted_parameters') == [('dyn', None)]
    assert all(event.stamp.sec > 0 for event in events)


def remote(graph, kind, service):
    """Return a function that asks a parameter service of a node with a, ro and s.t."""
    node = graph.node()
    node.declare_parameter('a', 1)
    node.declare_parameter('ro', 1, ParameterDescriptor(read_only=True))
    node.declare_parameter('s.t', 'x')
    client = graph.node().create_client(kind, f'{node.get_name()}/{service}')
    return node, lambda **fields: graph.call(client, kind.Request(**fields))


def test_the_set_service_answers_for_each_parameter(graph):
    node, ask = remote(graph, SetParameters, 'set_parameters')
    wanted = [('a', 'x'), ('ro', 2), ('nope', 1), ('a', 3)]
    response = ask(
        parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in wanted]
    )
    assert outcome(response.results) == [
        (False, "Wrong parameter type, expected 'Type.INTEGER' got 'Type.STRING'"),
        (False, 'Trying to set a read-only parameter: ro.'),
        (False, 'Invalid access to undeclared parameter(s): []'),
        (True, ''),
    ]
    assert node.get_parameter('a').value == 3


def test_the_atomic_set_service_sets_all_or_none(graph):
    node, ask = remote(graph, SetParametersAtomically, 'set_parameters_atomically')
    response = ask(
        parameters=[
            Parameter('a', value=9).to_parameter_msg(),
            Parameter('ro', value=9).to_parameter_msg(),
        ]
    )
    assert outcome([response.result]) == [(False, 'Trying to set a read-only parameter: ro.')]
    assert node.get_parameter('a').value == 1


def test_the_get_service_tells_values_or_nothing_at_all(graph):
    _node, ask = remote(graph, GetParameters, 'get_parameters')
    values = ask(names=['a', 's.t']).values
    assert [parameter_value_to_python(value) for value in values] == [1, 'x']
    assert ask(names=['a', 'nope']).values == []
    assert ask(names=[]).values == []


def test_the_types_service_tells_types(graph):
    _node, ask = remote(graph, GetParameterTypes, 'get_parameter_types')
    assert list(ask(names=['s.t', 'a']).types) == [
        ParameterType.PARAMETER_STRING,
        ParameterType.PARAMETER_INTEGER,
    ]


def test_the_describe_service_tells_descriptors(graph):
    _node, ask = remote(graph, DescribeParameters, 'describe_parameters')
    assert ask(names=['ro']).descriptors == [
        ParameterDescriptor(name='ro', type=ParameterType.PARAMETER_INTEGER, read_only=True)
    ]
    assert ask(names=['a', 'nope']).descriptors == []


def test_the_list_service_tells_names_and_prefixes(graph):
    _node, ask = remote(graph, ListParameters, 'list_parameters')
    everything = ask().result
    assert everything.names == [
        'use_sim_time', 'start_type_description_service', 'a', 'ro', 's.t',
    ]  # fmt: skip
    assert everything.prefixes == ['s']
    assert ask(prefixes=['s']).result.names == ['s.t']
    assert ask(depth=1).result.names == everything.names[:-1]


@pytest.mark.parametrize(
    ('prefixes', 'depth', 'names', 'groups'),
    [
        ([], 1, ['a'], []),
        ([], 2, ['a', 'a.b', 'a.d'], ['a']),
        (['a'], 0, ['a', 'a.b', 'a.b.c', 'a.d'], ['a', 'a.b']),
        (['a'], 1, ['a', 'a.b', 'a.d'], ['a']),
        (['e'], 1, [], []),
        (['e.f'], 0, ['e.f.g'], ['e.f']),
        (['a.b'], 1, ['a.b', 'a.b.c'], ['a', 'a.b']),
        (['nope'], 0, [], []),
    ],
)
def test_listing_stops_at_the_depth_below_the_prefixes(graph, prefixes, depth, names, groups):
    node = graph.node()
    for name in ('a', 'a.b', 'a.b.c', 'a.d', 'e.f.g'):
        node.declare_parameter(name, 1)
    listed = node.list_parameters(prefixes, depth)
    of_every_node = ('use_sim_time', 'start_type_description_service')
    assert [name for name in listed.names if name not in of_every_node] == names
    assert sorted(listed.prefixes) == groups
