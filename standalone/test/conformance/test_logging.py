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

"""Loggers, their levels and filters, the console and /rosout."""

import re

import pytest
import rclpy.logging
from rcl_interfaces.msg import Log
from rclpy.logging import LoggingSeverity, get_logger
from rclpy.qos import DurabilityPolicy, QoSProfile

LOG_ALL_LEVELS = """
import rclpy
from rclpy.node import Node

rclpy.init()
node = Node('lg', namespace='ns')
logger = node.get_logger()
logger.debug('a debug')
logger.info('a info')
logger.warning('a warning')
logger.error('a error')
logger.fatal('a fatal')
logger.get_child('kid').debug('kid debug')
print(int(logger.get_effective_level()), int(logger.get_child('kid').get_effective_level()))
"""


def test_the_logger_of_a_node_has_its_dotted_full_name(graph):
    logger = graph.node('n', namespace='/a/b').get_logger()
    assert logger.name == 'a.b.n'
    assert logger.get_child('c').name == 'a.b.n.c'
    with pytest.raises(ValueError, match='Child logger name must not be empty'):
        logger.get_child('')


def test_a_logger_needs_a_name():
    with pytest.raises(ValueError, match='Logger name must not be empty'):
        get_logger('')


def test_a_logger_has_the_level_of_its_parent_until_it_has_its_own(graph):
    parent = get_logger(graph.name('parent'))
    child = parent.get_child('child')
    assert parent.get_effective_level() == LoggingSeverity.INFO
    parent.set_level(LoggingSeverity.DEBUG)
    assert child.get_effective_level() == LoggingSeverity.DEBUG
    child.set_level(LoggingSeverity.ERROR)
    assert child.get_effective_level() == LoggingSeverity.ERROR
    assert parent.is_enabled_for(LoggingSeverity.DEBUG)
    assert not child.is_enabled_for(LoggingSeverity.WARN)


def test_logging_tells_whether_the_message_was_logged(graph):
    logger = get_logger(graph.name('logger'))
    assert logger.info('hello') is True
    assert logger.debug('not shown') is False
    assert logger.log('by severity', LoggingSeverity.WARN) is True


def test_wrong_arguments_of_a_logger_raise(graph):
    logger = get_logger(graph.name('logger'))
    with pytest.raises(TypeError, match='not one of the recognized logging options'):
        logger.info('x', nope=1)
    with pytest.raises(ValueError, match='is not a valid LoggingSeverity'):
        logger.set_level('x')
    with pytest.raises(TypeError):
        logger.info(5)
    with pytest.raises(TypeError):
        logger.info('%s', 1)


def test_a_severity_is_found_by_its_name():
    assert rclpy.logging.get_logging_severity_from_string('debug') == LoggingSeverity.DEBUG
    assert [severity.value for severity in LoggingSeverity] == [0, 10, 20, 30, 40, 50]


def test_filters_work_by_the_line_that_logs(graph):
    logger = get_logger(graph.name('logger'))
    assert [logger.info('once', once=True) for _ in range(3)] == [True, False, False]
    assert [logger.info('skip', skip_first=True) for _ in range(3)] == [False, True, True]
    throttled = [logger.info('throttle', throttle_duration_sec=30.0) for _ in range(3)]
    assert throttled == [True, False, False]


def test_a_line_that_logs_keeps_its_severity(graph):
    logger = get_logger(graph.name('logger'))
    with pytest.raises(ValueError, match='severity cannot be changed between calls'):
        for severity in (LoggingSeverity.INFO, LoggingSeverity.WARN):
            logger.log('x', severity)


def test_messages_of_a_node_and_its_children_go_to_rosout(graph):
    node, listener, logs = graph.node(namespace='/a'), graph.node(), []
    listener.create_subscription(
        Log,
        '/rosout',
        logs.append,
        QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    )
    node.get_logger().warning('to rosout')
    node.get_logger().get_child('kid').error('child line')
    get_logger('no_node').error('nowhere')
    own = f'a.{node.get_name()}'
    graph.spin_until(lambda: len([log for log in logs if log.name.startswith(own)]) == 2, 'heard')
    graph.spin_for(0.1)
    heard = {log.name: log for log in logs}
    assert (heard[own].level, heard[own].msg) == (30, 'to rosout')
    assert heard[own].file.endswith('test_logging.py')
    assert heard[own].function.startswith('test_messages_of_a_node')
    assert heard[own].line > 0
    assert heard[own].stamp.sec > 0
    assert (heard[f'{own}.kid'].level, heard[f'{own}.kid'].msg) == (40, 'child line')
    assert 'no_node' not in heard


def test_a_node_can_do_without_rosout(graph):
    node, plain = graph.node(enable_rosout=False), graph.node()

    def owners():
        return {info.node_name for info in plain.get_publishers_info_by_topic('/rosout')}

    graph.spin_until(lambda: plain.get_name() in owners(), 'the other had it')
    node.get_logger().info('not on rosout')
    assert node.get_name() not in owners()
    topics = node.get_publisher_names_and_types_by_node(node.get_name(), '/')
    assert '/rosout' not in dict(topics)


