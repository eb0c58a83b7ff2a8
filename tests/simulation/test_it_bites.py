"""The simulation finds defects: each of ``tests/simulation/defects.py`` within the histories of one run."""

import re

import pytest

from tests.simulation.defects import DEFECTS, Defect
from tests.simulation.playing import first_broken

WITHIN = range(10_000)
"""Seeds; most defects show in the first ten. Where a defect needs more of them, it says where to look first."""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_found_and_named(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    defect.apply(monkeypatch)
    broken = first_broken(WITHIN[defect.looked_for_from :]) or first_broken(WITHIN[: defect.looked_for_from])
    assert broken is not None, f"{len(WITHIN)} histories went well"
    assert re.search(defect.breaks, broken.why), broken.in_words()
