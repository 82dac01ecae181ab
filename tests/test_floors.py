"""The floors of CONTRIBUTING.md, read off the imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "chatbot").rglob("*.py")) + sorted((ROOT / "data_prep").rglob("*.py"))

# Module (the longest matching prefix counts) → floor. An import may not point up, nor sideways from floor 4.
FLOORS = {
    "chatbot.cli": 6,
    "chatbot.__main__": 6,
    "chatbot.demo": 5,
    "chatbot.lab": 5,
    "chatbot.chat": 4,
    "chatbot.training": 4,
    "chatbot.reply": 4,
    "chatbot.evaluation": 4,
    "chatbot.bot": 3,
    "chatbot.responder": 3,
    "chatbot.hearing": 3,
    "chatbot.decoding": 3,
    "chatbot.speech": 3,
    "chatbot.ranking": 3,
    "chatbot.likelihood": 3,
    "chatbot.bundle": 2,
    "chatbot.data": 2,
    "data_prep.pipeline": 2,
    "data_prep.preview": 2,
    "data_prep.explain": 2,
    "data_prep.books": 2,
    "data_prep.plan": 2,
    "data_prep.stages": 2,
    "data_prep.splitting": 2,
    "data_prep.corpus": 2,
    "data_prep.encoding": 2,
    "data_prep.report": 2,
    "data_prep.report_html": 2,
    "data_prep.plots": 2,
    "data_prep.turns": 2,
    "data_prep.config": 2,
    "chatbot": 0,
    "chatbot.card": 1,
    "chatbot.swap": 1,
    "chatbot.threads": 1,
    "chatbot.tokenizer": 1,
    "chatbot.config": 1,
    "chatbot.model": 0,
    "chatbot.search": 0,
    "chatbot.errors": 0,
    "data_prep": 1,
    "data_prep.errors": 0,
    "data_prep.records": 0,
    "data_prep.tally": 0,
    "data_prep.text": 0,
}
# Library → the only modules that may import it.
HOMES = {
    "torch": ("chatbot",),
    "pytorch_lightning": ("chatbot.training", "chatbot.data.module", "chatbot.lab"),
    "prompt_toolkit": tuple(f"chatbot.chat.{name}" for name in ("terminal", "plain", "complete", "typed")),
    "datasets": ("data_prep.sources.hub", "data_prep.store", "chatbot.data"),
    "daft": ("data_prep.columns", "data_prep.near"),
    "ray": ("data_prep.runner",),
    "matplotlib": (
        "data_prep.plots",
        "chatbot.training.plots",
        "chatbot.chat.png",
        "chatbot.evaluation.plots",
        "chatbot.lab",
    ),
    "sacrebleu": ("chatbot.evaluation",),
    "bm25s": ("chatbot.evaluation.baselines",),
    "py3langid": ("data_prep.rules.language",),
    "fsspec": ("data_prep.place", "data_prep.store", "data_prep.sources.files", "data_prep.sources.inputs"),
    "sentencepiece": ("data_prep.vocabulary", "chatbot.tokenizer"),
}
TORCH_ALONE = ("chatbot.model", "chatbot.search")
ALLOWED_ALONE = {"torch", "__future__", "bisect", "collections", "dataclasses", "functools", "itertools", "math", "re"}
ALLOWED_ALONE |= {"copy", "typing", "unicodedata", "warnings"}


def module_of(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def inside(module, home):
    return module == home or module.startswith(home + ".")


def imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield whole if (ROOT / Path(*whole.split("."))).with_suffix(".py").exists() else node.module


def floor(module):
    if module == "chatbot":
        return 3  # the face of the package: `load`
    return FLOORS[max((home for home in FLOORS if inside(module, home)), key=len)]


def room(module):
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_an_import_points_down(file):
    module = module_of(file)
    for name in imports(file):
        if name.split(".")[0] not in ("chatbot", "data_prep") or room(name) == room(module) or name == "chatbot":
            continue
        assert floor(name) <= floor(module), f"{module} (floor {floor(module)}) imports {name} (floor {floor(name)})"
        if floor(module) == 4:
            assert floor(name) < 4, f"{module} and {name} are both on floor 4"


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_libraries_stay_in_their_rooms(file):
    module = module_of(file)
    for name in imports(file):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or any(inside(module, home) for home in homes), f"{module} imports {name}"


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_data_prep_knows_neither_torch_nor_chatbot(file):
    if inside(module_of(file), "data_prep"):
        assert not {name.split(".")[0] for name in imports(file)} & {"torch", "chatbot"}


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_model_and_search_need_torch_alone(file):
    module = module_of(file)
    if any(inside(module, home) for home in TORCH_ALONE):
        others = {name for name in imports(file) if room(name) != room(module)}
        assert {name.split(".")[0] for name in others} <= ALLOWED_ALONE


def test_files_stay_short():
    long = {module_of(file): n for file in FILES if (n := len(file.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long