def test_the_console_gets_level_time_name_and_message_on_stderr(run_script):
    ended = run_script(LOG_ALL_LEVELS)
    assert ended.stdout == '20 20\n'
    lines = ended.stderr.splitlines()
    assert all(re.match(r'\[[A-Z]+\] \[\d+\.\d{9}\] \[ns\.lg\]: a ', line) for line in lines)
    assert [line.partition(']')[0][1:] for line in lines] == ['INFO', 'WARN', 'ERROR', 'FATAL']


@pytest.mark.parametrize(
    ('arguments', 'levels', 'shown'),
    [
        (['--log-level', 'debug'], '10 10', 'DEBUG'),
        (['--log-level', 'ns.lg:=debug'], '10 10', 'DEBUG'),
        (['--log-level', 'ns.lg.kid:=debug'], '20 10', 'INFO'),
        (['--log-level', 'lg:=debug'], '20 20', 'INFO'),
        (['--log-level', 'ERROR'], '40 40', 'ERROR'),
        (['--log-level', 'info', '--log-level', 'ns.lg:=fatal'], '50 50', 'FATAL'),
    ],
)
def test_the_log_level_is_set_on_the_command_line(run_script, arguments, levels, shown):
    ended = run_script(LOG_ALL_LEVELS, '--ros-args', *arguments)
    assert ended.stdout == levels + '\n'
    own = [line for line in ended.stderr.splitlines() if '[ns.lg]' in line]
    assert own[0].startswith(f'[{shown}]')


def test_an_unknown_log_level_ends_the_process(run_script):
    ended = run_script(LOG_ALL_LEVELS, '--ros-args', '--log-level', 'nope')
    assert ended.returncode == 1
    assert "Couldn't parse log level" in ended.stderr


def test_the_console_format_is_set_by_the_environment(run_script):
    ended = run_script(
        LOG_ALL_LEVELS, env={'RCUTILS_CONSOLE_OUTPUT_FORMAT': '[{severity}] {name}: {message}'}
    )
    assert ended.stderr.splitlines()[0] == '[INFO] ns.lg: a info'


def test_the_console_can_be_stdout_or_nothing(run_script):
    ended = run_script(LOG_ALL_LEVELS, env={'RCUTILS_LOGGING_USE_STDOUT': '1'})
    assert ended.stderr == ''
    assert ended.stdout.startswith('[INFO] [')
    assert run_script(LOG_ALL_LEVELS, '--ros-args', '--disable-stdout-logs').stderr == ''


TALKS = """
import os, sys
import rclpy
rclpy.init(args=sys.argv)
node = rclpy.create_node('talks')
node.get_logger().info('first')
node.get_logger().debug('not at this level')
node.get_logger().error('second\\nline')
rclpy.shutdown()
print(os.getpid(), os.path.basename(sys.orig_argv[0]))
"""


@pytest.mark.parametrize('how', ['ROS_LOG_DIR', 'ROS_HOME'])
def test_a_process_keeps_a_log_file_named_after_it(run_script, tmp_path, how):
    home = tmp_path / 'home'
    done = run_script(TALKS, env={'ROS_LOG_DIR': '', 'ROS_HOME': '', how: str(home)})
    pid, program = done.stdout.split()
    folder = home / 'log' if how == 'ROS_HOME' else home
    (file,) = folder.iterdir()
    assert re.fullmatch(rf'{re.escape(program)}_{pid}_\d{{13}}\.log', file.name)
    assert file.read_text() == done.stderr
    assert re.fullmatch(
        r'\[INFO\] \[\d+\.\d{9}\] \[talks\]: first\n'
        r'\[ERROR\] \[\d+\.\d{9}\] \[talks\]: second\nline\n', done.stderr)


@pytest.mark.parametrize(('arguments', 'name', 'console', 'written'), [
    (['--log-file-name', 'mine'], r'mine_\d+_\d+\.log', True, True),
    (['--disable-stdout-logs'], r'python.*\.log', False, True),
    (['--disable-external-lib-logs'], None, True, False),
])
def test_arguments_choose_where_a_process_logs(
    run_script, tmp_path, arguments, name, console, written
):
    folder = tmp_path / 'logs'
    done = run_script(TALKS, '--ros-args', *arguments, env={'ROS_LOG_DIR': str(folder)})
    files = list(folder.iterdir()) if folder.exists() else []
    assert [bool(re.fullmatch(name, file.name)) for file in files] == [True] * written
    assert ('first' in done.stderr) == console
    assert all('first' in file.read_text() for file in files)


def test_without_a_place_for_log_files_init_fails(run_script):
    done = run_script(TALKS, env={'ROS_LOG_DIR': '/proc/nowhere'})
    assert "failed to initialize logging: Failed to create log directory '/proc/nowhere'" in (
        done.stderr)
    assert done.returncode == 1
