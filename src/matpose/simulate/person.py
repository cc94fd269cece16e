"""Made-up people: stature, mass and sex as adults have them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from matpose.errors import MatposeError

STATURE_M = {"male": (1.765, 0.072), "female": (1.63, 0.068)}  # mean, sd; NCD-RisC 2020, high-income countries
LEAST_M, MOST_M = 1.40, 2.05
LEAST_INDEX, MOST_INDEX = 16.0, 42.0  # body mass index, kg/m2


@dataclass(frozen=True)
class Person:
    """A made-up person.

    Args:
        stature_m: metres.
        mass_kg: kilograms.
        name: subject name.
        sex: "male" or "female"; sets the shares of mass.

    Raises:
        MatposeError: a body outside the population that the tables describe.
    """

    stature_m: float
    mass_kg: float
    name: str
    sex: str = "male"

    def __post_init__(self) -> None:
        if self.sex not in STATURE_M:
            raise MatposeError(f"the tables know no sex {self.sex!r}", mend="use male or female")
        if not (0 < self.stature_m < 3 and 0 < self.mass_kg < 400):
            raise MatposeError(
                f"a body of {self.stature_m:g} m and {self.mass_kg:g} kg", mend="give stature in metres, mass in kg"
            )

    @staticmethod
    def drawn(rng: np.random.Generator, name: str) -> Person:
        """An adult at random: stature by sex, body mass index 25.5 +- 4.5 kg/m2, skewed to the heavy."""
        sex = str(rng.choice(["male", "female"]))
        stature_m = float(np.clip(rng.normal(*STATURE_M[sex]), LEAST_M, MOST_M))
        index = float(np.clip(25 * np.exp(rng.normal(0, 0.17)), LEAST_INDEX, MOST_INDEX))
        return Person(stature_m, index * stature_m**2, name, sex)

    def scaled(self, scale: float) -> Person:
        """The same build at another size."""
        return replace(self, stature_m=self.stature_m * scale, mass_kg=self.mass_kg * scale**3)
