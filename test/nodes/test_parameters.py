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
from pathlib import Path

import pytest

from vidseg_ros.nodes.parameter_document import document
from vidseg_ros.nodes.parameters import BY_NAME, TABLE, Effect, refusal
from vidseg_ros.nodes.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_document_is_current():
    """If this fails: python3 -m vidseg_ros.nodes.parameter_document > docs/parameters.md."""
    assert (ROOT / 'docs/parameters.md').read_text() == document()


def test_the_document_is_printed_by_the_command():
    run = subprocess.run([sys.executable, '-m', 'vidseg_ros.nodes.parameter_document'],
                         capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout == document()


@pytest.mark.parametrize('parameter', TABLE, ids=lambda parameter: parameter.name)
def test_every_default_is_possible_and_described(parameter):
    assert parameter.refusal(parameter.default) == ''
    assert parameter.description.endswith('.')
    assert parameter.type_name in ('bool', 'integer', 'double', 'string', 'string[]')


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('method', 'foo', "method: 'foo' is not one of "),
    ('cameras', [], 'cameras: 0 cameras; there can be 1 to 16'),
    ('cameras', ['a', 'a'], 'cameras: a camera is named twice'),
    ('cameras', ['front left'], "cameras: 'front left' can not be part of a topic name"),
    ('cameras', ['a/b'], "cameras: 'a/b' can not be part of a topic name"),
    ('cameras', ['1a'], "cameras: '1a' can not be part of a topic name"),
    ('cameras', ['a__b'], "cameras: 'a__b' can not be part of a topic name"),
    ('frame_policy', 'some', "frame_policy: 'some' is not one of latest, every"),
    ('overlay_opacity', 1.5, 'overlay_opacity: 1.5 is not within 0.0 to 1.0'),
    ('max_age_ms', -1, 'max_age_ms: -1 is not within 0 to 3600000'),
    ('checkpoint', 'random:x', "checkpoint: 'random:x' is not random:SEED"),
])
def test_impossible_values_are_refused_with_a_reason(name, value, reason):
    said = refusal({'overlay_legend': False, name: value})
    assert said.startswith(reason)


def test_a_checkpoint_that_is_not_there_is_refused():
    assert 'no such checkpoint' in refusal({'checkpoint': '/nowhere/x.safetensors'})
    assert refusal({'checkpoint': 'random:7'}) == ''


def test_names_that_are_not_ours_are_left_alone():
    assert refusal({'use_sim_time': True, 'qos_overrides./x.depth': 1}) == ''


def test_settings_tell_what_a_change_means():
    settings = Settings({})
    assert settings['gap_ms'] == BY_NAME['gap_ms'].default
    changed = settings.changed({'method': 'per_frame', 'gap_ms': 5})
    assert settings.effects(changed) == {Effect.SEGMENTER, Effect.PIPELINE}
    assert settings.effects(settings.changed({'method': 'fassvid'})) == set()
    assert changed.gap_ns == 5_000_000


def test_the_frame_policy_decides_about_quality_of_service():
    latest = Settings({'frame_policy': 'latest'})
    assert (latest.image_reliable, latest.image_depth, latest.output_depth) == (False, 1, 1)
    every = Settings({'frame_policy': 'every'})
    assert every.image_reliable
    assert every.image_depth is None  # the middleware keeps all
    assert every.output_depth >= 100
    chosen = every.changed({'image_qos_reliability': 'best_effort', 'image_qos_depth': 7})
    assert (chosen.image_reliable, chosen.image_depth) == (False, 7)


def test_a_method_gets_its_own_knobs_only():
    options = Settings({'method': 'fassvid', 'fassvid.frame_distance': 3,
                        'input_height': 256, 'input_width': 512}).method_options()
    assert options.extra == {'frame_distance': 3}
    assert options.input_size == (256, 512)
    assert Settings({'method': 'per_frame'}).method_options().extra == {}


def test_a_trace_replaces_no_other_file(tmp_path):
    path = tmp_path / 'notes.ini'
    assert refusal({'trace_file': str(path)}) == ''
    path.write_text('[section]')
    assert refusal({'trace_file': str(path)}) == \
        f'trace_file: {str(path)!r} is there and is not a trace'
    assert 'there is no folder' in refusal({'trace_file': str(tmp_path / 'none' / 'trace.json')})
    assert refusal({'trace_file': 'a\0b'})
