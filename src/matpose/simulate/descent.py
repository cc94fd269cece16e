"""Damped least squares on a costly function: Levenberg and Marquardt's steps, Broyden's updates between Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matpose.errors import MatposeError

STEP = 0.5  # of the finite differences: settling is smooth on this scale, not below
BOUND = 3.0  # of every number, in units of its spread
FAINT_GAIN = 0.01  # a step that wins less than this share asks for a new Jacobian
TRIES = 4  # of a step, each damped more, before the Jacobian is held to be worn


class Descent:
    """A search for numbers near zero at which residuals are small; cost = |r|^2 + prior |theta|^2.

    Sources: Levenberg 1944, Marquardt 1963; Broyden, Mathematics of Computation 19 (1965) 577-593.

    Args:
        residuals: numbers (n,) to residuals (m,); what it cannot answer it refuses with a MatposeError.
        size: n.
        prior: weight of the numbers' own square.

    Example:
        >>> table = np.array([[2.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        >>> descent = Descent(lambda theta: table @ (theta - [0.5, -1.0]), 2, prior=1e-9)
        >>> descent.run(12)
        >>> descent.theta.round(4).tolist()
        [0.5, -1.0]
    """

    def __init__(self, residuals: Callable[[np.ndarray], np.ndarray], size: int, *, prior: float) -> None:
        self._residuals, self._prior, self._damping = residuals, prior, prior
        self._slopes: np.ndarray | None = None
        self.size, self.theta = size, np.zeros(size)
        self._found = residuals(self.theta)
        self.used = 1

    @property
    def cost(self) -> float:
        """At the best numbers so far."""
        return self._cost(self._found, self.theta)

    def run(self, calls: int) -> None:
        """Go on until so many calls have been made in all, or nothing helps."""
        while self.used < calls:
            fresh = self._slopes is None
            if self._slopes is None:
                if self.used + self.size >= calls:  # no call would be left for a step
                    return
                self._slopes = self._differences()
            gain = self._step(self._slopes, calls)
            if not gain and (fresh or self.used + self.size >= calls):
                return
            if gain < FAINT_GAIN and self.used + self.size < calls:
                self._slopes = None

    def _step(self, slopes: np.ndarray, calls: int) -> float:
        """One step that lowers the cost, and the share that it wins; 0 if there is none."""
        before = self.cost
        bend = slopes.T @ slopes + self._prior * np.eye(len(self.theta))
        downhill = -(slopes.T @ self._found + self._prior * self.theta)
        for _ in range(TRIES):
            if self.used >= calls:
                break
            step = np.linalg.solve(bend + self._damping * np.eye(len(bend)), downhill)
            theta = np.clip(self.theta + step, -BOUND, BOUND)
            found, step = self._call(theta), theta - self.theta
            if found is not None and self._cost(found, theta) < before:
                self._slopes = slopes + np.outer(found - self._found - slopes @ step, step) / (step @ step)
                self.theta, self._found = theta, found
                self._damping /= 3
                return 1 - self.cost / before
            self._damping *= 4
        return 0.0

    def _differences(self) -> np.ndarray:
        """The Jacobian by one-sided differences, towards zero from beside it: (m, n)."""
        slopes = np.zeros((len(self._found), len(self.theta)))
        for index, value in enumerate(self.theta):
            step = -STEP if value > 0 else STEP
            theta = self.theta.copy()
            theta[index] += step
            found = self._call(theta)
            if found is not None:
                slopes[:, index] = (found - self._found) / step
        return slopes

    def _call(self, theta: np.ndarray) -> np.ndarray | None:
        self.used += 1
        try:
            return self._residuals(theta)
        except MatposeError:
            return None

    def _cost(self, found: np.ndarray, theta: np.ndarray) -> float:
        return float(found @ found + self._prior * theta @ theta)
