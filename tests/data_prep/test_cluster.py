"""A Ray cluster of two nodes on this machine gives what one process gives."""

import json
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data_prep import stages
from data_prep.config import PrepareConfig
from data_prep.pipeline import prepare
from data_prep.vocabulary import VocabularyConfig

ray = pytest.importorskip("ray")
CONFIG = PrepareConfig(vocabulary=VocabularyConfig(size=400))


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20})
        made.add_node(num_cpus=1, object_store_memory=100 << 20)
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a node cannot import a test
        ray.init(address=made.address, log_to_driver=False, configure_logging=False)
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def corpus(tmp_path):
    """Files that are read by several tasks and make several parts."""
    for number in range(6):
        talks = [{"turns": [f"What about {number} {k} {w}?", f"I like {w} {k}."]} for k in range(40) for w in "abc"]
        (tmp_path / f"{number}.jsonl").write_text("\n".join(map(json.dumps, talks)), encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr("data_prep.plan._READINGS", 1)


def rows(folder):
    return {
        name: sorted(json.dumps(row, sort_keys=True) for row in pq.read_table(folder / name).to_pylist())
        for name in ("train", "valid", "test", "dropped")
    }


def test_two_nodes_give_what_one_process_gives(cluster, corpus, tmp_path):
    inputs = sorted(corpus.glob("*.jsonl"))
    prepare(inputs, tmp_path / "here", PrepareConfig(workers=1, vocabulary=CONFIG.vocabulary))
    prepare(inputs, tmp_path / "there", PrepareConfig(runner="ray", vocabulary=CONFIG.vocabulary))
    assert len(ray.nodes()) == 2
    assert rows(tmp_path / "here") == rows(tmp_path / "there")
    for name in ("tokenizer.model", "report.json", "ids/train.arrow"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def slow_clean(task):
    """As ``stages.clean``, after it has told who it is and waited to be killed."""
    mark = Path(task.work.root) / f"worker-{os.getpid()}"
    mark.touch()
    time.sleep(1.0)
    return stages.clean(task)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_killed_on_the_way_changes_nothing(cluster, corpus, tmp_path, monkeypatch):
    inputs = sorted(corpus.glob("*.jsonl"))
    prepare(inputs, tmp_path / "here", PrepareConfig(workers=1, vocabulary=CONFIG.vocabulary))
    killed = []

    def kill():
        beside = tmp_path / ".there.being-prepared"
        while not killed:
            for mark in beside.rglob("worker-*"):
                os.kill(int(mark.name.split("-")[1]), signal.SIGKILL)
                killed.append(mark.name)
                break
            time.sleep(0.02)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    monkeypatch.setattr("data_prep.pipeline.stages.clean", slow_clean)
    prepare(inputs, tmp_path / "there", PrepareConfig(runner="ray", vocabulary=CONFIG.vocabulary))
    thread.join(10)
    assert len(killed) == 1
    assert rows(tmp_path / "here") == rows(tmp_path / "there")
