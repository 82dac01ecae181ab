"""Mistakes of the user's: one line that says what, where and what to do; exit code 2; nothing lost."""

import re
import subprocess
import sys

import pytest

from chatbot.cli import COMMANDS, main
from data_prep.sources import FORMATS

TALK = "Ann: Hi.\nBo: Hello.\n\n"


@pytest.fixture
def told(capsys):
    """Run a command; what it told on stderr, in one line."""

    def run(*argv, code=2):
        assert main(list(argv)) == code
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("chatbot: error: ")
        return lines[0]

    return run


@pytest.fixture
def talk(tmp_path):
    path = tmp_path / "talk.txt"
    path.write_text(TALK * 3, encoding="utf-8")
    return path


def test_a_missing_file(told, tmp_path):
    line = told("prepare", str(tmp_path / "nowhere.txt"), "--output", str(tmp_path / "out"))
    assert "nowhere.txt: no such file or folder; check the path" in line


def test_an_empty_file(told, tmp_path):
    (tmp_path / "a.txt").touch()
    assert "a.txt: the file is empty; expected dialogues" in told("prepare", str(tmp_path / "a.txt"), "--output", "x")


def test_a_folder_of_pictures(told, tmp_path):
    for name in ("a.png", "b.jpg", "c.gif", "d.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\2\3")
    line = told("prepare", str(tmp_path), "--output", str(tmp_path / "out"))
    assert "a.png (not text)" in line
    assert "1 more" in line
    assert "expected a chat export" in line
    assert not (tmp_path / "out").exists()


