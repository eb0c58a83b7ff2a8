"""README's catalogue is one that loads, and what it names is there."""

import re
from pathlib import Path

from bot import catalogue

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_catalogue_by_example_loads_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "access.yaml"
    file.write_text(example, encoding="utf-8")
    loaded = catalogue.inspect(file)
    assert set(loaded.catalogue.roles) == {"s3-read", "s3-write"}
    assert loaded.warnings == ()


def test_every_file_that_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    missing = [link for link in links if not (ROOT / link).exists()]
    assert links
    assert missing == []


def test_every_test_that_readme_names_is_there() -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", README))
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert named - defined == set()
