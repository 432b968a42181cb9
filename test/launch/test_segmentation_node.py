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
"""The real node in a process of its own, over DDS, with the frame policy 'every'."""

import array
import os
import signal
import time
import unittest

import cv2
import launch_testing
import launch_testing.actions
import launch_testing.asserts
import launch_testing.markers
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from launch import LaunchDescription
from launch_ros.actions import Node
from probe import HEIGHT, WIDTH, Probe, image, picture, to_stamp, until

DOMAIN = int(os.environ['ROS_DOMAIN_ID']) + 3
SECOND = 10**9
PERIOD = SECOND // 20
GAP_MS = 1500


@pytest.mark.launch_test
@launch_testing.markers.keep_alive
def generate_test_description():
    node = Node(
        package='vidseg_ros', executable='segmentation_node', name='segmentation_node',
        parameters=[{
            'cameras': ['front'], 'method': 'per_frame', 'checkpoint': 'random:1',
            'engine': 'torch', 'threads': 1, 'frame_policy': 'every', 'gap_ms': GAP_MS,
            'diagnostics_period': 0.25, 'stale_ms': 1000,
        }],
        additional_env={'ROS_DOMAIN_ID': str(DOMAIN), 'PYTHONUNBUFFERED': '1'},
        output='screen')
    return LaunchDescription([node, launch_testing.actions.ReadyToTest()]), {'node': node}


