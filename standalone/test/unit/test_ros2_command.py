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
"""The `ros2` command against a small running graph: what it prints and how it ends."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import ros2cli.cli

os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

GRAPH = """
import array
import rclpy
from rcl_interfaces.msg import IntegerRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import SetBool

rclpy.init()
node = Node('talker', namespace='/demo')
node.declare_parameter('flag', True, ParameterDescriptor(description='a switch'))
node.declare_parameter('rate', 4, ParameterDescriptor(
    integer_range=[IntegerRange(from_value=0, to_value=10, step=2)]))
node.declare_parameter('group.names', ['a', '', 'c d'])
node.declare_parameter('fixed', 'x', ParameterDescriptor(read_only=True))
node.declare_parameter('dyn', 1, ParameterDescriptor(dynamic_typing=True))
node.declare_parameter('unset', Parameter.Type.INTEGER)
chatter = node.create_publisher(String, 'chatter', 10)
hidden = node.create_publisher(String, '_hidden', 10)
image = node.create_publisher(Image, 'image', qos_profile_sensor_data)
kept = node.create_publisher(
    String, 'kept', QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
kept.publish(String(data='said once'))
node.create_subscription(String, 'wanted', lambda message: None, 10)

def answer(request, response):
    response.success, response.message = request.data, f'data was {request.data}'
    return response

node.create_service(SetBool, 'set_bool', answer)

def tick():
    chatter.publish(String(data='hello'))
    message = Image(height=8, width=20, encoding='mono8', step=20)
    message.data = array.array('B', range(160))
    message.header.stamp = node.get_clock().now().to_msg()
    message.header.frame_id = 'cam'
    image.publish(message)

node.create_timer(0.05, tick)
life = LifecycleNode('life', namespace='/demo')
executor = SingleThreadedExecutor()
executor.add_node(node)
executor.add_node(life)
print('up', flush=True)
try:
    executor.spin()
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


@pytest.fixture(scope='module')
def graph(tmp_path_factory):
    """Run a talker and a lifecycle node in a process of their own."""
    script = tmp_path_factory.mktemp('graph') / 'graph.py'
    script.write_text(GRAPH)
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    yield process
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)


@pytest.fixture
def ros2(capsys):
    """Give a function that runs a command here; it returns status, stdout and stderr."""

    def run(*arguments):
        capsys.readouterr()
        try:
            status = ros2cli.cli.main(arguments)
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        if isinstance(status, str):
            status, err = 1, err + status + '\n'
        return status or 0, out, err

    return run


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, '-m', 'ros2cli.cli', *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def interrupt_after(process, lines):
    """Read some lines of a process, interrupt it, and return all of its output."""
    said = ''.join(process.stdout.readline() for _ in range(lines))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=15)
    return process.returncode, said + out, err


def test_without_a_command_the_help_lists_the_commands(ros2):
    status, out, _ = ros2()
    assert status == 0
    commands = re.findall(r'^  (\w+) +[A-Z]', out, flags=re.MULTILINE)
    assert commands == [
        'bag', 'daemon', 'interface', 'launch', 'lifecycle', 'node', 'param', 'pkg', 'run',
        'service', 'topic',
    ]  # fmt: skip


@pytest.mark.parametrize(
    'arguments',
    [('nope',), ('--nope',), ('topic', 'nope'), ('topic', 'list', '--nope'), ('param', 'set', 'a'),
     ('topic', 'echo', '/x', '--qos-reliability', 'maybe'),
     ('topic', 'pub', '/x', 'T', '-1', '-t1')],
)  # fmt: skip
def test_wrong_usage_ends_with_status_two_and_the_usage(ros2, arguments):
    status, out, err = ros2(*arguments)
    assert (status, out) == (2, '')
    assert err.startswith('usage: ros2')


