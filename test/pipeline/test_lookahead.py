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
from vidseg_ros.pipeline.lookahead import MARGIN_NS, LookAhead

MS = 1_000_000


def test_begins_at_once_while_the_device_is_free():
    look = LookAhead()
    assert look.delay_ns(0) == 0
    look.observed(10 * MS)
    assert look.delay_ns(0) == 0


def test_begins_so_that_observing_ends_when_the_device_does():
    look = LookAhead()
    look.observed(8 * MS)
    look.device_began(0)
    look.device_done(100 * MS)
    look.device_began(200 * MS)
    assert look.delay_ns(200 * MS) == 100 * MS - 10 * MS - MARGIN_NS
    assert look.delay_ns(295 * MS) == 0
    assert look.delay_ns(999 * MS) == 0
    look.device_done(300 * MS)
    assert look.delay_ns(300 * MS) == 0


def test_what_is_ahead_already_is_waited_for():
    look = LookAhead()
    look.observed(4 * MS)
    look.device_began(0)
    look.device_done(20 * MS)
    # The device is free, but one is being observed for it.
    assert look.delay_ns(20 * MS, 1) == 20 * MS - 5 * MS - MARGIN_NS
    # They go together, so there is nothing to wait for.
    assert look.delay_ns(20 * MS, 1, 2) == 0
    look.device_began(20 * MS)
    assert look.delay_ns(25 * MS, 1) == (15 + 20 - 5) * MS - MARGIN_NS
    assert look.delay_ns(25 * MS, 3, 2) == (15 + 20 - 5) * MS - MARGIN_NS


def test_a_costly_observe_is_begun_although_others_are_ahead():
    look = LookAhead()
    look.observed(30 * MS)
    look.device_began(0)
    look.device_done(2 * MS)
    assert look.delay_ns(2 * MS, 3) == 0


def test_another_segmenter_is_learnt_anew():
    look = LookAhead()
    look.observed(30 * MS)
    look.device_began(0)
    look.device_done(50 * MS)
    look.forget()
    assert look.delay_ns(60 * MS, 5) == 0
    assert look.observe_ns == 0
