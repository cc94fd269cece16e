"""Overlays put every point where it is in metres, keep the mat's proportions, and warn of flagged frames."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from matpose.errors import MatposeError
from matpose.evaluation.palette import MISSING_RGB, point_rgb, pressure_rgb
from matpose.mat import PRESETS, Mat, preset
from matpose.pose import Keypoint, Point, Pose
from matpose.recording import JOINT_NAMES, Flag
from matpose.runtime.film import GIF_FRAMES, write_gif, write_pngs
from matpose.runtime.overlay import BAND_RGB, WARNING_RGB, overlay
from matpose.runtime.skeleton import LIMBS, MIDDLE_RGB, SIDE_RGB

MAT = Mat(64, 32, 0.0278, 0.0278)


def share(image: Image.Image, rgb: tuple[int, int, int]) -> float:
    return float((np.asarray(image) == rgb).all(axis=-1).mean())


def discs(image: Image.Image, index: int) -> np.ndarray:
    """(x, y) mean of the pixels in a point's colour."""
    rows, cols = np.nonzero((np.abs(np.asarray(image).astype(int) - point_rgb(index)) <= 2).all(axis=-1))
    return np.array([cols.mean(), rows.mean()])


def map_height_px(image: Image.Image) -> int:
    return int(np.nonzero((np.asarray(image)[:, 0] == BAND_RGB).all(axis=-1))[0][0])


@pytest.mark.parametrize("name", list(PRESETS))
def test_proportions_are_metric_on_every_mat(name):
    mat = preset(name)
    image = overlay(np.zeros((mat.rows, mat.cols)), mat, Pose(0, 0.0))
    assert image.height == 640
    assert image.width / map_height_px(image) == pytest.approx(mat.width_m / mat.height_m, abs=0.003)


@pytest.mark.parametrize("xy_m", [(0.2, 0.3), (0.7, 1.5), (0.4448, 0.8896)])
def test_a_point_is_drawn_at_its_metres(xy_m):
    image = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0, [None, None, Point(xy_m, 0.03)]))
    expected = np.array(xy_m) * map_height_px(image) / MAT.height_m
    np.testing.assert_allclose(discs(image, 2), expected, atol=1.5)


def test_a_point_lies_on_the_cell_it_was_found_in():
    frame = np.zeros((64, 32))
    frame[20, 5] = 5.0
    image = overlay(frame, MAT, Pose(0, 0.0))
    rows, cols = np.nonzero(np.asarray(image)[: map_height_px(image)].sum(axis=-1) > 300)
    marked = overlay(frame, MAT, Pose(0, 0.0, [Point((5.5 * 0.0278, 20.5 * 0.0278), 0.01)]))
    np.testing.assert_allclose(discs(marked, 0), (cols.mean(), rows.mean()), atol=1.5)


def test_untrusted_points_are_not_drawn():
    bare = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0))
    assert overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0, [None] * 24)) == bare


def test_a_point_beyond_the_mat_does_not_break_the_picture():
    far = Pose(0, 0.0, [Point((-3.0, 9.0), 0.01)])
    assert overlay(np.zeros((64, 32)), MAT, far) == overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0))


def test_cells_without_a_reading_are_grey_and_others_are_not():
    frame = np.random.default_rng(0).random((64, 32))
    assert share(overlay(frame, MAT, Pose(0, 0.0)), MISSING_RGB) == 0
    frame[:16] = np.nan
    image = overlay(frame, MAT, Pose(0, 0.0))
    assert share(image, MISSING_RGB) == pytest.approx(0.25 * map_height_px(image) / 640, rel=0.02)


def test_a_frame_of_nothing_but_nan_is_grey():
    assert share(overlay(np.full((64, 32), np.nan), MAT, Pose(0, 0.0)), MISSING_RGB) > 0.85


def test_flagged_frames_carry_a_warning_of_unchanged_size():
    calm = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0))
    warned = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0, flags=Flag.SATURATED))
    every = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0, flags=Flag(1023)))
    assert share(calm, WARNING_RGB) == 0
    assert share(warned, WARNING_RGB) > 0.02
    assert calm.size == warned.size == every.size
    edge = np.asarray(every)[-20:, -9:]
    assert (edge == WARNING_RGB).all()  # however many the flags, their words end before the edge


