"""`switchboard score-calls` as typed, with a bundle around a tiny encoder."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from stream.cli import main
from tests.bundles import write_encoder, write_version
from tests.churn_bundles import write_churn_version


class Ended(NamedTuple):
    returncode: object
    stdout: str
    stderr: str


Run = Callable[..., Ended]
SAID = [
    {
        "call_id": f"c{call}",
        "seq": seq,
        "customer_id": f"T{call}",
        "speaker": "customer",
        "text": words,
    }
    for seq, words in enumerate(("hello", "my card is lost", "I am leaving"))
    for call in range(2)
]


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    encoder = write_encoder(tmp_path_factory.mktemp("encoder"))
    write_churn_version(folder, encoder)
    write_version(folder, encoder)
    return folder


@pytest.fixture
def run(
    models_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Run:
    """Call `switchboard` as a shell does, in this process."""
    (tmp_path / "calls.jsonl").write_text("\n".join(map(json.dumps, SAID)))
    (tmp_path / "profiles.csv").write_text("customer_id,age\nT0,70\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWITCHBOARD_MODELS_DIR", str(models_dir))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["switchboard", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        found = capfdbinary.readouterr()
        return Ended(ended.value.code, found.out.decode(), found.err.decode())

    return call


def test_every_fragment_of_a_file_has_its_score_in_order(run: Run) -> None:
    done = run("score-calls", "--model", "leaving", "--profiles", "profiles.csv", "calls.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    scores = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["call_id"], one["seq"]) for one in scores] == [
        (one["call_id"], one["seq"]) for one in SAID
    ]
    assert [one["profile_known"] for one in scores] == [True, False] * 3
    assert [one["previous"] for one in scores[2:]] == [one["probability"] for one in scores[:-2]]
    assert {one["model"]["name"] for one in scores} == {"leaving"}
    assert scores[3]["source"] == {"topic": "calls.jsonl", "partition": 0, "offset": 4}


def test_a_bad_line_on_stdin_is_told_with_its_number_and_the_exit_code(run: Run) -> None:
    lines = "\n".join([json.dumps(SAID[0]), "{", json.dumps(SAID[2])])
    done = run("score-calls", "--model", "leaving/1", stdin=lines)
    assert (done.returncode, done.stdout.count("\n")) == (1, 2)
    note, told = done.stderr.splitlines()
    assert "--profiles" in note
    assert json.loads(told)["line"] == 2


CSV = "call_id,seq,text\nc,0,hello\nc,1,bye\n"


def test_what_stands_before_the_place_where_a_file_breaks_off_is_scored(run: Run) -> None:
    Path("broken.csv").write_text(f'{CSV}c,2,"open')
    done = run("score-calls", "--model", "leaving", "broken.csv")
    assert (done.returncode, done.stdout.count("\n")) == (1, 2)
    assert "broken.csv:" in done.stderr.splitlines()[-1]
    explained = run("score-calls", "--model", "leaving", "--explain", "broken.csv")
    assert "after 2 fragments" in explained.stdout


@pytest.mark.parametrize("content", ["", "call_id,seq,text\n"])
def test_a_file_without_a_call_is_named(run: Run, content: str) -> None:
    Path("none.csv").write_text(content)
    done = run("score-calls", "--model", "leaving", "none.csv")
    assert (done.returncode, done.stdout) == (3, "")
    assert "none.csv" in done.stderr


def test_a_spreadsheet_is_refused_once_with_the_way_out(run: Run) -> None:
    Path("calls.xlsx").write_bytes(b"PK\3\4\0\0\n\0\n\0")
    done = run("score-calls", "--model", "leaving", "calls.xlsx")
    assert (done.returncode, done.stdout) == (1, "")
    [_, told] = done.stderr.splitlines()
    assert "calls.xlsx" in told
    assert "CSV UTF-8" in told


def test_words_where_the_model_wants_numbers_are_told(run: Run) -> None:
    Path("wrong.csv").write_text("customer_id,age\nT0,seventy\nT1,70\n")
    done = run("score-calls", "--model", "leaving", "--profiles", "wrong.csv", "calls.jsonl")
    assert done.returncode == 0
    [note] = done.stderr.splitlines()
    assert "no number in 1 profile" in note
    assert "age" in note


def test_explained_a_call_shows_what_it_rests_on(run: Run) -> None:
    done = run(
        "score-calls",
        "--model",
        "leaving",
        "--profiles",
        "profiles.csv",
        "--explain",
        "calls.jsonl",
    )
    assert (done.returncode, done.stderr) == (0, "")
    known, unknown = done.stdout.split("c1 ─")
    assert "customer: I am leaving" in known
    assert "age = 70" in known
    assert "profile unknown" in unknown
    assert "age" not in unknown
    assert "after 3 fragments" in unknown


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (("classify", "--model", "leaving"), "score-calls --model leaving"),
        (("score-calls", "--model", "support"), "classify --model support"),
        (("score-calls", "--model", "nobody"), "nobody"),
    ],
)
def test_a_model_of_the_other_kind_is_refused_with_the_command_that_takes_it(
    run: Run, arguments: tuple[str, ...], way_out: str
) -> None:
    done = run(*arguments, stdin="{}")
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert way_out in line