def test_nodes_are_listed_without_the_hidden_ones(ros2, graph):
    assert ros2('node', 'list') == (0, '/demo/life\n/demo/talker\n', '')
    assert ros2('node', 'list', '-c') == (0, '2\n', '')
    status, out, _ = ros2('node', 'list', '-a')
    assert status == 0
    assert out.startswith('/_ros2cli_')


def test_node_info_lists_the_endpoints(ros2, graph):
    status, out, _ = ros2('node', 'info', '/demo/talker')
    assert status == 0
    assert out.splitlines()[:8] == [
        '/demo/talker',
        '  Subscribers:',
        '    /demo/wanted: std_msgs/msg/String',
        '  Publishers:',
        '    /demo/chatter: std_msgs/msg/String',
        '    /demo/image: sensor_msgs/msg/Image',
        '    /demo/kept: std_msgs/msg/String',
        '    /parameter_events: rcl_interfaces/msg/ParameterEvent',
    ]
    assert '  Service Servers:\n    /demo/set_bool: std_srvs/srv/SetBool\n' in out
    assert '  Service Clients:\n\n' in out
    assert out.endswith('  Action Servers:\n\n  Action Clients:\n\n')
    assert '/demo/_hidden' in ros2('node', 'info', '--include-hidden', '/demo/talker')[1]
    assert ros2('node', 'info', '/nobody') == (1, '', "Unable to find node '/nobody'\n")


def test_topics_are_listed_with_types_and_counts(ros2, graph):
    names = [
        '/demo/chatter', '/demo/image', '/demo/kept', '/demo/life/transition_event',
        '/demo/wanted', '/parameter_events', '/rosout',
    ]  # fmt: skip
    assert ros2('topic', 'list') == (0, '\n'.join(names) + '\n', '')
    assert ros2('topic', 'list', '-c')[1] == '7\n'
    for arguments in (('--include-hidden-topics', 'list'), ('list', '--include-hidden-topics')):
        assert '/demo/_hidden\n' in ros2('topic', *arguments)[1]
    assert '/demo/chatter [std_msgs/msg/String]\n' in ros2('topic', 'list', '-t')[1]
    verbose = ros2('topic', 'list', '-v')[1]
    assert 'Published topics:\n * /demo/chatter [std_msgs/msg/String] 1 publisher\n' in verbose
    assert 'Subscribed topics:\n * /demo/wanted [std_msgs/msg/String] 1 subscriber\n' in verbose


def test_topic_info_type_and_find(ros2, graph):
    assert ros2('topic', 'info', '/demo/chatter') == (
        0, 'Type: std_msgs/msg/String\nPublisher count: 1\nSubscription count: 0\n', '',
    )  # fmt: skip
    verbose = ros2('topic', 'info', '-v', '/demo/image')[1]
    assert 'Publisher count: 1\n\nNode name: talker\nNode namespace: /demo\n' in verbose
    assert '  Reliability: BEST_EFFORT\n  History (Depth): KEEP_LAST (5)\n' in verbose
    assert verbose.endswith('\n\nSubscription count: 0\n\n')
    assert ros2('topic', 'info', '/none') == (1, '', "Unknown topic '/none'\n")
    assert ros2('topic', 'type', '/demo/image') == (0, 'sensor_msgs/msg/Image\n', '')
    assert ros2('topic', 'type', '/none') == (1, '', '')
    assert ros2('topic', 'find', 'sensor_msgs/msg/Image') == (0, '/demo/image\n', '')


@pytest.mark.parametrize(
    ('arguments', 'printed'),
    [
        (['/demo/chatter'], 'data: hello\n---\n'),
        (['/demo/chatter', 'std_msgs/msg/String'], 'data: hello\n---\n'),
        (['/demo/kept'], 'data: said once\n---\n'),
        (['/demo/chatter', '--field', 'data'], 'hello\n---\n'),
        (['/demo/chatter', '--csv'], 'hello\n'),
        (['/demo/chatter', '--filter', "m.data == 'hello'"], 'data: hello\n---\n'),
        (['/demo/chatter', '--no-str'], "data: '<string length: <5>>'\n---\n"),
        (['/demo/chatter', '-l', '2'], 'data: he...\n---\n'),
        (['/demo/image', '--field', 'header.frame_id'], 'cam\n---\n'),
    ],
)
def test_echo_prints_a_message(ros2, graph, arguments, printed):
    assert ros2('topic', 'echo', '--once', *arguments) == (0, printed, '')


