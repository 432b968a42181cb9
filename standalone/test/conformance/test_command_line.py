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

"""Processes: --ros-args, parameter files, signals and exit codes."""

import signal
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import String
from std_srvs.srv import Trigger

NAMES = """
import sys
import rclpy
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

rclpy.init()
node = Node('n', automatically_declare_parameters_from_overrides=True)
print(node.get_fully_qualified_name(), node.get_parameter('v').value)
print(remove_ros_args(sys.argv)[1:])
"""

SPIN = """
import sys
import time
import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor

rclpy.init()
node = rclpy.create_node('n')


def say_once():
    timer.cancel()
    print('up', flush=True)


# Said from within spin, which the signal is to interrupt.
timer = node.create_timer(0.05, say_once)
# A signal may come between the executor's look at the context and its sleep.
tick = node.create_timer(0.2, lambda: None)
rclpy.get_default_context().on_shutdown(lambda: print('shutdown callback', flush=True))
try:
    if 'threads' in sys.argv:
        executor = MultiThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    else:
        rclpy.spin(node)
    print('returned')
except BaseException as error:
    print(type(error).__name__)
# The context goes down in a thread of its own.
deadline = time.monotonic() + 10
while rclpy.ok() and time.monotonic() < deadline:
    time.sleep(0.01)
print(rclpy.ok())
rclpy.get_default_context().on_shutdown(lambda: print('late callback', flush=True))
rclpy.try_shutdown()
"""

NODES = [('one', '/ns'), ('two', '/ns'), ('one', '/')]


@pytest.fixture
def session():
    """Give a function that initialises a context with the arguments of a process."""
    contexts = []

    def start(*arguments):
        context = Context()
        rclpy.init(args=['program', *arguments], context=context)
        contexts.append(context)
        return context

    yield start
    for context in contexts:
        context.try_shutdown()


def values(context, name, namespace):
    """Return the parameters that a node gets from the arguments, sorted by name."""
    node = Node(
        name,
        namespace=namespace,
        context=context,
        automatically_declare_parameters_from_overrides=True,
    )
    found = {name: each.value for name, each in node.get_parameters_by_prefix('').items()}
    del found['use_sim_time'], found['start_type_description_service']
    node.destroy_node()
    return dict(sorted(found.items()))


@pytest.mark.parametrize(
    ('arguments', 'one', 'two'),
    [
        ([], '/x/one /x/chat /x/one/priv /abs /x/srv', '/two /chat /two/priv /abs /srv'),
        (
            ['-r', '__node:=ren'],
            '/x/ren /x/chat /x/ren/priv /abs /x/srv',
            '/ren /chat /ren/priv /abs /srv',
        ),
        (
            ['-r', 'one:__node:=ren'],
            '/x/ren /x/chat /x/ren/priv /abs /x/srv',
            '/two /chat /two/priv /abs /srv',
        ),
        (
            ['-r', '__ns:=/nn'],
            '/nn/one /nn/chat /nn/one/priv /abs /nn/srv',
            '/nn/two /nn/chat /nn/two/priv /abs /nn/srv',
        ),
        (
            ['-r', 'chat:=talk'],
            '/x/one /x/talk /x/one/priv /abs /x/srv',
            '/two /talk /two/priv /abs /srv',
        ),
        (
            ['--remap', '/x/chat:=/abs2'],
            '/x/one /abs2 /x/one/priv /abs /x/srv',
            '/two /chat /two/priv /abs /srv',
        ),
        (
            ['-r', 'two:chat:=talk2'],
            '/x/one /x/chat /x/one/priv /abs /x/srv',
            '/two /talk2 /two/priv /abs /srv',
        ),
        (
            ['-r', '~/priv:=pub', '-r', '/abs:=rel'],
            '/x/one /x/chat /x/pub /x/rel /x/srv',
            '/two /chat /pub /rel /srv',
        ),
        (
            ['-r', 'rosservice://srv:=s3', '-r', 'rostopic://chat:=t3'],
            '/x/one /x/t3 /x/one/priv /abs /x/s3',
            '/two /t3 /two/priv /abs /s3',
        ),
        (
            ['-r', 'chat:=a', '-r', 'chat:=b'],
            '/x/one /x/a /x/one/priv /abs /x/srv',
            '/two /a /two/priv /abs /srv',
        ),
    ],
)
def test_names_are_remapped_by_ros_arguments(session, arguments, one, two):
    context = session('pos', '--ros-args', *arguments, '--', 'end')

    def names(name, namespace):
        node = Node(name, namespace=namespace, context=context)
        topics = [node.create_publisher(String, topic, 1) for topic in ('chat', '~/priv', '/abs')]
        service = node.create_service(Trigger, 'srv', lambda request, response: response)
        found = [
            node.get_fully_qualified_name(),
            *(publisher.topic_name for publisher in topics),
            service.service_name,
        ]
        node.destroy_node()
        return ' '.join(found)

    assert (names('one', '/x'), names('two', '')) == (one, two)