class TestSegmentationNode(unittest.TestCase):
    """Frames go in, everything promised comes out."""

    @classmethod
    def setUpClass(cls):
        cls.probe = Probe(DOMAIN)
        cls.probe.camera('front')
        cls.probe.listen('front', 'labels')
        cls.now = 100 * SECOND
        assert until(lambda: cls.probe.state() == 'active', 90)
        assert until(lambda: cls.probe.camera('front').get_subscription_count() == 1)
        assert until(lambda: cls.probe.node.count_publishers(
            '/camera/front/segmentation/labels') == 1)
        time.sleep(0.5)  # until both sides know of each other

    @classmethod
    def tearDownClass(cls):
        cls.probe.close()

    def tick(self, step=PERIOD):
        type(self).now += step
        return self.now

    def send(self, count=1, pace=0.0):
        """Publish good frames; return their stamps."""
        stamps = []
        for _ in range(count):
            stamps.append(self.tick())
            self.probe.camera('front').publish(image(stamps[-1], picture(len(stamps))))
            time.sleep(pace)
        return stamps

    def came(self, stamps, output='labels', timeout=60):
        return until(lambda: set(stamps) <= set(self.probe.stamps('front', output)), timeout)

    def status(self, name, accept, timeout=20):
        self.assertTrue(until(lambda: name in self.probe.statuses
                              and accept(*self.probe.statuses[name]), timeout),
                        self.probe.statuses.get(name))
        return self.probe.statuses[name]

    def test_labels_carry_stamp_frame_and_size_of_their_image(self):
        stamps = self.send(5)
        assert self.came(stamps)
        for message in self.probe.outputs['front', 'labels'][-5:]:
            assert message.header.frame_id == 'front_optical'
            assert (message.height, message.width, message.step) == (HEIGHT, WIDTH, WIDTH)
            assert message.encoding == 'mono8'
            labels = np.frombuffer(message.data, np.uint8)
            assert labels.size == HEIGHT * WIDTH
            assert labels.max() < 19
        assert self.probe.stamps() == sorted(self.probe.stamps())

    def test_label_info_reaches_who_comes_late(self):
        self.probe.listen('front', 'label_info')
        assert until(lambda: self.probe.outputs['front', 'label_info'])
        classes = self.probe.outputs['front', 'label_info'][-1].class_map
        assert [c.class_id for c in classes] == list(range(19))
        assert classes[0].class_name == 'road'

    def test_other_outputs_come_when_asked_for(self):
        self.probe.listen('front', 'confidence', 'age', 'overlay')
        assert until(lambda: all(self.probe.node.count_publishers(
            f'/camera/front/segmentation/{output}') for output in ('confidence', 'overlay')))
        time.sleep(0.5)
        stamps = self.send(2)
        for output, channels, encoding in (('confidence', 1, 'mono8'), ('age', 1, 'mono8'),
                                           ('overlay', 3, 'rgb8')):
            assert self.came(stamps, output)
            message = self.probe.outputs['front', output][-1]
            assert (message.encoding, message.step) == (encoding, WIDTH * channels)
            assert len(message.data) == HEIGHT * WIDTH * channels

    def test_every_encoding_is_taken(self):
        pixels = picture(0)
        for encoding, changed in (
                ('bgr8', pixels[..., ::-1]), ('rgba8', np.dstack([pixels, pixels[..., :1]])),
                ('mono8', pixels[..., :1]), ('yuv422', pixels[..., :2]),
                ('bayer_rggb8', pixels[..., :1])):
            stamp = self.tick()
            self.probe.camera('front').publish(image(stamp, changed, encoding))
            assert self.came([stamp]), encoding

    def test_the_method_changes_without_a_gap(self):
        """Frames keep coming at 20 Hz while the method changes; each is answered, in order."""
        before = len(self.probe.outputs['front', 'labels'])
        stamps = self.send(5, 0.05)
        result, = self.probe.set(method='fassvid')
        assert result.successful, result.reason
        switched = False
        for _ in range(60):
            stamps += self.send(5, 0.05)
            switched = switched or self.probe.engine_is(method='fassvid', state='running')
            if switched:
                break
        assert switched
        stamps += self.send(3)
        assert self.came(stamps)
        assert self.probe.stamps()[before:] == stamps
        assert until(lambda: any('method change from per_frame to fassvid' in event.message
                                 for event in self.probe.events))
        # A report from before may still be on its way.
        self.status('camera front', lambda _, values: values.get('last reset')
                    == 'method change from per_frame to fassvid')
        result, = self.probe.set(method='per_frame')
        assert result.successful
        assert until(lambda: self.probe.engine_is(method='per_frame', state='running'))

    def test_impossible_values_are_refused_and_change_nothing(self):
        for name, value, reason in (
                ('method', 'foo', "method: 'foo' is not one of"),
                ('overlay_opacity', 7.0, 'overlay_opacity'),
                ('checkpoint', '/nowhere.safetensors', 'no such checkpoint'),
                ('cameras', ['no good'], "'no good' can not be part of a topic name"),
                ('autostart', False, 'read-only')):
            before = self.probe.get(name)
            result, = self.probe.set(**{name: value})
            assert not result.successful
            assert reason in result.reason
            assert self.probe.get(name) == before
        assert self.came(self.send(2))

    def test_a_method_that_can_not_be_built_leaves_the_old_one_running(self):
        wrong = os.path.abspath(__file__)  # a file, but no checkpoint
        result, = self.probe.set(checkpoint=wrong)
        assert result.successful
        status, values = self.status(
            'engine', lambda status, values: 'last failure' in values)
        assert status.message.startswith('degraded')
        assert 'not a safetensors file' in values['last failure']
        assert until(lambda: self.probe.get('checkpoint') == 'random:1')
        assert self.came(self.send(3))
        result, = self.probe.set(checkpoint='random:2')
        assert result.successful
        self.status('engine', lambda status, values: values['state'] == 'running'
                    and values['checkpoint'] == 'random:2')
        assert self.came(self.send(1))

    def test_bad_input_is_counted_and_the_next_good_frame_is_segmented(self):
        pixels = picture(0)
        good = image(0, pixels)
        spoilt = {
            'wrong step': {'step': 5},
            'short data': {'data': array.array('B', bytes(100))},
            'unknown encoding': {'encoding': 'nonsense'},
            'empty image': {'width': 0, 'height': 0, 'step': 0, 'data': array.array('B')},
            'too large': {'width': 100_000, 'height': 100_000, 'step': 300_000},
        }
        before = self.dropped()
        burst = 20
        for _ in range(burst):
            for changes in spoilt.values():
                self.probe.camera('front').publish(image(self.tick(1000), pixels, **changes))
            impossible = image(0, pixels)
            impossible.header.stamp.sec = -5
            self.probe.camera('front').publish(impossible)
        assert self.came(self.send(1))
        assert good.height == HEIGHT
        self.status('camera front', lambda _, values: all(
            int(values.get(f'dropped: bad frame: {cause}', 0)) - before.get(cause, 0) == burst
            for cause in (*spoilt, 'impossible stamp')))
        # A change of size is no fault.
        stamp = self.tick()
        self.probe.camera('front').publish(image(stamp, picture(0, 128, 64)))
        assert self.came([stamp])
        last = self.probe.outputs['front', 'labels'][-1]
        assert (last.height, last.width, last.step) == (128, 64, 64)
        assert until(lambda: any('size change from 96x64 to 64x128' in event.message
                                 for event in self.probe.events))
        assert self.came(self.send(1))

    def dropped(self):
        _, values = self.probe.statuses.get('camera front', (None, {}))
        prefix = 'dropped: bad frame: '
        return {key.removeprefix(prefix): int(value) for key, value in values.items()
                if key.startswith(prefix)}

    def test_resets_by_gap_time_jump_and_service_are_told(self):
        assert self.came(self.send(2))
        del self.probe.events[:]
        self.tick(5 * SECOND)
        assert self.came(self.send(1))
        type(self).now -= 2 * SECOND
        assert self.came(self.send(1))
        response = self.probe.reset()
        assert response.success
        assert 'front' in response.message
        assert self.came(self.send(1))
        assert until(lambda: len(self.probe.events) == 3)
        reasons = [event.message for event in self.probe.events]
        assert reasons == ['state reset: gap of 5.050 s',
                           'state reset: time jumped back by 1.950 s',
                           'state reset: requested']
        type(self).now += 3 * SECOND

    def test_diagnostics_tell_the_state(self):
        for _ in range(10):
            self.send(1, 0.03)
        status, values = self.status('camera front', lambda _, values: (
            values['state'] in ('running', 'degraded') and float(values['output rate (Hz)']) > 0))
        assert status.hardware_id == 'front'
        assert values['topic'] == '/camera/front/image_raw'
        assert values['image size'] == f'{WIDTH}x{HEIGHT}'
        for stage in ('transport', 'queue', 'convert', 'observe', 'predict', 'publish', 'total'):
            assert f'latency {stage} p50/p95/p99 (ms)' in values
        self.status('camera front', lambda status, values: (
            values['state'] == 'stale' and status.level == DiagnosticStatus.STALE))
        _, values = self.status('engine', lambda status, _: status.level == DiagnosticStatus.OK)
        assert values['method'] == 'per_frame'

    def test_statistics_have_every_stage(self):
        self.probe.listen_to_statistics()
        assert self.came(self.send(3))
        names = {('/segmentation_node/front', f'{stage}_latency') for stage in (
            'transport', 'queue', 'convert', 'observe', 'predict', 'publish', 'total')}
        assert until(lambda: names <= set(self.probe.metrics))
        total = self.probe.metrics['/segmentation_node/front', 'total_latency']
        points = {point.data_type: point.data for point in total.statistics}
        assert 0 < points[50] <= points[95] <= points[99] <= points[3]

    def test_cameras_come_and_go_while_it_runs(self):
        result, = self.probe.set(cameras=['front', 'rear'])
        assert result.successful, result.reason
        self.probe.listen('rear', 'labels')
        assert until(lambda: self.probe.camera('rear').get_subscription_count() == 1)
        assert until(lambda: self.probe.node.count_publishers(
            '/camera/rear/segmentation/labels') == 1)
        time.sleep(0.5)
        stamps = [self.tick() for _ in range(3)]
        for stamp in stamps:
            self.probe.camera('rear').publish(image(stamp, picture(1)))
        assert until(lambda: self.probe.stamps('rear') == stamps)
        assert self.came(self.send(2))
        self.status('camera rear', lambda _, values: values['frames segmented'] == '3')
        result, = self.probe.set(cameras=['front'])
        assert result.successful
        assert until(lambda: self.probe.camera('rear').get_subscription_count() == 0)
        assert self.came(self.send(2))

    def test_compressed_images(self):
        from sensor_msgs.msg import CompressedImage
        from std_msgs.msg import Header
        result, = self.probe.set(transport='compressed')
        assert result.successful
        probe = Probe(DOMAIN)
        try:
            publisher = probe.camera('front', CompressedImage)
            assert until(lambda: publisher.get_subscription_count() == 1)
            time.sleep(0.5)
            jpeg = cv2.imencode('.jpg', picture(3))[1].tobytes()
            stamps = [self.tick(), self.tick(), self.tick()]
            for stamp, data in zip(stamps, (jpeg, jpeg[:len(jpeg) // 2], jpeg), strict=True):
                message = CompressedImage(
                    header=Header(stamp=to_stamp(stamp), frame_id='front_optical'),
                    format='rgb8; jpeg compressed bgr8')
                message.data = array.array('B', data)
                publisher.publish(message)
            assert self.came([stamps[0], stamps[2]])
            assert stamps[1] not in self.probe.stamps()
        finally:
            probe.close()
            result, = self.probe.set(transport='raw')
            assert result.successful
        assert until(lambda: self.probe.camera('front').get_subscription_count() == 1)
        time.sleep(0.5)
        assert self.came(self.send(1))


class TestZLast(unittest.TestCase):
    """By name the last to run: ends the node as ctrl-C does."""

    def test_ends_on_ctrl_c(self, proc_info, node, proc_output):
        os.kill(node.process_details['pid'], signal.SIGINT)
        proc_info.assertWaitForShutdown(process=node, timeout=20)


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    """What is left when the node has gone."""

    def test_exit_code(self, proc_info, node):
        launch_testing.asserts.assertExitCodes(proc_info, process=node)

    def test_log(self, proc_output, node):
        text = ''.join(line.text.decode() for line in proc_output[node])
        assert 'Traceback' not in text
        assert 'front: bad frame: wrong step: 5, but a row of rgb8 has 288 bytes' in text
        # Twenty of each cause came within a second or two.
        for cause in ('wrong step', 'short data', 'too large', 'impossible stamp'):
            assert 1 <= text.count(f'bad frame: {cause}') <= 3, cause