def test_echo_truncates_long_arrays_unless_told_otherwise(ros2, graph):
    image = ros2('topic', 'echo', '--once', '/demo/image')[1]
    assert image.endswith("- 127\n- '...'\n---\n")
    assert ros2('topic', 'echo', '--once', '-f', '/demo/image')[1].endswith('- 159\n---\n')
    short = ros2('topic', 'echo', '--once', '--no-arr', '/demo/image')[1]
    assert short.endswith("step: 20\ndata: '<sequence type: uint8, length: 160>'\n---\n")
    flow = ros2('topic', 'echo', '--once', '--flow-style', '-l3', '/demo/image')[1]
    assert "data: [0, 1, 2, '...']\n" in flow
    raw = ros2('topic', 'echo', '--once', '--raw', '/demo/chatter')[1]
    assert raw.startswith(r"b'\x00\x01\x00\x00\x06\x00\x00\x00hello\x00")
    info = ros2('topic', 'echo', '--once', '-i', '/demo/chatter')[1]
    assert re.search(r'received_timestamp: \d+\n', info)


def test_echo_tells_what_is_wrong(ros2, graph):
    assert ros2('topic', 'echo', '/none') == (
        1,
        'WARNING: topic [/none] does not appear to be published yet\n',
        'Could not determine the type for the passed topic\n',
    )
    assert ros2('topic', 'echo', '/demo/chatter', 'nope/msg/Nope') == (
        1, '', 'The passed message type is invalid\n',
    )  # fmt: skip
    assert ros2('topic', 'echo', '--once', '--field', 'nope', '/demo/chatter') == (
        1, '', "Invalid field 'nope': 'String' object has no attribute 'nope'\n",
    )  # fmt: skip
    assert ros2('topic', 'echo', '--filter', 'm.data==(', '/demo/chatter')[0] == 1
    assert ros2('topic', 'echo', '--once', '--timeout', '0.3', '/demo/wanted') == (0, '', '')


def test_rate_bandwidth_and_delay_are_measured(graph):
    commands = {
        'hz': r'average rate: (1[89]|2[01])\.\d{3}\n\tmin: 0\.\d{3}s max: 0\.\d{3}s '
        r'std dev: 0\.\d{5}s window: \d+\n',
        'bw': r'Subscribed to \[/demo/image\]\n\d+\.\d\d KB/s from \d+ messages\n\t'
        r'Message size mean: 0\.2\d KB min: 0\.2\d KB max: 0\.2\d KB\n',
        'delay': r'average delay: 0\.\d{3}\n\tmin: 0\.\d{3}s max: 0\.\d{3}s '
        r'std dev: 0\.\d{5}s window: \d+\n',
    }
    started = {verb: start('topic', verb, '/demo/image') for verb in commands}
    for verb, process in started.items():
        status, out, err = interrupt_after(process, 3 if verb == 'bw' else 2)
        assert (status, err) == (2, ''), verb
        assert re.match(commands[verb], out), out


def test_echo_ends_cleanly_when_interrupted_or_when_nobody_reads(graph):
    status, out, err = interrupt_after(start('topic', 'echo', '/demo/chatter'), 4)
    assert (status, err) == (2, '')
    assert out.startswith('data: hello\n---\ndata: hello\n---\n')
    process = start('topic', 'echo', '/demo/chatter')
    assert process.stdout.readline() == 'data: hello\n'
    process.stdout.close()
    assert process.wait(timeout=15) == 128 + signal.SIGPIPE
    assert process.stderr.read() == ''
    process.stderr.close()


