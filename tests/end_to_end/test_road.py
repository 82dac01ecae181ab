"""The whole road in small: prepare, fit, reply, chat and demo, each as its own process."""

import json
import os
import subprocess
import sys

import pytest

from chatbot.demo import QUESTIONS

SMALL = """\
# The least that learns anything.
model:
  network:
    embedding: 16
    encoder_size: 16
    encoder_layers: 1
    decoder_size: 16
    decoder_layers: 1
trainer:
  max_steps: 6
"""


def chatbot(*argv, given=None, cwd):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "chatbot", *map(str, argv)],
        cwd=cwd,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a tiny recipe and a bot that the demo made."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "least.yaml").write_text(SMALL, encoding="utf-8")
    done = chatbot("demo", "--recipe", "least.yaml", given="", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "answers.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_the_demo_asks_five_questions_by_itself(home):
    lines = (home / "answers.txt").read_text(encoding="utf-8").splitlines()
    asked = [line.removeprefix("you: ") for line in lines if line.startswith("you: ")]
    answers = [line.removeprefix("bot: ") for line in lines if line.startswith("bot: ")]
    assert asked == list(QUESTIONS)
    assert len(answers) == 5
    assert all(answers)


def test_the_demo_does_not_train_twice(home):
    before = (home / "runs/demo/bot/model.safetensors").stat().st_mtime_ns
    done = chatbot("demo", "--recipe", "least.yaml", given="", cwd=home)
    assert done.stdout == (home / "answers.txt").read_text(encoding="utf-8")
    assert (home / "runs/demo/bot/model.safetensors").stat().st_mtime_ns == before


def test_a_line_in_is_a_line_out(home):
    done = chatbot("reply", "runs/demo/bot", given="How are you?\nWho are you?\n", cwd=home)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reply["context"] for reply in replies] == [["How are you?"], ["Who are you?"]]
    assert all(reply["reply"] and reply["score"] < 0 for reply in replies)


def test_chat_without_a_bot_takes_that_of_the_demo(home):
    done = chatbot("chat", given="Hello!\n", cwd=home)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_a_changed_byte_is_noticed(home):
    weights = home / "runs/demo/bot/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        done = chatbot("chat", "runs/demo/bot", given="Hello!\n", cwd=home)
    finally:
        weights.write_bytes(whole)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "model.safetensors" in done.stderr


def test_an_unknown_key_of_a_recipe_is_named(home):
    (home / "wrong.yaml").write_text("model:\n  netwrok:\n    dropout: 0.1\n", encoding="utf-8")
    done = chatbot("fit", "runs/demo/prepared", "--output", "other", "--config", "wrong.yaml", cwd=home)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "netwrok" in done.stderr
    assert not (home / "other").exists()


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from chatbot.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_disk_that_takes_no_more_ends_a_fit_without_half_a_bot(home):
    argv = ["fit", "runs/demo/prepared", "--output", "full", "--config", "least.yaml"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *argv],
        cwd=home,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("chatbot: error: ")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == 1
    assert "write elsewhere" in errors[0]
    assert "Traceback" not in done.stderr
    assert not (home / "full").exists()
