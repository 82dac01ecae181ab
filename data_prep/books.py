"""The books of a run as files: what was asked, and what was done, for people and for programs."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import yaml

from data_prep import store
from data_prep.anonymise import Anonymiser
from data_prep.config import PrepareConfig
from data_prep.place import Place
from data_prep.plan import Plan
from data_prep.report import Report
from data_prep.report_html import to_html
from data_prep.shape import Shape


def write(
    folder: Place,
    plan: Plan,
    config: PrepareConfig,
    report: Report,
    shape: Shape,
    anonymiser: Anonymiser | None,
    drawn: str | None = None,
) -> None:
    """Write prepare.yaml, report.md, report.html and report.json, the last as the mark that all is there.

    ``drawn`` is what `report_html.draw` has made already.
    """
    report.check()
    report.hide(anonymiser)
    text = yaml.safe_dump(_settings(plan, config, anonymiser), allow_unicode=True, sort_keys=False)
    pages = {
        store.SETTINGS: text,
        store.REPORT_TEXT: report.to_markdown(),
        store.REPORT_PAGE: to_html(report, shape, drawn),
        store.REPORT: report.to_json(),
    }
    for name, page in pages.items():
        with folder.writing(name) as opened:
            opened.write(page.encode("utf-8"))


def _settings(plan: Plan, config: PrepareConfig, anonymiser: Anonymiser | None) -> dict[str, Any]:
    """What was asked, without where things lie on this machine; names of people are hidden where that was asked."""

    def shown(path: str | None) -> str | None:
        name = None if path is None else PurePosixPath(path.replace("\\", "/")).name or path
        return name if name is None or anonymiser is None else anonymiser.text(name)

    settings = {"inputs": [shown(path) for path in plan.inputs], **config.as_dict()}
    for name in ("names", "banned", "valid", "test"):
        settings[name] = shown(settings[name])
    settings["vocabulary"]["model"] = shown(settings["vocabulary"]["model"])
    if anonymiser is not None and config.me is not None:
        settings["me"] = anonymiser.speaker(config.me)
    return settings