def test_a_terminated_command_leaves_the_graph_at_once(ros2, graph):
    process = start('topic', 'echo', '/demo/wanted')
    deadline = time.monotonic() + 20
    while 'Subscription count: 2' not in ros2('topic', 'info', '/demo/wanted')[1]:
        assert time.monotonic() < deadline
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == 128 + signal.SIGTERM
    assert 'Subscription count: 1' in ros2('topic', 'info', '/demo/wanted')[1]


def test_pub_publishes_what_yaml_says(ros2, graph):
    assert ros2('topic', 'pub', '--once', '/demo/wanted', 'std_msgs/msg/String', '{data: hi}') == (
        0, "publisher: beginning loop\npublishing #1: std_msgs.msg.String(data='hi')\n\n", '',
    )  # fmt: skip
    assert ros2('topic', 'pub', '-t4', '-r20', '-p2', '/demo/wanted', 'std_msgs/msg/String') == (
        0,
        "publisher: beginning loop\npublishing #2: std_msgs.msg.String(data='')\n\n"
        "publishing #4: std_msgs.msg.String(data='')\n\n",
        '',
    )
    stamped = ros2(
        'topic', 'pub', '-1', '-w0', '/x', 'std_msgs/msg/Header', '{stamp: now, frame_id: a}'
    )[1]
    assert int(re.search(r'sec=(\d+)', stamped)[1]) > 1_700_000_000


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['std_msgs/msg/Nope'], 'The passed message type is invalid'),
        (['nope/msg/Nope'], 'The passed message type is invalid'),
        (
            ['std_msgs/msg/String', 'hi'],
            'The passed value needs to be a dictionary in YAML format',
        ),
        (['std_msgs/msg/String', '{data: '], 'The passed value is not valid YAML'),
        (
            ['std_msgs/msg/String', '{dat: hi}'],
            "Failed to populate field: 'String' object has no attribute 'dat'",
        ),
        (
            ['std_msgs/msg/Int32', '{data: hi}'],
            "Failed to populate field: invalid literal for int() with base 10: 'hi'",
        ),
    ],
)
def test_pub_tells_what_is_wrong(ros2, graph, arguments, said):
    status, out, err = ros2('topic', 'pub', '-1', '/demo/wanted', *arguments)
    assert (status, out) == (1, '')
    assert err.startswith(said)


def test_pub_gives_up_waiting_when_told_to(ros2, graph):
    status, out, err = ros2(
        'topic', 'pub', '-1', '-w2', '--max-wait-time-secs', '1.1', '/demo/wanted',
        'std_msgs/msg/String',
    )  # fmt: skip
    assert (status, out) == (1, 'Waiting for at least 2 matching subscription(s)...\n')
    assert 'Expected 2 subscribers but only got 1' in err


