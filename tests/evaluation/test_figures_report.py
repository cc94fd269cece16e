"""Pictures show what they are given, where it is; reports are whole, self-contained and escaped."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from matpose.errors import MatposeError
from matpose.evaluation.charts import confusion, loss_curves
from matpose.evaluation.figures import heatmaps, maps_with_points, reconstruction_pairs
from matpose.evaluation.palette import brightness, full_scale, point_rgb, pressure_rgb
from matpose.evaluation.report import Section, write_report


def images(figure: Figure) -> list[AxesImage]:
    return [image for axes in figure.axes for image in axes.images]


def pixels(image: AxesImage) -> np.ndarray:
    return np.asarray(image.get_array())


def luminance(rgb) -> np.ndarray:
    linear = np.where((value := np.asarray(rgb) / 255) <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


# --- colours ---


def test_pressure_colours_grow_lighter_with_pressure():
    assert (np.diff(luminance(pressure_rgb())) > 0).mean() > 0.99


def test_dark_numerals_are_readable_on_every_point():
    contrast = [(luminance(point_rgb(index)) + 0.05) / 0.05 for index in range(128)]
    assert min(contrast) > 4.5  # WCAG 2.1, level AA


def test_points_of_neighbouring_numbers_differ_clearly():
    colours = np.array([point_rgb(index) for index in range(128)], dtype=float)
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 60
    assert len({tuple(colour) for colour in colours.tolist()}) == 128


def test_one_hot_cell_does_not_darken_the_person():
    person = np.zeros((64, 32))
    person[10:50, 8:24] = 4.0
    hot = person.copy()
    hot[0, 0] = 400.0
    assert full_scale(hot) == pytest.approx(full_scale(person))


def test_an_empty_mat_is_drawn_dark_and_a_missing_cell_stays_missing():
    empty = np.zeros((4, 4))
    empty[0, 0] = np.nan
    shade = brightness(empty, full_scale(empty))
    assert np.isnan(shade[0, 0])
    assert np.nansum(shade) == 0


# --- maps ---


def test_points_lie_where_their_coordinates_say_in_metres():
    xy_norm = np.array([[[-1.0, -1.0], [0.0, 0.5], [np.nan, 0.0]]])
    figure = maps_with_points(np.ones((1, 64, 32)), xy_norm, cell_m=0.032, titles=["one"])
    (panel,) = figure.axes
    np.testing.assert_allclose(images(figure)[0].get_extent(), [0, 1.024, 2.048, 0])
    drawn = [np.ravel(line.get_xydata()).tolist() for line in panel.lines]
    np.testing.assert_allclose(drawn, [[0, 0], [0.512, 1.536]])
    assert [text.get_text() for text in panel.texts] == ["0", "1"]  # the third is not to be trusted


def test_a_point_keeps_its_colour_over_maps_when_another_is_missing():
    xy_norm = np.zeros((2, 3, 2))
    xy_norm[1, 0] = np.nan
    first, second = maps_with_points(np.ones((2, 8, 4)), xy_norm, cell_m=0.1, titles=["a", "b"]).axes
    assert [line.get_color() for line in second.lines] == [line.get_color() for line in first.lines[1:]]


def test_spread_is_drawn_as_a_ring_of_that_radius():
    figure = maps_with_points(
        np.ones((1, 8, 4)), np.zeros((1, 1, 2)), cell_m=0.1, titles=[""], spread=np.array([[0.07]])
    )
    (ring,) = figure.axes[0].patches
    np.testing.assert_allclose(ring.get_extents().height, _pixels(figure, 0.14), rtol=1e-6)


def _pixels(figure: Figure, metres: float) -> float:
    _, foot, head = figure.axes[0].transData.transform([(0, 0), (0, metres), (0, 0)])[:, 1]
    return abs(head - foot)


def test_input_and_reconstruction_share_one_scale_and_the_difference_is_signed():
    seen = np.zeros((1, 8, 4))
    seen[0, 2, 1] = 8.0
    rebuilt = seen / 2
    left, middle, right = images(reconstruction_pairs(seen, rebuilt, ["S1"]))[:3]
    assert left.norm.vmax == middle.norm.vmax == 8.0
    assert pixels(right).min() == -4.0
    assert (right.norm.vmin, right.norm.vmax) == (-8.0, 8.0)


def test_every_heatmap_peaks_in_its_own_panel_and_flat_ones_do_not_divide_by_zero():
    stack = np.zeros((3, 16, 8))
    stack[0, 4, 2] = 0.5
    stack[1, 12, 6] = 0.1
    figure = heatmaps(np.ones((64, 32)), stack, np.zeros((3, 2)))
    glows = [pixels(axes.images[1])[..., 3] for axes in figure.axes]
    assert [tuple(np.argwhere(glow == 1)[0].tolist()) for glow in glows[:2]] == [(4, 2), (12, 6)]
    assert glows[2].max() == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda: maps_with_points(np.ones((2, 4, 4)), np.zeros((1, 3, 2)), cell_m=0.1, titles=["a", "b"]),
        lambda: maps_with_points(np.ones((0, 4, 4)), np.zeros((0, 3, 2)), cell_m=0.1, titles=[]),
        lambda: reconstruction_pairs(np.ones((2, 4, 4)), np.ones((1, 4, 4)), ["a", "b"]),
        lambda: heatmaps(np.ones((4, 4)), np.ones((3, 4, 4)), np.zeros((2, 2))),
        lambda: confusion(np.ones((2, 3)), ["a", "b"]),
        lambda: loss_curves([{"stage": "presence", "epoch": 1}]),
    ],
)
def test_what_does_not_fit_together_is_refused_with_a_mend(draw):
    with pytest.raises(MatposeError, match="Mend: "):
        draw()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pages_hold_exactly_the_maps_given_and_can_be_saved(count):
    figure = maps_with_points(np.full((count, 8, 4), np.nan), np.zeros((count, 2, 2)), cell_m=0.1, titles=["x"] * count)
    assert len(figure.axes) == count
    assert _png(figure).width <= 1100


def _png(figure: Figure) -> Image.Image:
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


# --- charts ---


def test_loss_curves_draw_what_was_measured_and_mark_the_border_of_stages():
    rows = [
        {"stage": "presence", "train_loss": 3.0, "val_loss": 4.0, "val_presence_f": 0.5},
        {"stage": "presence", "train_loss": 2.0, "val_loss": 3.0, "val_presence_f": 0.6},
        {"stage": "pressure", "train_loss": 1.0, "val_loss": None, "val_ssim": 0.7},
    ]
    loss, ssim, presence = loss_curves(rows).axes
    assert [axes.get_title(loc="left") for axes in (loss, ssim, presence)] == [
        "loss",
        "SSIM",
        "presence F-score",
    ]
    train, validation, border = loss.lines
    assert np.ravel(train.get_ydata()).tolist() == pytest.approx([3.0, 2.0, np.nan, 1.0], nan_ok=True)
    assert np.ravel(train.get_xdata()).tolist() == pytest.approx([1.0, 2.0, np.nan, 3.0], nan_ok=True)
    assert np.isnan(np.ravel(validation.get_ydata())[3])
    assert set(np.ravel(border.get_xdata()).tolist()) == {2.5}
    assert [text.get_text() for text in loss.texts] == ["presence", "pressure"]


def test_confusion_shows_counts_coloured_by_share_of_the_truth():
    figure = confusion(np.array([[8, 2], [0, 1]]), ["supine", "left"])
    (panel,) = figure.axes
    assert pixels(panel.images[0]).tolist() == [[0.8, 0.2], [0.0, 1.0]]
    assert [text.get_text() for text in panel.texts] == ["8", "2", "\N{MIDDLE DOT}", "1"]


def test_a_class_that_never_occurs_is_no_division_by_zero():
    figure = confusion(np.array([[0, 0], [0, 3]]), ["supine", "left"])
    assert np.isfinite(pixels(figure.axes[0].images[0])).all()


# --- report ---


class Page(HTMLParser):
    """Collects tags with their attributes, and checks that they nest."""

    void = frozenset({"meta", "img", "br", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.fixture
def page(tmp_path):
    figure = confusion(np.eye(2), ["supine", "left"])
    path = write_report(
        tmp_path / "new" / "report.html",
        title="<script>alert(1)</script>",
        lead='a "lead" & more',
        facts=[("<b>", "93 <i>")],
        sections=[
            Section("One & two", "first\n\nsecond <p>", figure=figure, alt='a "picture" <of>'),
            Section(
                "Table",
                table=[{"name": "a<b", "value": 0.123456}, {"name": "c", "count": 12345, "value": np.nan}],
            ),
        ],
    )
    return path.read_text("utf-8")


def test_a_report_is_well_formed_and_escapes_what_it_is_given(page):
    parsed = Page(page)
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert not {"b", "i", "of"} & {tag for tag, _ in parsed.tags}
    for text in (
        "<script>alert(1)</script>",
        'a "lead" & more',
        "93 <i>",
        "second <p>",
        "a<b",
        "0.1235",
        "12,345",
    ):
        assert text in parsed.words
    assert "nan" not in parsed.words.lower()


def test_a_report_fetches_nothing(page):
    parsed = Page(page)
    addresses = [value for _, attrs in parsed.tags for name, value in attrs.items() if name in ("src", "href")]
    assert addresses
    assert all(address and address.startswith("data:image/png;base64,") for address in addresses)
    without_pictures = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"//|@import|url\(", without_pictures)


def test_pictures_in_a_report_are_real_and_described(page):
    (image,) = [attrs for tag, attrs in Page(page).tags if tag == "img"]
    assert image["alt"] == 'a "picture" <of>'
    assert image["src"]
    assert Image.open(BytesIO(b64decode(image["src"].split(",")[1]))).format == "PNG"


def test_a_report_says_what_it_is_not_and_serves_both_lights(page):
    assert "Research use, not a medical device" in Page(page).words
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_text_and_page_contrast_in_both_lights(page):
    themes = re.findall(r"--page: (#\w+); --ink: (#\w+); --soft: (#\w+);", page)
    assert len(themes) == 3  # light, dark, print
    for ground, *inks in themes:
        for ink in inks:
            dark, light = sorted(luminance(_rgb(colour)) for colour in (ground, ink))
            assert (light + 0.05) / (dark + 0.05) > 4.5


def _rgb(colour: str) -> list[int]:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [int(digits[index : index + 2], 16) for index in (0, 2, 4)]


def test_headings_step_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in Page(page).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_report_that_fails_leaves_the_old_one_whole(tmp_path):
    path = write_report(tmp_path / "report.html", title="old", lead="")
    old = path.read_bytes()

    class Broken(Figure):
        def savefig(self, *args, **kwargs):
            raise RuntimeError("no picture")

    with pytest.raises(RuntimeError):
        write_report(path, title="new", lead="", sections=[Section("x", figure=Broken())])
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MatposeError, match="cannot be written"):
        write_report(tmp_path / "file" / "report.html", title="t", lead="")