def test_the_posture_is_written():
    def caption(posture: str, probability: float) -> bytes:
        pose = Pose(0, 0.0, posture=posture, probabilities={posture: probability})
        image = overlay(np.zeros((64, 32)), MAT, pose)
        return image.crop((image.width // 2, map_height_px(image), image.width, 640)).tobytes()

    assert len({caption("supine", 0.9), caption("left", 0.9), caption("left", 0.6)}) == 3


def test_one_scale_for_a_film_keeps_brightness_comparable():
    weak, strong = np.full((64, 32), 1.0), np.full((64, 32), 4.0)
    assert overlay(weak, MAT, Pose(0, 0.0)) == overlay(strong, MAT, Pose(0, 0.0))
    assert overlay(weak, MAT, Pose(0, 0.0), scale=4.0) != overlay(strong, MAT, Pose(0, 0.0), scale=4.0)


@pytest.mark.parametrize(
    ("frame", "mat", "height_px"),
    [
        (np.zeros((32, 64)), MAT, 640),
        (np.zeros((64, 32)), Mat(64, 32, None, None), 640),
        (np.zeros((64, 32)), MAT, 20),
    ],
)
def test_impossible_pictures_are_refused(frame, mat, height_px):
    with pytest.raises(MatposeError, match="Mend: "):
        overlay(frame, mat, Pose(0, 0.0), height_px=height_px)


@pytest.mark.parametrize("grid", [(1, 4096), (4096, 1), (1, 1)])
def test_strange_mats_neither_fill_the_memory_nor_crash(grid):
    image = overlay(np.ones(grid), Mat(grid[0], grid[1], 0.01, 0.01), Pose(0, 0.0, [Point((0.0, 0.0), 0.1)]))
    assert image.height == 640
    assert image.width <= 2000


def test_drawing_keeps_up_with_a_hundred_frames_a_second():
    mat = preset("bpms")
    frame = np.random.default_rng(0).random((mat.rows, mat.cols))
    pose = Pose(0, 0.0, [Point((0.4, 1.0), 0.03)] * 32, posture="supine", flags=Flag.HOT)
    overlay(frame, mat, pose)
    best = min(_seconds(frame, mat, pose) for _ in range(20))
    assert best < 0.01


def _seconds(frame: np.ndarray, mat: Mat, pose: Pose) -> float:
    start = time.perf_counter()
    overlay(frame, mat, pose)
    return time.perf_counter() - start


# --- files ---


def film(count: int):
    for index in range(count):
        frame = np.zeros((64, 32))
        frame[index % 64] = 5.0
        yield overlay(frame, MAT, Pose(index, float(index), [Point((0.4, 0.9), 0.1)]), height_px=160, scale=5.0)


def test_pngs_carry_the_frames_number_and_its_pixels(tmp_path):
    pictures = list(film(2))
    assert write_pngs(tmp_path / "out", zip((7, 120), pictures, strict=True)) == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frame_000007.png",
        "frame_000120.png",
    ]
    assert Image.open(tmp_path / "out" / "frame_000120.png").tobytes() == pictures[1].tobytes()


def test_a_gif_holds_every_picture_at_its_rate_and_loops(tmp_path):
    assert write_gif(tmp_path / "night.gif", film(5), fps=4) is None
    with Image.open(tmp_path / "night.gif") as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (5, 250, 0)  # type: ignore[attr-defined]
        assert gif.size == next(film(1)).size
        gif.seek(4)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - np.asarray(list(film(5))[4])).mean() < 3


def test_points_keep_their_colours_in_a_gif_whose_first_picture_lacks_them(tmp_path):
    first = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0))
    second = overlay(
        np.zeros((64, 32)),
        MAT,
        Pose(1, 1.0, [Point((0.2 + 0.15 * i, 0.9), 0.1) for i in range(4)]),
        scale=5.0,
    )
    write_gif(tmp_path / "night.gif", [first, second], fps=4)
    with Image.open(tmp_path / "night.gif") as gif:
        gif.seek(1)
        shown = gif.convert("RGB")
    for index in range(4):
        np.testing.assert_allclose(discs(shown, index), discs(second, index), atol=1.0)


