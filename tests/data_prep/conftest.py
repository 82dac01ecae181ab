import pytest

NAMES = ("Ann", "Bo")
WORDS = ["tea", "rain", "walk", "song", "film", "soup", "cake", "book", "train", "house"]


def small_talk(dialogues: int, turns: int = 4) -> str:
    """A transcript in which every turn differs: the k-th line spells k in words."""
    lines = []
    number = 0
    for _ in range(dialogues):
        for k in range(turns):
            digits = [WORDS[int(d)] for d in str(number)]
            lines.append(f"{NAMES[k % 2]}: I like the {' and the '.join(digits)}.")
            number += 1
        lines.append("")
    return "\n".join(lines)


@pytest.fixture
def transcript(tmp_path):
    """A clean transcript of 120 dialogues."""
    path = tmp_path / "talk.txt"
    path.write_text(small_talk(120), encoding="utf-8")
    return path
