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
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.evaluation.matching import StampMatcher

KINDS = ('image', 'labels', 'truth')


def stamps(frames):
    return [frame.stamp_ns for frame in frames]


def test_a_frame_comes_out_when_all_its_parts_are_there():
    matcher = StampMatcher(KINDS)
    assert matcher.add('image', 10, 'i', 1) == []
    assert matcher.add('truth', 10, 't', 2) == []
    (frame,) = matcher.add('labels', 10, 'l', 3)
    assert frame.parts == {'image': 'i', 'truth': 't', 'labels': 'l'}
    assert frame.arrived_ns == {'image': 1, 'truth': 2, 'labels': 3}
    assert len(matcher) == 0


def test_the_order_in_which_the_kinds_come_does_not_matter():
    matcher = StampMatcher(KINDS)
    matcher.add('labels', 10, 'l')
    matcher.add('image', 10, 'i')
    assert stamps(matcher.add('truth', 10, 't')) == [10]


def test_stamps_match_exactly_or_not_at_all():
    matcher = StampMatcher(('image', 'labels'))
    matcher.add('image', 10, 'i')
    assert matcher.add('labels', 9, 'l')[0].parts == {'labels': 'l'}
    assert len(matcher) == 1


def test_a_frame_nobody_segmented_comes_out_when_labels_have_gone_past_it():
    matcher = StampMatcher(KINDS)
    for stamp in (10, 20, 30):
        matcher.add('image', stamp, 'i')
        matcher.add('truth', stamp, 't')
    assert stamps(matcher.add('labels', 10, 'l')) == [10]
    lost, found = matcher.add('labels', 30, 'l')
    assert (lost.stamp_ns, set(lost.parts)) == (20, {'image', 'truth'})
    assert (found.stamp_ns, set(found.parts)) == (30, set(KINDS))


def test_what_waits_at_the_end_is_flushed_in_order():
    matcher = StampMatcher(KINDS)
    for stamp in (10, 20):
        matcher.add('truth', stamp, 't')
    assert stamps(matcher.held()) == [10, 20]
    assert stamps(matcher.flush()) == [10, 20]
    assert len(matcher) == 0


def test_a_stream_that_begins_again_is_matched_lap_by_lap():
    matcher = StampMatcher(('image', 'labels'))
    out = []
    # The images are a lap ahead of the labels.
    for stamp in (10, 20, 10, 20):
        out += matcher.add('image', stamp, 'i')
    for stamp in (10, 20, 10, 20):
        out += matcher.add('labels', stamp, 'l')
    assert [(f.lap, f.stamp_ns, len(f.parts)) for f in out] == [
        (0, 10, 2), (0, 20, 2), (1, 10, 2), (1, 20, 2)]


def test_memory_is_bounded_when_a_kind_never_comes():
    matcher = StampMatcher(KINDS, limit=5)
    out = []
    for stamp in range(100):
        out += matcher.add('image', stamp, 'i')
    assert len(matcher) == 5
    assert stamps(out) == list(range(95))


@given(st.data())
def test_every_frame_comes_out_once_in_order_with_all_that_came(data):
    present = {kind: [s for s in range(12) if data.draw(st.booleans())] for kind in KINDS}
    queues = {kind: list(times) for kind, times in present.items()}
    matcher = StampMatcher(KINDS)
    out = []
    while any(queues.values()):
        kind = data.draw(st.sampled_from([k for k in KINDS if queues[k]]))
        stamp = queues[kind].pop(0)
        out += matcher.add(kind, stamp, (kind, stamp))
    out += matcher.flush()
    # A late part of a frame that had to wait for nobody is impossible: kinds keep their order.
    assert stamps(out) == sorted(set().union(*present.values()))
    for frame in out:
        assert set(frame.parts) == {k for k in KINDS if frame.stamp_ns in present[k]}
