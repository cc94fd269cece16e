"""The posture as it has settled: what the detector says from pose to pose, debounced in seconds."""

from __future__ import annotations

from collections.abc import Mapping

from matpose.recording import POSTURES

LYING = ("supine", "prone", "left", "right")


class PostureTrack:
    """Each posture's evidence against the settled one, summed over time; it counts when it makes ``settle_s``.

    A cumulative sum that cannot fall below zero (Page, Continuous inspection schemes, Biometrika 41, 1954): a second in
    which another posture is certain adds a second, a second in which the settled one is takes it away again, doubt
    counts by its margin. What is seen holds until something else is seen, so that the track is the same at any rate of
    frames and poses. The posture that settles is dated back to when the evidence began.

    Args:
        settle_s: seconds of certainty.

    Attributes:
        posture: one of ``POSTURES``; "unknown" until one has settled.
        since_s: when it began.
        seconds: in each of ``POSTURES``; those in doubt are added when the doubt is over.

    Example:
        >>> track = PostureTrack(settle_s=10)
        >>> for now_s in range(31):
        ...     changed = track.update({"left": 1.0}, now_s, seconds=1.0 if now_s else 0.0)
        >>> track.posture, track.since_s, track.seconds["left"]
        ('left', 0, 30.0)
    """

    def __init__(self, settle_s: float) -> None:
        self.posture = "unknown"
        self.since_s: float | None = None
        self.seconds: dict[str, float] = dict.fromkeys(POSTURES, 0.0)
        self._settle_s = settle_s
        self._chances: Mapping[str, float] = {"unknown": 1.0}
        self._evidence_s: dict[str, float] = dict.fromkeys(POSTURES, 0.0)
        self._doubt_from_s = 0.0
        self._doubted_s = 0.0

    @property
    def undecided(self) -> bool:
        """Whether something speaks for another posture than the settled one."""
        return any(self._evidence_s.values()) or max(self._chances, key=self._chances.__getitem__) != self.posture

    def update(self, chances: Mapping[str, float], now_s: float, seconds: float) -> bool:
        """What is seen now.

        Args:
            chances: posture to probability; those left out have none.
            now_s: when, on a clock that only goes forward.
            seconds: that have passed since the last update, 0 where nobody knows what happened in them.

        Returns:
            Whether another posture has settled.
        """
        if self.since_s is None:
            self.since_s = now_s
        settled = self._chances.get(self.posture, 0.0)
        for name, seen_s in self._evidence_s.items():
            self._evidence_s[name] = max(0.0, seen_s + seconds * (self._chances.get(name, 0.0) - settled))
        self._chances = chances
        self._doubted_s += seconds
        ahead = max(self._evidence_s, key=self._evidence_s.__getitem__)
        changed = 0 < self._evidence_s[ahead] >= self._settle_s
        if changed:
            self.posture, self.since_s = ahead, self._doubt_from_s
        if changed or not self._evidence_s[ahead]:
            self._decide()
            self._doubt_from_s = now_s
        return changed

    def lose(self, at_s: float) -> bool:
        """Nothing is known since then: the posture has to settle anew. Returns whether one was known."""
        known = self.posture != "unknown"
        self._decide()
        self._chances = {"unknown": 1.0}
        if known:
            self.posture, self.since_s = "unknown", at_s
        return known

    def _decide(self) -> None:
        self.seconds[self.posture] += self._doubted_s
        self._doubted_s = 0.0
        self._evidence_s = dict.fromkeys(self._evidence_s, 0.0)