def test_parameters_are_listed_told_and_described(ros2, graph):
    own = ['dyn', 'fixed', 'flag', 'group.names', 'rate', 'start_type_description_service',
           'unset', 'use_sim_time']  # fmt: skip
    assert ros2('param', 'list', '/demo/talker')[1].split() == own
    assert '/demo/life:\n  start_type' in ros2('param', 'list')[1]
    assert ros2('param', 'list', '/demo/talker', '--filter', 'f.*')[1].split() == ['fixed', 'flag']
    assert ros2('param', 'list', '/demo/talker', '--param-prefixes', 'group', '--param-type') == (
        0, '  group.names (type: string array)\n', '',
    )  # fmt: skip
    assert ros2('param', 'get', '/demo/talker', 'rate') == (0, 'Integer value is: 4\n', '')
    assert ros2('param', 'get', 'demo/talker', 'group.names', '--hide-type') == (
        0, "['a', '', 'c d']\n", '',
    )  # fmt: skip
    assert ros2('param', 'get', '/demo/talker', 'nope') == (1, '', 'Parameter not set\n')
    assert ros2('param', 'get', '/nobody', 'rate') == (1, '', 'Node not found\n')
    assert ros2('param', 'describe', '/demo/talker', 'flag', 'rate', 'fixed') == (
        0,
        'Parameter name: flag\n  Type: boolean\n  Description: a switch\n  Constraints:\n'
        'Parameter name: rate\n  Type: integer\n  Constraints:\n    Min value: 0\n'
        '    Max value: 10\n    Step: 2\n'
        'Parameter name: fixed\n  Type: string\n  Constraints:\n    Read only: true\n',
        '',
    )


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('rate', '5', 'The parameter value for rate is not a valid step. Min: 0, max: 10, '
         'value: 5, step: 2'),
        ('rate', '12', 'Parameter rate out of range. Min: 0, Max: 10, value: 12'),
        ('rate', 'fast', "Wrong parameter type, expected 'Type.INTEGER' got 'Type.STRING'"),
        ('fixed', 'y', 'Trying to set a read-only parameter: fixed.'),
        ('nope', '1', 'Invalid access to undeclared parameter(s): []'),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_told_with_its_reason(ros2, graph, name, value, said):
    assert ros2('param', 'set', '/demo/talker', name, value) == (
        0, '', f'Setting parameter failed: {said}\n',
    )  # fmt: skip


@pytest.mark.parametrize('value', ['{a: 1}', '2024-01-01', '99999999999999999999'])
def test_a_value_that_no_parameter_can_have_is_an_error(ros2, graph, value):
    status, out, err = ros2('param', 'set', '/demo/talker', 'dyn', value)
    assert (status, out) == (1, '')
    assert 'cannot be a parameter' in err


def test_parameters_are_set_dumped_deleted_and_loaded(ros2, graph, tmp_path):
    assert ros2('param', 'set', '/demo/talker', 'flag', 'no') == (
        0, 'Set parameter successful\n', '',
    )  # fmt: skip
    assert ros2('param', 'get', '/demo/talker', 'flag')[1] == 'Boolean value is: False\n'
    assert ros2('param', 'set', '/demo/talker', 'dyn', '[1.5, 2.0]')[0] == 0
    assert ros2('param', 'get', '/demo/talker', 'dyn')[1] == 'Double values are: [1.5, 2.0]\n'
    ros2('param', 'set', '/demo/talker', 'unset', '3')
    dumped = ros2('param', 'dump', '/demo/talker')[1]
    assert dumped.startswith(
        '/demo/talker:\n  ros__parameters:\n    dyn:\n    - 1.5\n    - 2.0\n    fixed: x\n'
        "    flag: false\n    group:\n      names:\n      - a\n      - ''\n      - c d\n"
        '    rate: 4\n'
    )
    assert ros2('param', 'delete', '/demo/talker', 'dyn') == (
        0, 'Deleted parameter successfully\n', '',
    )  # fmt: skip
    assert ros2('param', 'delete', '/demo/talker', 'rate') == (
        0, '', 'Deleting parameter failed: Static parameter cannot be undeclared\n',
    )  # fmt: skip
    file = tmp_path / 'params.yaml'
    file.write_text('/**:\n  ros__parameters:\n    flag: true\n    rate: 99\n')
    assert ros2('param', 'load', '/demo/talker', str(file)) == (
        0,
        'Set parameter flag successful\n',
        'Set parameter rate failed: Parameter rate out of range. Min: 0, Max: 10, value: 99\n',
    )
    assert ros2('param', 'load', '--no-use-wildcard', '/demo/talker', str(file))[0] == 1
    assert ros2('param', 'load', '/demo/talker', str(tmp_path / 'none.yaml'))[0] == 1


