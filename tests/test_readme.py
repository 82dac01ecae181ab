"""What the pages say is so: their commands parse, their links lead somewhere, their tables agree with the code."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from chatbot.cli import COMMANDS
from chatbot.config import recipe_facts, recipe_names

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
BLOCKS = [line for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
LINES = [line.split(" | ")[-1].split("   ")[0] for line in BLOCKS if re.match(r"(chatbot|echo) \S", line)]
COMMAND_LINES = sorted({line for line in LINES if line.startswith("chatbot ") and "   " not in line})


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_commands_shown_are_known_with_all_their_options(line, capsys):
    _, command, *rest = shlex.split(line)
    assert command in COMMANDS
    with pytest.raises(SystemExit):
        COMMANDS[command](["--help"])
    help_text = capsys.readouterr().out
    for option in (word.split("=")[0] for word in rest if word.startswith("--")):
        assert option in help_text, f"{option} of `{line}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_make_targets_named_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make (demo|test|check|bench|format)\b", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_recipe_stands_in_the_readme_and_is_headed_by_what_it_is_for():
    for name in recipe_names("fit"):
        assert f"| `{name}` |" in TEXT
        path = ROOT / "configs" / "fit" / f"{name}.yaml"
        assert path.read_text(encoding="utf-8").startswith(f"# {name}: ")
        facts = recipe_facts(path)
        assert {"Size", "Corpus", "Seed", "Expected", "Time", "Machine"} <= set(facts)
        assert facts["Corpus"] in recipe_names("prepare"), "the corpus has a recipe too"
        assert re.match(r"\d\.\d\d ± 0\.\d\d nats per word|not measured", facts["Expected"])
        assert int(facts["Seed"]) == 0, "the default"


@pytest.mark.parametrize("file", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda file: file.stem)
def test_recipes_are_yaml_with_a_heading(file):
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert isinstance(yaml.safe_load(text), dict)


def test_the_repository_speaks_of_the_project_alone():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [
        name for name in listed.stdout.decode().split("\0") if name.endswith((".py", ".md", ".yaml", ".toml", ".txt"))
    ]
    for name in names:
        file = ROOT / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert not re.search(r"(?<![\w.])/(work|tmp|farm|root)/\w", text), name