def test_broken_json_on_line_7(told, tmp_path):
    file = tmp_path / "talk.jsonl"
    file.write_text('{"turns": ["Hi", "Hello"]}\n' * 6 + '{"turns": ["Hi"\n', encoding="utf-8")
    line = told("prepare", str(file), "--output", str(tmp_path / "out"))
    assert "talk.jsonl, line 7: not valid JSON" in line
    assert "mend the line or take it out" in line
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk.jsonl"]


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["prepare", "TALK", "--output", "x", "--limits.max_wrods", "3"], "--limits.max_wrods"),
        (["prepare", "TALK", "--output", "x", "--limits.max_words", "many"], "limits.max_words"),
        (["prepare", "TALK", "--output", "x", "--vocabulary.size", "12"], "vocabulary.size is 12"),
        (["prepare", "TALK", "--output", "x", "--format", "word"], "format"),
        (["prepare", "TALK", "--output", "x", "--config", "nowhere"], "cornell, dailydialog, everyday"),
        (["prepare", "TALK"], "--output"),
        (["prepare"], "no INPUT given"),
        (["chat", "no/such/bot"], "no/such/bot"),
        (["reply", "no/such/bot"], "no/such/bot"),
        (["reply"], "required: bot"),
        (["fit", "no/such/folder", "--output", "x"], "no/such/folder"),
        (["fly"], "expected one of prepare, fit"),
    ],
)
def test_what_is_wrong_is_named(told, talk, argv, named, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert named in told(*(str(talk) if word == "TALK" else word for word in argv))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk.txt"]


@pytest.mark.parametrize("key", ["limits:\n  max_wrods: 3\n", "limts:\n  max_words: 3\n"])
def test_an_unknown_key_in_a_config_file(told, talk, tmp_path, key):
    config = tmp_path / "mine.yaml"
    config.write_text(key, encoding="utf-8")
    line = told("prepare", str(talk), "--output", str(tmp_path / "out"), "--config", str(config))
    assert re.search(r"mine\.yaml: .*(max_wrods|limts)", line)


def test_a_config_file_is_overridden_by_flags(talk, tmp_path, capsys):
    config = tmp_path / "mine.yaml"
    config.write_text("limits:\n  max_words: 3\npairs:\n  context_turns: 1\n", encoding="utf-8")
    argv = ["prepare", str(talk), "--output", str(tmp_path / "out"), "--config", str(config), "--limits.max_words", "9"]
    assert main(argv) == 0
    settings = (tmp_path / "out" / "prepare.yaml").read_text(encoding="utf-8")
    assert "max_words: 9" in settings
    assert "context_turns: 1" in settings


def test_flags_override_a_config_wherever_they_stand(talk, tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("limits:\n  max_words: 3\n", encoding="utf-8")
    argv = ["prepare", str(talk), "--output", str(tmp_path / "out"), "--limits.max_words", "9", f"--config={config}"]
    assert main(argv) == 0
    assert "max_words: 9" in (tmp_path / "out" / "prepare.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"[" * 50_000, b"\xff\xfe\x00", b"limits: {max_words: 0}"])
def test_a_config_that_makes_no_sense_is_named(told, talk, tmp_path, content):
    config = tmp_path / "mine.yaml"
    config.write_bytes(content)
    line = told("prepare", str(talk), "--output", str(tmp_path / "out"), "--config", str(config))
    assert "mine.yaml" in line or "max_words" in line


@pytest.mark.parametrize(
    "limit",
    [
        ["--trainer.max_epochs", "-5"],
        ["--trainer.max_time", "abc"],
        ["--seed_everything", "-1"],
        ["--trainer.max_steps", "0"],
    ],
)
def test_limits_that_make_no_sense_are_the_users_mistake(talk, tmp_path, limit):
    talk.write_text("\n\n".join(f"A: Number {k}?\nB: It is {k + 1}." for k in range(300)), encoding="utf-8")
    assert main(["prepare", str(talk), "--output", str(tmp_path / "out")]) == 0
    assert main(["fit", str(tmp_path / "out"), "--output", str(tmp_path / "bot"), "--config", "tiny", *limit]) == 2
    assert not (tmp_path / "bot").exists()


def test_a_dry_run_shows_and_writes_nothing(talk, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["prepare", str(talk), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "Ann: Hi." in out
    assert "curly quotes" in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk.txt"]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from chatbot.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_disk_that_takes_no_more(tmp_path):
    talk = tmp_path / "talk.txt"
    lines = (f"Ann: What is {k} and {k * k}?\nBo: I think {k} is {k + 7}.\n" for k in range(4000))
    talk.write_text("\n".join(lines), encoding="utf-8")
    argv = [sys.executable, "-c", LIMITED, "prepare", str(talk), "--output", str(tmp_path / "out")]
    done = subprocess.run(argv, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "write elsewhere" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk.txt"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"chatbot {command}" in capsys.readouterr().out


def test_the_commands_are_listed(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize(
    ("error", "code", "told_as"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "x", "a/b"), 2, "a/b: no space left"),
        (ZeroDivisionError("x"), 1, "fault of ours"),
    ],
)
def test_exit_codes(told, monkeypatch, error, code, told_as):
    def fail(argv):
        raise error

    monkeypatch.setitem(COMMANDS, "demo", fail)
    assert told_as in told("demo", code=code)


def test_help_of_prepare_needs_no_torch():
    code = """import sys
from chatbot.cli import main
try:
    main(["prepare", "--help"])
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "False"


def test_every_format_is_named_by_the_help(capsys):
    with pytest.raises(SystemExit):
        COMMANDS["prepare"](["--help"])
    shown = capsys.readouterr().out.replace("\n", " ")
    assert [name for name in FORMATS if not re.search(rf"\b{name}\b", shown)] == []


def test_a_dash_is_as_good_as_an_underscore(tmp_path, talk):
    assert main(["prepare", str(talk), "--output", str(tmp_path / "out"), "--stop-after", "read"]) == 0
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["turns.parquet"]


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["prepare", "x.txt", "--outptu", "y"], "did you mean --output?"),
        (["prepare", "x.txt", "--max-wrods=3"], "did you mean --limits.max_words?"),
        (["reply", "bot", "--temprature", "1"], "did you mean --temperature?"),
        (["chat", "--mesage", "hi"], "did you mean --message?"),
        (["lab", "gates", "--quikc"], "did you mean --quick?"),
        (["lab", "gats"], "did you mean gates?"),
    ],
)
def test_what_was_meant_is_guessed(told, argv, meant):
    assert meant in told(*argv)


def test_nothing_is_guessed_where_nothing_is_near(told):
    assert "did you mean" not in told("reply", "bot", "--xyzzy", "1")
