from __future__ import annotations

import subprocess
import sys
import urllib.request

import pytest

from agentbridge import Bridge, ConfigurationError, HttpRequest, PluginError, Provider, Registry, Result
from agentbridge.emulator import API_KEY, COMMON
from agentbridge.emulator.chaos import Chaos
from agentbridge.emulator.damaging import damaging
from agentbridge.emulator.serving import load_emulators, serve
from agentbridge.serving import listening, running


class Broken(Provider):
    name = "broken"
    accepts = frozenset({"text"})
    emulator = "no_such_module:make"

    def build_request(self, invocation, call):
        return HttpRequest("POST", call.base_url)

    def read(self, response):
        return Result(text="", output="")


def test_all_four_vendors_are_served_with_the_paths_of_their_own(emulators):
    assert set(emulators.connections) == {"fluxprompt", "promptitude", "flowgent", "flowise"}
    assert emulators.connections["promptitude"].base_url == f"{emulators.url}/promptitude/v1"
    assert all(connection.api_key == API_KEY for connection in emulators.connections.values())


@pytest.mark.parametrize("vendor", ["fluxprompt", "promptitude", "flowgent", "flowise"])
def test_every_vendor_can_fail_in_the_common_ways_and_hide_an_error_in_a_200(emulators, vendor):
    assert COMMON.keys() | {"ok", "error-in-200", "unauthorized"} <= emulators.emulators[vendor].scenarios.keys()


def test_an_emulator_remembers_what_it_was_asked(emulators):
    with Bridge({}, connections=emulators.connections) as bridge:
        bridge.invoke("flowise:ok", "hello-from-this-test")
    seen = emulators.emulators["flowise"].seen[-1]
    assert (seen.method, seen.path) == ("POST", "/flowise/api/v1/prediction/ok")
    assert b"hello-from-this-test" in seen.body


def test_an_emulator_that_does_not_load_harms_no_other():
    registry = Registry(())
    registry.register(Broken())
    loaded, failures = load_emulators(registry)
    assert loaded == {}
    assert isinstance(failures["broken"], PluginError)


def test_a_port_that_is_taken_is_named(emulators):
    port = int(emulators.url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"), serve(port=port):
        pass


@pytest.mark.parametrize("server", ["plain", "damaging"])
def test_a_server_that_cannot_begin_is_not_taken_for_one_that_serves(server):
    entered = False
    with listening(0) as listener:
        listener.close()
        served = (
            running(None, listener, "a server")
            if server == "plain"
            else damaging(None, listener, Chaos(1), lambda _: None)
        )
        with pytest.raises(ConfigurationError, match="did not begin to serve: "), served:
            entered = True
    assert not entered


def test_emulators_can_be_served_again_and_again():
    for _ in range(2):
        with serve() as served, urllib.request.urlopen(served.url + "/flowise/api/v1/ping") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
@pytest.mark.parametrize(("module", "extra"), [("emulator.serving", "emulator"), ("callbacks", "callbacks")])
def test_without_the_extra_the_error_is_ours_and_names_it(package, module, extra, tmp_path):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from agentbridge import ConfigurationError\n"
        f"try:\n    from agentbridge.{module} import serve\n    serve().__enter__()\n"
        "except ConfigurationError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == f"this needs the package {package}: pip install 'agentbridge-core[{extra}]'\n"
