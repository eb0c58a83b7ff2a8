"""``make`` says in one line what is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on PATH")


@pytest.mark.parametrize(
    ("python", "says"),
    [
        ("", "none was found on PATH"),
        ("/bin/false", "PYTHON=/bin/false is not"),
    ],
)
def test_a_missing_or_wrong_python_is_one_line_with_the_fix(tmp_path: Path, python: str, says: str) -> None:
    call = ["make", "--no-print-directory", "demo", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    ours = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1
    assert says in ours[0]
    assert "Set PYTHON=/path/to/python3.11" in ours[0]
