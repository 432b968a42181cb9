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
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidseg_ros.datasets.street.camera import NEAR_M, Camera, clip_near
from vidseg_ros.datasets.street.canvas import Canvas
from vidseg_ros.datasets.street.light import Light
from vidseg_ros.datasets.street.painter import Painter, box_faces, label_id
from vidseg_ros.datasets.street.renderer import StreetRenderer, _back_to_front, _shadow
from vidseg_ros.datasets.street.things import Still, Thing, Vehicle
from vidseg_ros.labels.convert import cityscapes_ids_to_train_ids
from vidseg_ros.labels.space import IGNORE

SIZE = (128, 256)

HASH_SCRIPT = """
import hashlib, sys
from vidseg_ros.datasets.street.renderer import StreetRenderer
rendering = StreetRenderer((7, 1), 20, (128, 256)).render(11)
print(hashlib.sha256(rendering.image.tobytes() + rendering.label_ids.tobytes()).hexdigest())
"""


@pytest.fixture(scope='module')
def street():
    return StreetRenderer((7, 1), 20, SIZE)


def fingerprint(rendering):
    return hashlib.sha256(rendering.image.tobytes() + rendering.label_ids.tobytes()).hexdigest()


def test_shapes_and_labels(street):
    rendering = street.render(0)
    assert rendering.image.shape == (*SIZE, 3)
    assert rendering.label_ids.shape == SIZE
    assert rendering.image.dtype == rendering.label_ids.dtype == np.uint8
    # Everything in the street is of a class that is evaluated.
    assert (cityscapes_ids_to_train_ids()[rendering.label_ids] != IGNORE).all()


def test_the_usual_things_are_there():
    seen = set()
    for seed in range(3):
        renderer = StreetRenderer(seed, 120, SIZE)
        for frame in range(0, 120, 30):
            seen |= set(np.unique(renderer.render(frame).label_ids).tolist())
    wanted = {label_id(name) for name in (
        'road', 'sidewalk', 'building', 'pole', 'traffic light', 'traffic sign', 'vegetation',
        'terrain', 'sky', 'person', 'rider', 'car', 'motorcycle', 'bicycle')}
    assert wanted <= seen


def test_road_below_sky_above(street):
    labels = street.render(5).label_ids
    height = SIZE[0]
    rows = np.arange(height)[:, None] + np.zeros(SIZE, int)
    assert rows[labels == label_id('road')].min() > 0.4 * height
    assert rows[labels == label_id('sky')].max() < 0.5 * height
    assert (labels[-1] == label_id('road')).mean() > 0.5


def test_same_pictures_in_another_process_and_order(street):
    there = []
    for hash_seed in ('1', '2'):
        done = subprocess.run([sys.executable, '-c', HASH_SCRIPT], capture_output=True, text=True,
                              timeout=120, check=True,
                              env={**os.environ, 'PYTHONHASHSEED': hash_seed})
        there.append(done.stdout.strip())
    street.render(3)
    first = fingerprint(street.render(11))
    street.render(19)
    assert [first, fingerprint(street.render(11))] == there


def test_other_seeds_are_other_streets(street):
    other = StreetRenderer((8, 1), 20, SIZE).render(11)
    assert fingerprint(other) != fingerprint(street.render(11))


def test_frames_follow_each_other(street):
    """Neighbours in time are alike, but not the same; far ones differ more."""
    frames = [street.render(i) for i in (4, 5, 14)]
    near = (frames[0].label_ids == frames[1].label_ids).mean()
    far = (frames[0].label_ids == frames[2].label_ids).mean()
    assert 0.9 < near < 1.0
    assert far < near


def test_traffic_moves_independently_of_the_camera(street):
    scene = street.scene
    speeds = set()
    for thing in scene.things:
        now, later = thing.bounds(0.0), thing.bounds(0.5)
        speeds.add(round((later[2] - now[2]) / 0.5, 1))
    assert 0.0 in speeds
    assert any(speed > 1 for speed in speeds)
    assert any(speed < -1 for speed in speeds)


