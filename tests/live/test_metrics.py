"""The text that Prometheus scrapes, line by line."""

from __future__ import annotations

import re

from matpose.live.metrics import Metrics, exposition, resident_bytes

LINE = re.compile(r'matpose_[a-z_]+(\{[a-z]+="[^"\\]*"\})? -?[0-9.e+]+')


def test_every_line_is_one_that_prometheus_reads():
    metrics = Metrics()
    metrics.frames.update({"bed-1": 1_234_567, "bed-2": 2})
    metrics.refused[401] += 3
    metrics.unwanted["no name"] += 1
    metrics.age.observe(0.02)
    lines = exposition(metrics, {"beds": ("Beds known.", 2)}).splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    for line in lines:
        assert line.startswith(("# HELP matpose_", "# TYPE matpose_")) or LINE.fullmatch(line), line
    assert 'matpose_frames_total{bed="bed-1"} 1234567' in lines
    assert 'matpose_requests_refused_total{status="401"} 3' in lines
    assert "matpose_beds 2" in lines


def test_buckets_add_up():
    metrics = Metrics()
    for age_s in (0.001, 0.005, 0.006, 0.3, 20.0):
        metrics.age.observe(age_s)
    lines = exposition(metrics, {}).splitlines()
    buckets = [line.rsplit(" ", 1) for line in lines if "_bucket" in line]
    counts = [int(count) for _, count in buckets]
    assert counts == sorted(counts)
    assert dict(buckets)['matpose_frame_age_seconds_bucket{le="0.005"}'] == "2"
    assert dict(buckets)['matpose_frame_age_seconds_bucket{le="0.5"}'] == "4"
    assert buckets[-1] == ['matpose_frame_age_seconds_bucket{le="+Inf"}', "5"]
    assert "matpose_frame_age_seconds_count 5" in lines
    assert "matpose_frame_age_seconds_sum 20.312" in lines


def test_memory_grows_with_what_is_held():
    before = resident_bytes()
    held = bytearray(b"x" * 50_000_000)
    assert resident_bytes() - before > 30_000_000
    del held