def test_ros_arguments_on_the_command_line_reach_every_node(run_script):
    ended = run_script(NAMES, 'pos', '--ros-args', '-r', '__node:=ren', '-p', 'v:=5', '--', 'end')
    assert ended.stdout.splitlines() == ['/ren 5', "['pos', 'end']"], ended.stderr


@pytest.mark.parametrize(
    'arguments',
    [
        ['-r', 'chat'],
        ['-r', 'chat:=9bad'],
        ['-r', '__ns:=nn'],
        ['-r', ':=x'],
        ['-p', 'v'],
        ['-p', 'v:=[1,'],
        ['--params-file', 'not_there.yaml'],
        ['--params-file'],
    ],
)
def test_bad_ros_arguments_are_refused_at_init(session, arguments):
    with pytest.raises(RuntimeError, match="failed to initialize rcl: Couldn't parse"):
        session('--ros-args', *arguments)


def test_a_process_with_bad_ros_arguments_ends_with_status_one(run_script):
    ended = run_script(NAMES, '--ros-args', '-r', 'chat:=9bad')
    assert (ended.returncode, ended.stdout) == (1, '')
    assert "RCLError: failed to initialize rcl: Couldn't parse remap rule" in ended.stderr


def test_an_unknown_ros_argument_is_named(run_script):
    ended = run_script(NAMES, '--ros-args', '--nope')
    assert ended.returncode == 1
    assert "['--nope']" in ended.stderr
    assert 'UnknownROSArgsError' in ended.stderr


FILE_WILD_FIRST = """
/**:
  ros__parameters: {v: all, from_0: true}
/ns/*:
  ros__parameters: {v: ns, from_1: true}
/ns/one:
  ros__parameters: {v: node, from_2: true}
"""


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (
            FILE_WILD_FIRST,
            [
                {'from_0': True, 'from_1': True, 'from_2': True, 'v': 'node'},
                {'from_0': True, 'from_1': True, 'v': 'ns'},
                {'from_0': True, 'v': 'all'},
            ],
        ),
        ('/ns/*:\n  ros__parameters: {v: 1}\n', [{'v': 1}, {'v': 1}, {}]),
        ('/ns/**:\n  ros__parameters: {v: 1}\n', [{'v': 1}, {'v': 1}, {}]),
        ('/**/one:\n  ros__parameters: {v: 1}\n', [{'v': 1}, {}, {'v': 1}]),
        ('one:\n  ros__parameters: {v: 1}\n', [{}, {}, {'v': 1}]),
        ('/ns:\n  one:\n    ros__parameters: {v: 1}\n', [{'v': 1}, {}, {}]),
        ('', [{}, {}, {}]),
    ],
    ids=['wild first', 'star', 'double star', 'any namespace', 'bare', 'nested', 'empty'],
)
def test_a_parameter_file_reaches_the_nodes_that_its_names_match(
    session, tmp_path, text, expected
):
    file = tmp_path / 'params.yaml'
    file.write_text(text)
    context = session('--ros-args', '--params-file', str(file))
    assert [values(context, *node) for node in NODES] == expected