def test_sunlight_changes():
    scene = StreetRenderer(3, 300, SIZE).scene
    strengths = [scene.light(time).strength for time in np.linspace(0, 17, 60)]
    assert max(strengths) - min(strengths) > 0.1


def test_shadows_fall_away_from_the_sun():
    light = Light(azimuth=np.pi / 2, elevation=np.pi / 4, strength=1.0)
    hull = _shadow((-1.0, 1.0, 10.0, 12.0), 0.0, 3.0, light)
    # The sun stands right: the shadow reaches three metres to the left.
    assert hull[:, 0].min() == pytest.approx(-4.0, abs=1e-4)
    assert hull[:, 0].max() == pytest.approx(1.0, abs=1e-4)
    assert light.gain((0, 1, 0), shadow=1.0)[0] < light.gain((0, 1, 0))[0]


@pytest.mark.parametrize('size', [(64, 64), (97, 131), (180, 240)])
def test_any_size(size):
    rendering = StreetRenderer(1, 2, size).render(1)
    assert rendering.image.shape == (*size, 3)
    assert rendering.label_ids.shape == size


@pytest.mark.parametrize('frame', [-1, 20])
def test_frames_beyond_the_drive(street, frame):
    with pytest.raises(IndexError, match='drive of 20'):
        street.render(frame)


def test_labels_are_where_the_geometry_says():
    """A wall's label covers exactly the pixels whose rays hit it, up to its outline."""
    camera = Camera((120, 240), (0.3, 1.4, 0.0), yaw=0.05, pitch=0.02)
    canvas = Canvas(camera)
    painter = Painter(canvas, Light(0.5, 0.8, 1.0))
    face = box_faces((-1.0, 2.0), (0.5, 2.5), (9.0, 12.0))['low']
    assert painter.face(face, (200, 200, 200), 11)
    labels = canvas.finish()[1]
    v, u = np.mgrid[0:120, 0:240]
    rays = np.stack([(u - camera.centre[0]) / camera.focal, (v - camera.centre[1]) / camera.focal,
                     np.ones(u.shape)], -1) @ camera.rotation
    hit = camera.position + rays * ((9.0 - camera.position[2]) / rays[..., 2])[..., None]
    inside = ((hit[..., 0] > -1) & (hit[..., 0] < 2) & (hit[..., 1] > 0.5) & (hit[..., 1] < 2.5))
    wrong = (labels == 11) != inside
    outline = (np.minimum.reduce([np.abs(hit[..., 0] + 1), np.abs(hit[..., 0] - 2),
                                  np.abs(hit[..., 1] - 0.5), np.abs(hit[..., 1] - 2.5)])
               < 9.5 / camera.focal)
    assert inside.sum() > 1000
    assert not (wrong & ~outline).any()


def test_backs_are_not_painted():
    canvas = Canvas(Camera((60, 120), (0.0, 1.4, 0.0), 0.0, 0.0))
    painter = Painter(canvas, Light(0.5, 0.8, 1.0))
    faces = box_faces((-1.0, 1.0), (0.0, 1.0), (8.0, 9.0))
    seen = {name for name, face in faces.items() if painter.face(face, (9, 9, 9), 11)}
    assert seen == {'low', 'top'}


def test_colour_and_label_go_together():
    camera = Camera((60, 120), (0.0, 1.4, 0.0), 0.0, 0.0)
    canvas = Canvas(camera)
    Painter(canvas, Light(0.5, 0.8, 1.0)).face(
        box_faces((-1.0, 1.0), (0.0, 1.0), (8.0, 9.0))['low'], (90, 90, 90), 26)
    painted = canvas.pixels[..., :3].any(axis=2)
    assert np.array_equal(painted, canvas.pixels[..., 3] == 26)