def test_a_long_film_is_cut_and_says_so(tmp_path):
    taken = 0

    def endless():
        nonlocal taken
        picture = next(film(1))
        while True:
            taken += 1
            changed = picture.copy()
            changed.putpixel((taken % picture.width, taken // picture.width), (255, 255, 255))
            yield changed

    note = write_gif(tmp_path / "night.gif", endless(), fps=10)
    assert note
    assert str(GIF_FRAMES) in note
    assert taken == GIF_FRAMES + 1
    with Image.open(tmp_path / "night.gif") as gif:
        assert gif.n_frames == GIF_FRAMES  # type: ignore[attr-defined]


def test_a_film_of_exactly_the_cap_is_not_called_cut(tmp_path):
    picture = next(film(1))
    assert write_gif(tmp_path / "night.gif", (picture for _ in range(GIF_FRAMES)), fps=10) is None


@pytest.mark.parametrize(("count", "fps"), [(0, 5), (1, 0), (1, -1), (1, 51), (1, float("nan"))])
def test_films_that_cannot_be_are_refused(tmp_path, count, fps):
    with pytest.raises(MatposeError, match="Mend: "):
        write_gif(tmp_path / "night.gif", film(count), fps=fps)
    assert list(tmp_path.iterdir()) == []


def test_a_real_person_looks_like_one(real_data):
    mat = preset("pmatdata-i")
    line = (real_data / "pmatdata" / "experiment-i" / "S1" / "1.txt").read_text().splitlines()[30]
    frame = mat.canonical(np.array(line.split(), dtype=float).reshape(64, 32)) * 0.0133322
    image = overlay(frame, mat, Pose(30, 30.0, posture="supine"))
    height = map_height_px(image)
    light = np.asarray(image.convert("L"))[:height].astype(float)
    middle = light[:, image.width // 4 : 3 * image.width // 4].mean()
    edges = np.concatenate([light[:, : image.width // 10], light[:, -image.width // 10 :]], axis=1).mean()
    assert middle > 3 * edges
    loaded = np.kron(frame > 2.0, np.ones((9, 9)))
    shown = np.asarray(image.convert("L").resize((32 * 9, 64 * 9), box=(0, 0, image.width, height))) > 80
    assert np.corrcoef(loaded.ravel(), shown.ravel())[0, 1] > 0.5


def _posed(confidence: float = 1.0, contact: float = 1.0, **moved: tuple[float, float] | None) -> Pose:
    """Hips, a shoulder and the thorax as named joints, and a numbered point that they replace."""
    places = {
        "left_hip": (0.6, 0.9),
        "right_hip": (0.3, 0.9),
        "left_shoulder": (0.6, 0.4),
        "thorax": (0.45, 0.3),
    } | moved
    keypoints = {name: xy and Keypoint(xy, confidence, contact) for name, xy in places.items()}
    return Pose(0, 0.0, points=[Point((0.2, 1.5), 0.03)], keypoints=keypoints)


def _pixel(image: Image.Image, xy_m: tuple[float, float]) -> tuple[int, ...]:
    x, y = (round(value * map_height_px(image) / MAT.height_m) for value in xy_m)
    return tuple(np.asarray(image)[y, x].tolist())


def test_joints_and_limbs_are_drawn_at_their_metres_in_their_sides_colour():
    image = overlay(np.zeros((64, 32)), MAT, _posed())
    assert _pixel(image, (0.6, 0.9)) == SIDE_RGB["left"]
    assert _pixel(image, (0.3, 0.9)) == SIDE_RGB["right"]
    assert _pixel(image, (0.45, 0.3)) == MIDDLE_RGB
    assert _pixel(image, (0.6, 0.65)) == SIDE_RGB["left"]  # half-way from hip to shoulder
    assert _pixel(image, (0.45, 0.9)) == MIDDLE_RGB  # between the hips
    assert _pixel(image, (0.3, 0.5)) == tuple(pressure_rgb()[0])  # nothing but pressure
    assert share(image, point_rgb(0)) == 0  # joints replace the numbered points


def test_a_joint_fades_with_its_confidence():
    empty = overlay(np.zeros((64, 32)), MAT, Pose(0, 0.0))
    blue = [_pixel(overlay(np.zeros((64, 32)), MAT, _posed(trust)), (0.6, 0.9))[2] for trust in (1.0, 0.5, 0.1)]
    assert blue[0] > 1.7 * blue[1] > 2 * blue[2] > 0
    assert overlay(np.zeros((64, 32)), MAT, _posed(0.0)) == empty


def test_a_joint_that_does_not_press_is_a_ring():
    image = overlay(np.zeros((64, 32)), MAT, _posed(contact=0.1, right_hip=None, left_shoulder=None))
    assert max(_pixel(image, (0.6, 0.9))) < 10
    assert share(image, SIDE_RGB["left"]) > 0


def test_untrusted_joints_and_their_limbs_are_not_drawn():
    image = overlay(np.zeros((64, 32)), MAT, _posed(left_hip=None))
    assert _pixel(image, (0.6, 0.9)) == _pixel(image, (0.6, 0.65)) == tuple(pressure_rgb()[0])
    assert _pixel(image, (0.3, 0.9)) == SIDE_RGB["right"]


def test_limbs_join_known_joints_and_every_joint_has_one():
    assert {name for limb in LIMBS for name in limb} == set(JOINT_NAMES)
    assert len(LIMBS) == len({frozenset(limb) for limb in LIMBS}) == 14
