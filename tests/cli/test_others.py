"""`agentbridge providers`, `emulate --list` and `demo`."""

from __future__ import annotations

import json
import socket
from importlib.metadata import EntryPoint, entry_points

import pytest

from agentbridge import Registry, UnknownTargetError
from agentbridge.cli import demo, providers
from agentbridge.cli.output import console

CANARY = "canary-5f1d0c77-key"
VENDORS = ("fluxprompt", "promptitude", "flowgent", "flowise")


def plugin(name):
    return next(point for point in entry_points(group="agentbridge") if point.name == name)


BROKEN = EntryPoint("broken", "no_such_module_anywhere:plugin", "agentbridge")


def test_providers_table(called):
    done = called("providers")
    assert (done.exit_code, done.stderr) == (0, "")
    header, *rows = done.stdout.splitlines()
    assert header.split()[:8] == [
        "provider", "text", "messages", "inputs", "files", "session_id", "user_id", "callback_url",
    ]  # fmt: skip
    row = next(row for row in rows if row.startswith("flowise "))
    assert row.split() == ["flowise", *["yes"] * 5, "-", "-", "yes", "canary,", "flowise", "self-hosted"]
    assert CANARY not in done.output


def test_providers_json(called):
    done = called("providers", "--json")
    found = json.loads(done.stdout)
    assert found["providers"]["flowise"] == {
        "default_base_url": None,
        "accepts": ["text", "messages", "inputs", "files", "session_id"],
        "emulator": True,
        "connections": ["canary", "flowise"],
    }
    assert CANARY not in done.output


def test_providers_without_configuration(run, monkeypatch):
    monkeypatch.setenv("FLOWISE_BASE_URL", "http://127.0.0.1:3000")
    assert json.loads(run("providers", "--json").stdout)["providers"]["flowise"]["connections"] == ["flowise"]


def test_providers_names_what_did_not_load(capsys):
    found = providers.describe(Registry([plugin("flowise"), BROKEN]), {})
    assert [failure["plugin"] for failure in found["failures"]] == ["broken"]
    providers.render(found)
    out = capsys.readouterr().out
    assert "\nplugins that did not load:\n  broken (unknown distribution): plugin 'broken'" in out
    assert "ModuleNotFoundError: No module named 'no_such_module_anywhere'" in out


def test_providers_with_nothing_installed(capsys):
    providers.render(providers.describe(Registry([]), {}))
    assert capsys.readouterr().out.startswith("no providers are installed")


def test_installed_plugin_that_does_not_load(shell, tmp_path):
    info = tmp_path / "agentbridge_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentbridge-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[agentbridge]\nbroken = broken_plugin\n")
    (tmp_path / "broken_plugin.py").write_text('raise RuntimeError("one\\ntwo\\x1b[31m")\n')
    code, out, err = shell("providers", environ={"PYTHONPATH": str(tmp_path)})
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == (
        "  broken (agentbridge-broken): plugin 'broken' of agentbridge-broken does not load:"
        " RuntimeError: one two\\x1b[31m"
    )
    assert "\nflowise " in out


def test_emulate_lists_scenarios(run, emulators):
    done = run("emulate", "--list")
    assert (done.exit_code, done.stderr) == (0, "")
    targets = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    listed = {f"{name}:{scenario}" for name, one in emulators.emulators.items() for scenario in one.scenarios}
    assert {target for target in targets if not target.startswith("PROVIDER:")} <= listed
    assert {"flowise:ok", "flowise:tool-error", "PROVIDER:html", "PROVIDER:slow"} <= targets
    assert "flowise:html" not in targets


def test_emulate_on_a_taken_port(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("emulate", "--port", taken.getsockname()[1])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("ConfigurationError: port ")


def test_emulate_on_no_port(run):
    assert run("emulate", "--port", "70000").exit_code == 2


def test_demo(run, emulators):
    done = run("demo")
    assert (done.exit_code, done.stderr) == (0, "")
    for vendor in VENDORS:
        assert vendor in done.stdout
    assert set(VENDORS) <= set(emulators.connections)
    assert "Without " not in done.stdout
    raised = [line.split()[1] for line in done.stdout.splitlines() if line.strip().startswith("raises ")]
    assert raised == ["ExecutionError", "ProviderError", "QuotaExceededError", "ToolExecutionError"]
    assert done.stdout.count("  HTTP 200  ") == 4
    sent, failed = done.stdout.split("2. ")
    assert sent.count("POST /") == 4
    assert sent.count("Echo: ") == 4
    assert failed.count("may_have_run=") == 4
    assert "curl -X POST http://127.0.0.1:" in done.stdout


def test_demo_is_one_page(run):
    lines = run("demo").stdout.splitlines()
    assert len(lines) <= 60
    assert not [line for line in lines if len(line) > 100]


def test_demo_hides_keys_and_failures_of_its_own(run):
    done = run("demo")
    assert "emulator-key" not in done.output
    assert "Traceback" not in done.output


def test_demo_with_what_is_there(capsys):
    demo.show(Registry([plugin("flowise"), BROKEN]), console(100))
    out = capsys.readouterr().out
    assert "Without fluxprompt: pip install -e plugins/fluxprompt in a checkout of agentbridge\n" in out
    assert "raises ToolExecutionError" in out
    assert "agentbridge invoke flowise:ok hello" in out


def test_demo_without_any_vendor(capsys):
    with pytest.raises(Exception, match="the demo needs a vendor's plugin") as caught:
        demo.show(Registry([]), console(100))
    assert type(caught.value).__name__ == "ConfigurationError"
    assert not isinstance(caught.value, UnknownTargetError)


def test_demo_ignores_configuration_and_proxies(run, config, monkeypatch):
    monkeypatch.setenv("FLOWISE_BASE_URL", "http://flowise.invalid")
    monkeypatch.setenv("FLOWISE_API_KEY", CANARY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.com")
    config.write_text("nonsense")
    done = run("demo")
    assert done.exit_code == 0, done.stderr
    assert CANARY not in done.output
    import os

    assert os.environ["no_proxy"] == "example.com"
    assert "NO_PROXY" not in os.environ