@given(st.tuples(*[st.floats(-5, 5)] * 3), st.floats(-0.5, 0.5), st.floats(-0.3, 0.3))
def test_single_points_project_as_arrays_do(offset, yaw, pitch):
    camera = Camera((100, 200), (1.0, 1.4, 3.0), yaw, pitch)
    point = (offset[0], offset[1], offset[2] + 20.0)
    seen = camera.to_camera(np.array([point]))
    u, v, depth = camera.project_point(point)
    assert depth == pytest.approx(seen[0, 2])
    assert (u, v) == pytest.approx(tuple(camera.pixels(seen)[0]))


def test_rotation_is_a_rotation():
    rotation = Camera((100, 200), (1.0, 1.4, 3.0), 0.3, 0.1).rotation
    assert np.allclose(rotation @ rotation.T, np.eye(3))


@given(st.lists(st.tuples(*[st.floats(-20, 20)] * 3), min_size=3, max_size=6))
def test_nothing_behind_the_near_plane_is_left(points):
    kept = clip_near(np.array(points))
    if max(point[2] for point in points) < NEAR_M:
        assert kept is None
    elif kept is not None:
        assert kept[:, 2].min() >= NEAR_M - 1e-9


class _Block(Thing):
    height = 1.0

    def __init__(self, bounds):
        self._bounds = bounds

    def bounds(self, time):
        return self._bounds

    def paint(self, painter, time):
        raise NotImplementedError


def _entry(block, slope):
    """Return where the ray x = slope * z from the origin enters a block, None if it doesn't."""
    x0, x1, z0, z1 = block.bounds(0.0)
    low, high = z0, z1
    if abs(slope) < 1e-9:
        return low if x0 < 0 < x1 else None
    a, b = sorted((x0 / slope, x1 / slope))
    low, high = max(low, a), min(high, b)
    return low if low < high - 1e-6 else None


CELLS = st.sets(st.tuples(st.integers(-4, 4), st.integers(1, 8)), min_size=2, max_size=14)


@settings(max_examples=200)
@given(CELLS, st.randoms(use_true_random=False))
def test_what_is_painted_last_is_nearest(cells, random):
    """Blocks in the cells of a grid never overlap; every ray must meet the last painted first."""
    blocks = []
    for x, z in cells:
        wide, long = random.uniform(0.2, 1.9), random.uniform(0.2, 2.9)
        blocks.append(_Block((2.0 * x - wide / 2, 2.0 * x + wide / 2,
                              3.0 * z - long / 2, 3.0 * z + long / 2)))
    random.shuffle(blocks)
    order = _back_to_front(blocks, 0.0, Camera((100, 200), (0.0, 1.4, 0.0), 0.0, 0.0))
    assert sorted(map(id, order)) == sorted(map(id, blocks))
    for slope in np.linspace(-2, 2, 41).tolist():
        hits = [(rank, _entry(block, slope)) for rank, block in enumerate(order)]
        depths = [depth for _, depth in hits if depth is not None]
        assert depths == sorted(depths, reverse=True)


@pytest.mark.parametrize('kind', ['car', 'estate', 'van', 'truck', 'bus'])
@pytest.mark.parametrize('heading', [-1, 1])
def test_vehicles_stay_within_their_bounds(kind, heading):
    """What is painted of a vehicle lies within the outline of its box."""
    vehicle = Vehicle(kind, Still(0.0, 16.0), heading, (200.0, 30.0, 30.0))
    camera = Camera((240, 320), (1.5, 1.4, 0.0), 0.0, 0.0)
    canvas = Canvas(camera)
    vehicle.paint(Painter(canvas, Light(0.5, 0.8, 1.0)), 0.0)
    rows, columns = np.nonzero(canvas.finish()[1] == vehicle.label)
    x0, x1, z0, z1 = vehicle.bounds(0.0)
    corners = np.array([(x, y, z) for x in (x0, x1) for y in (0, vehicle.height)
                        for z in (z0, z1)])
    places = camera.pixels(camera.to_camera(corners))
    assert columns.size > 200
    assert columns.min() >= places[:, 0].min() - 1.5
    assert columns.max() <= places[:, 0].max() + 1.5
    assert rows.min() >= places[:, 1].min() - 1.5
    assert rows.max() <= places[:, 1].max() + 1.5
