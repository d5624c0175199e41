"""A replay on a Ray cluster of two nodes with a worker each, on the loopback interface."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import attrs
import pytest

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else Ray takes the machine's own address for 127.0.0.1
ray = pytest.importorskip("ray")

from counting import PATIENCE, vendor  # noqa: E402 (after the skip)
from ray.cluster_utils import Cluster  # noqa: E402

from agentbridge import ConfigurationError, Invocation  # noqa: E402
from agentbridge.migrate import Answer, Budget, Ledger, Sample, read_parquet, read_samples, replay_on_ray, write_parquet  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # Ray Data warns of its own settings
DRIVER = Path(__file__).with_name("driver.py")
STORE = 80 * 1024 * 1024


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two nodes with one CPU each, so that each has one of two workers. Nothing of it leaves the loopback interface."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # Ray keeps a token there
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        node = {"num_cpus": 1, "object_store_memory": STORE, "node_ip_address": "127.0.0.1"}
        nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        nodes.add_node(**node)
        ray.init(nodes.address, _node_ip_address="127.0.0.1", log_to_driver=False)
        yield nodes
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "move.ledger"


def sample(number, session=None):
    said = Invocation(target="fluxprompt:F1", inputs={"varText": f"question {number}"}, session_id=session)
    return Sample(id=f"s{number}", invocation=said, session=session)


def filled(path, samples):
    with Ledger(path) as ledger:
        ledger.add(samples)
    return path


def singles(count):
    return [sample(number) for number in range(count)]


def asked_once(app, count):
    return Counter(app.questions) == Counter(f"question {number}" for number in range(count))


def test_every_sample_is_asked_once_by_both_workers_together(cluster, path, tmp_path):
    results = tmp_path / "results.parquet"
    with vendor(free=0) as (app, config):
        threading.Thread(target=lambda: (app.wait_for(8), app.release()), daemon=True).start()  # 8: four of each
        summary = replay_on_ray(filled(path, singles(60)), config, "flowgent", concurrency=8, results=results)
        assert asked_once(app, 60)
    assert (summary.made, summary.counts.final, summary.counts.credits, summary.stopped) == (60, 60, 60.0, None)
    assert app.most == 8
    assert [each.id for each in read_parquet(results)] == [f"s{number}" for number in range(60)]


def test_a_second_run_makes_no_call(cluster, path):
    with vendor() as (app, config):
        made = [replay_on_ray(filled(path, singles(5)), config, "flowgent").made for _ in range(2)]
        assert made == [5, 0]
        assert len(app.asked) == 5


def test_turns_of_a_conversation_go_in_order_and_in_the_new_session(cluster, path):
    turns = [sample(turn * 6 + one, f"c{one}") for turn in range(4) for one in range(6)]
    with vendor() as (app, config):
        replay_on_ray(filled(path, turns), config, "flowgent", concurrency=8)
    threads = {}
    for _, body in app.asked:
        threads.setdefault(int(body["messages"].split()[1]) % 6, []).append((body["messages"], body.get("thread_id")))
    assert len(app.asked) == 24
    for one, said in threads.items():
        assert [text for text, _ in said] == [f"question {turn * 6 + one}" for turn in range(4)]
        assert said[0][1] is None
        assert len({thread for _, thread in said[1:]} - {None}) == 1


def test_a_rate_limit_holds_for_both_workers_together(cluster, path):
    limit, per = 10, 2.0
    with vendor(limits={"calls": limit, "per": per}) as (app, config):
        replay_on_ray(filled(path, singles(40)), config, "flowgent", concurrency=8)
    times = sorted(when for when, _ in app.asked)
    windows = [later - early for early, later in zip(times, times[limit:], strict=False)]
    assert len(times) == 40
    assert min(windows) > per * 0.8  # what is counted is the leave to send; the way from there takes its time


def test_no_more_calls_are_in_flight_than_the_connection_allows(cluster, path):
    with vendor(limits={"in_flight": 3}, takes=0.05) as (app, config):
        replay_on_ray(filled(path, singles(30)), config, "flowgent", concurrency=8)
    assert len(app.asked) == 30
    assert app.most <= 3


def test_no_more_calls_are_made_than_the_budget_allows(cluster, path):
    with vendor() as (app, config):
        summary = replay_on_ray(filled(path, singles(40)), config, "flowgent", concurrency=8, budget=Budget(calls=7))
    assert len(app.asked) == summary.made == 7
    assert summary.stopped == "the budget of 7 calls is used up"


def test_a_killed_worker_costs_what_it_had_under_way_and_nothing_is_sent_twice(cluster, path):
    with vendor(free=20) as (app, config):

        def kill():
            app.wait_for(20 + 8)
            os.kill(workers(cluster)[0], signal.SIGKILL)
            until(lambda: len(workers(cluster)) == 1 or len(app.asked) > 28)
            app.release()

        killing = threading.Thread(target=kill, daemon=True)
        killing.start()
        summary = replay_on_ray(filled(path, singles(60)), config, "flowgent", concurrency=8)
        killing.join()
        assert asked_once(app, 60)
    assert summary.counts.unknown == 4
    assert (summary.counts.final, summary.counts.remaining, summary.counts.claimed) == (56, 0, 0)


def test_a_killed_driver_is_gone_on_from_and_nothing_is_sent_twice(cluster, path, tmp_path):
    with vendor(free=20) as (app, config):
        driver = started(filled(path, singles(60)), config, cluster, tmp_path)
        app.wait_for(20 + 8)
        driver.kill()
        driver.wait(PATIENCE)
        until(lambda: not workers(cluster))
        app.release()
        summary = resumed(path, config)
        assert asked_once(app, 60)
    assert (summary.lost, summary.counts.unknown, summary.counts.final) == (8, 8, 52)


def test_an_interrupted_driver_lets_the_calls_under_way_end(cluster, path, tmp_path):
    with vendor(free=20) as (app, config):
        driver = started(filled(path, singles(60)), config, cluster, tmp_path)
        app.wait_for(20 + 8)
        driver.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for them
            driver.wait(2.0)
        app.release()
        said, _ = driver.communicate(timeout=PATIENCE)
    assert "it was interrupted" in said
    with Ledger(path) as ledger:
        counts = ledger.counts()
    assert (counts.unknown, counts.claimed, counts.final) == (0, 0, 28)


def test_two_jobs_do_not_replay_one_ledger(cluster, path):
    with vendor() as (app, config), Ledger(path) as ledger, ledger.alone():
        ledger.add(singles(1))
        with pytest.raises(ConfigurationError, match="another process works on the ledger"):
            replay_on_ray(path, config, "flowgent")
        assert app.asked == []


def test_a_cluster_elsewhere_is_refused(path):
    with vendor() as (_, config), pytest.raises(ConfigurationError, match="ray job submit"):
        replay_on_ray(filled(path, singles(1)), config, "flowgent", address="ray://elsewhere:10001")


def test_samples_go_through_parquet(tmp_path):
    answer = Answer(outcome="completed", elapsed=0.5)
    kept = [attrs.evolve(sample(number), answer=answer) for number in range(2500)]
    assert write_parquet(tmp_path / "a.parquet", kept[:1500]) == 1500
    write_parquet(tmp_path / "b.parquet", kept[1500:])
    assert list(read_samples(tmp_path)) == kept
    assert list(read_samples(tmp_path / "b.parquet")) == kept[1500:]


@pytest.mark.parametrize("content", [b"no parquet", b""])
def test_a_file_that_is_no_parquet_is_named(tmp_path, content):
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"x\.parquet cannot be read as samples"):
        list(read_samples(tmp_path))


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no file \*\.parquet"):
        list(read_samples(tmp_path))


def started(path, config, cluster, folder):
    """A driver in a process of its own."""
    (folder / "config.json").write_text(json.dumps(config))
    arguments = [sys.executable, DRIVER, path, folder / "config.json", cluster.address]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def resumed(path, config):
    """The replay, as soon as the ledger is free: a cluster ends what a dead driver left a moment later."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return replay_on_ray(path, config, "flowgent", concurrency=8)
        except ConfigurationError as error:
            if "another process works on" not in str(error) or time.monotonic() > end:
                raise


def workers(cluster):
    """The processes of the cluster's workers, of no other cluster."""
    raylets = {str(node.all_processes["raylet"][0].process.pid) for node in cluster.list_all_nodes()}
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _is_worker(each, raylets)]


def _is_worker(process, raylets):
    try:
        parent = process.joinpath("stat").read_text().rpartition(")")[2].split()[1]
        return parent in raylets and process.joinpath("cmdline").read_bytes().startswith(b"ray::MapWorker")
    except OSError:
        return False


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.1)