def test_values_in_a_parameter_file_have_the_types_of_their_spelling(session, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(
        '/**:\n  ros__parameters:\n'
        '    b: yes\n    e: 1e3\n    f: 5.0\n    h: 0x10\n    i: 5\n    lb: [yes, no]\n'
        '    lf: [1.0, 2.5]\n    li: [1, 2]\n    ls: [a, "5"]\n    n: {a: {b: 1}}\n'
        '    q: "true"\n    s: hello\n    t: 2024-01-01\n'
    )
    found = values(session('--ros-args', '--params-file', str(file)), 'one', '/ns')
    assert str(found) == str(
        {
            'b': True, 'e': 1000.0, 'f': 5.0, 'h': 16, 'i': 5, 'lb': [True, False],
            'lf': [1.0, 2.5], 'li': [1, 2], 'ls': ['a', '5'], 'n.a.b': 1, 'q': 'true',
            's': 'hello', 't': '2024-01-01',
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    'text',
    [
        '/**:\n  ros__parameters:\n    a: [1.0, 2]\n',
        '/**:\n  ros__parameters:\n    a: [true, 1]\n',
        '/**:\n  ros__parameters:\n    a:\n',
        '/**:\n  v: 1\n',
        '- 1\n',
        '*:\n  ros__parameters: {v: 1}\n',
    ],
    ids=['mixed numbers', 'mixed', 'no value', 'no ros__parameters', 'a list', 'bare star'],
)
def test_a_bad_parameter_file_is_refused_at_init(session, tmp_path, text):
    file = tmp_path / 'params.yaml'
    file.write_text(text)
    with pytest.raises(RuntimeError, match="Couldn't parse params file"):
        session('--ros-args', '--params-file', str(file))


def test_parameters_given_as_arguments_have_the_types_of_their_spelling(session):
    given = ['i:=5', 'f:=5.0', 'b:=true', 's:=abc', 'q:="5"', 'l:=[1,2]', 'd.e:=1', "z:='true'"]
    context = session('--ros-args', *(word for value in given for word in ('-p', value)))
    assert str(values(context, 'one', '/ns')) == str(
        {
            'b': True, 'd.e': 1, 'f': 5.0, 'i': 5, 'l': [1, 2], 'q': '5', 's': 'abc', 'z': 'true',
        }
    )  # fmt: skip


def test_the_last_of_two_parameters_given_as_arguments_wins(session):
    context = session('--ros-args', '-p', 'v:=1', '-p', 'v:=2')
    assert [values(context, *node) for node in NODES] == [{'v': 2}] * 3


def test_a_more_specific_file_entry_wins_over_an_argument(session, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text(FILE_WILD_FIRST)
    context = session('--ros-args', '--params-file', str(file), '-p', 'v:=cli')
    assert [values(context, *node)['v'] for node in NODES] == ['node', 'ns', 'cli']


def test_an_override_in_code_wins_over_an_argument(session):
    context = session('--ros-args', '-p', 'v:=cli')
    node = Node('n', context=context, parameter_overrides=[Parameter('v', value='code')])
    assert node.declare_parameter('v', 'default').value == 'code'
    node.destroy_node()


def test_a_node_can_leave_the_arguments_of_the_process_alone(session):
    context = session('--ros-args', '-r', 'chat:=talk', '-p', 'v:=1')
    node = Node('n', context=context, use_global_arguments=False)
    assert node.resolve_topic_name('chat') == '/chat'
    assert node.declare_parameter('v', 0).value == 0
    node.destroy_node()


def test_use_sim_time_is_set_by_an_argument(session):
    node = Node('n', context=session('--ros-args', '-p', 'use_sim_time:=true'))
    assert node.get_parameter('use_sim_time').value is True
    assert node.get_clock().ros_time_is_active is True
    node.destroy_node()


@pytest.mark.parametrize(
    ('sent', 'threads', 'lines'),
    [
        (signal.SIGINT, '', ['KeyboardInterrupt', 'False']),
        (signal.SIGINT, 'threads', ['KeyboardInterrupt', 'False']),
        (signal.SIGTERM, '', ['ExternalShutdownException', 'False']),
        (signal.SIGTERM, 'threads', ['returned', 'False']),
    ],
)
def test_a_signal_ends_spin_and_shuts_the_context_down(start_script, sent, threads, lines):
    process = start_script(SPIN, threads)
    assert process.stdout.readline() == 'up\n'
    # The callback has ended; now the executor waits.
    time.sleep(0.1)
    process.send_signal(sent)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 0, err
    # What was registered before the signal is not called, as the program shut nothing down.
    assert out.splitlines() == [*lines, 'late callback']


def test_a_process_may_end_without_cleaning_up(run_script):
    ended = run_script("import rclpy\nrclpy.init()\nnode = rclpy.create_node('n')\nprint('up')\n")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 'up\n', '')


def test_an_exit_in_a_callback_ends_the_process_with_its_status(run_script):
    source = (
        "import sys\nimport rclpy\nrclpy.init()\nnode = rclpy.create_node('n')\n"
        'node.create_timer(0.01, lambda: sys.exit(4))\nrclpy.spin(node)\n'
    )
    assert run_script(source).returncode == 4


def test_nodes_need_init_and_init_comes_once(run_script):
    source = """
import rclpy

def attempt(action):
    try:
        print(action())
    except Exception as error:
        print(type(error).__name__, error)

attempt(lambda: rclpy.create_node('n'))
attempt(rclpy.ok)
attempt(rclpy.shutdown)
attempt(rclpy.try_shutdown)
rclpy.init()
attempt(rclpy.ok)
attempt(rclpy.init)
attempt(rclpy.shutdown)
attempt(rclpy.shutdown)
rclpy.init()
attempt(lambda: rclpy.create_node('n').get_name())
"""
    assert run_script(source).stdout.splitlines() == [
        'NotInitializedException rclpy.init() has not been called. msg:cannot create node',
        'False',
        'RuntimeError Context must be initialized before it can be shutdown',
        'None',
        'True',
        'RuntimeError Context.init() must only be called once',
        'None',
        'RuntimeError Context must be initialized before it can be shutdown',
        'n',
    ]