def test_services_are_listed_found_and_called(ros2, graph):
    listed = ros2('service', 'list')[1].split()
    assert listed == sorted(listed)
    assert '/demo/set_bool' in listed
    assert ros2('service', 'type', '/demo/set_bool') == (0, 'std_srvs/srv/SetBool\n', '')
    assert ros2('service', 'type', '/none') == (1, '', '')
    assert ros2('service', 'find', 'std_srvs/srv/SetBool') == (0, '/demo/set_bool\n', '')
    assert ros2('service', 'info', '/demo/set_bool') == (
        0, 'Type: std_srvs/srv/SetBool\nClients count: 0\nServices count: 1\n', '',
    )  # fmt: skip
    assert ros2('service', 'call', '/demo/set_bool', 'std_srvs/srv/SetBool', '{data: yes}') == (
        0,
        'requester: making request: std_srvs.srv.SetBool_Request(data=True)\n\nresponse:\n'
        "std_srvs.srv.SetBool_Response(success=True, message='data was True')\n\n",
        '',
    )


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['SetBool'], 'The passed service type is invalid\n'),
        (['std_srvs/srv/Nope'], 'The passed service type is invalid\n'),
        (
            ['std_srvs/srv/SetBool', '{dat: 1}'],
            "Failed to populate field: 'SetBool_Request' object has no attribute 'dat'\n",
        ),
    ],
)
def test_a_service_call_tells_what_is_wrong(ros2, graph, arguments, said):
    assert ros2('service', 'call', '/demo/set_bool', *arguments) == (1, '', said)


def test_a_service_call_waits_for_the_service(graph):
    process = start('service', 'call', '/none', 'std_srvs/srv/Trigger')
    assert interrupt_after(process, 1) == (2, 'waiting for service to become available...\n', '')


def test_a_lifecycle_node_is_listed_told_and_driven(ros2, graph):
    assert ros2('lifecycle', 'nodes') == (0, '/demo/life\n', '')
    assert ros2('lifecycle', 'get', '/demo/life') == (0, 'unconfigured [1]\n', '')
    assert ros2('lifecycle', 'get') == (0, '/demo/life: unconfigured [1]\n', '')
    assert ros2('lifecycle', 'get', '/demo/talker') == (1, '', 'Node not found\n')
    assert ros2('lifecycle', 'list', '/demo/life') == (
        0,
        '- configure [1]\n\tStart: unconfigured\n\tGoal: configuring\n'
        '- shutdown [5]\n\tStart: unconfigured\n\tGoal: shuttingdown\n',
        '',
    )
    assert ros2('lifecycle', 'set', '/demo/life', 'activate') == (
        1,
        '',
        'Unknown transition requested, available ones are:\n- configure [1]\n- shutdown [5]\n',
    )
    for step in ('configure', '3'):
        assert ros2('lifecycle', 'set', '/demo/life', step) == (
            0, 'Transitioning successful\n', '',
        )  # fmt: skip
    assert ros2('lifecycle', 'get', '/demo/life')[1] == 'active [3]\n'


def test_interfaces_are_listed_and_shown(ros2):
    assert ros2('interface', 'package', 'std_srvs') == (
        0, 'std_srvs/srv/Empty\nstd_srvs/srv/SetBool\nstd_srvs/srv/Trigger\n', '',
    )  # fmt: skip
    assert '    sensor_msgs/msg/Image\n' in ros2('interface', 'list', '-m')[1]
    assert ros2('interface', 'show', 'vision_msgs/msg/LabelInfo') == (
        0,
        'std_msgs/Header header\n\tbuiltin_interfaces/Time stamp\n\t\tint32 sec\n'
        '\t\tuint32 nanosec\n\tstring frame_id\nvision_msgs/VisionClass[] class_map\n'
        '\tuint16 class_id\n\tstring class_name\nfloat32 threshold\n',
        '',
    )
    assert ros2('interface', 'show', 'std_srvs/srv/SetBool')[1] == (
        'bool data\n---\nbool success\nstring message\n'
    )
    assert ros2('interface', 'show', 'nope/msg/Nope')[0] == 1


def test_the_daemon_is_truthfully_absent(ros2):
    assert ros2('daemon', 'status') == (0, 'The daemon is not running\n', '')
    assert ros2('daemon', 'start')[0] == 1
