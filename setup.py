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

from glob import glob

from setuptools import find_packages, setup

package_name = 'vidseg_ros'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(include=[package_name, f'{package_name}.*']),
    package_data={
        package_name: ['checkpoints/weights/*', 'evaluation/templates/*',
                       'evaluation/results/*.yaml', 'py.typed'],
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/launch', glob('launch/*.launch.py')),
        (f'share/{package_name}/config', glob('config/*.yaml')),
        (f'share/{package_name}/config/training', glob('config/training/*.yaml')),
        (f'share/{package_name}/config/dds', glob('config/dds/*')),
        (f'share/{package_name}/benchmarks', glob('benchmarks/*.py')),
        (f'share/{package_name}/rviz', glob('rviz/*.rviz')),
    ],
    install_requires=['setuptools'],
    python_requires='>=3.10',
    zip_safe=False,
    author='The vidseg_ros Authors',
    maintainer='The vidseg_ros Authors',
    maintainer_email='maintainers@example.com',
    description='Video semantic segmentation for ROS 2: five published methods in one node.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'segmentation_node = vidseg_ros.nodes.segmentation_node:main',
            'evaluation_node = vidseg_ros.nodes.evaluation_node:main',
            'vidseg = vidseg_ros.cli.main:main',
        ],
        'vidseg_ros.methods': [
            'per_frame = vidseg_ros.methods.per_frame:PerFrame',
            'fassvid = vidseg_ros.methods.fassvid:FASSVidMethod',
            'evs = vidseg_ros.methods.evs:EVS',
            'lernet_tha = vidseg_ros.methods.lernet_tha:LERNetTHAMethod',
            'temporal_unet = vidseg_ros.methods.temporal_unet:TemporalUNetMethod',
            'dvsnet = vidseg_ros.methods.dvsnet:DVSNet',
        ],
    },
)
