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
import subprocess
import sys

from vidseg_ros.engines import load
from vidseg_ros.engines.load import Load, LoadMeter


def test_own_work_and_that_of_children_is_not_that_of_others(monkeypatch):
    busy = [100.0]
    monkeypatch.setattr(load, '_busy_s', lambda: busy[0])
    meter = LoadMeter()
    used = meter._own_s()
    subprocess.run([sys.executable, '-c', 'sum(range(5_000_000))'], check=True)
    own = meter._own_s() - used
    assert own > 0
    monkeypatch.setattr(meter, '_own_s', lambda: used + own)
    busy[0] += own
    found = meter.read()
    assert found.others < 1e-9 and not found.disturbed and found.warning() == ''


def test_the_work_of_others_is_told():
    found = Load(10.0, 1.5, 0.4, 2)
    assert found.disturbed and '0.40 of 2 cores' in found.warning()
    assert found.entry() == {'seconds': 10.0, 'own_cores': 1.5, 'others_cores': 0.4, 'cores': 2,
                             'disturbed': True}
