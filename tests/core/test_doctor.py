"""What `examine` finds: bad keys and addresses by looking, and by knocking at servers that are wrong in their own way."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager

import attrs
import mailserver
import pytest
import servers
import vendor

from agentbridge import Connection, HttpResponse, Operation, Registry, fault_from_status
from agentbridge.doctor import examine
from agentbridge.doctor.network import answered, certified, no_connection, uncertified
from agentbridge.keys import FileKey
from agentbridge.wire import NoAnswer

CANARY = "canary-key-7f3a"
EMPTY = servers.answer("200 OK", b"")


@attrs.frozen
class Look(Operation):
    """Only reads."""

    provider = "tiny"
    name = "look"
    idempotent = True

    def build_request(self, call):
        return vendor.HttpRequest("GET", f"{call.base_url}/look", auth={"X-Key": call.api_key})

    def read(self, response):
        return "seen" if response.ok else fault_from_status(response.status, f"no, {CANARY}")


class Pinged(vendor.Tiny):
    operations = (Look,)
    ping = "look"
    key_pattern = "tiny-.+"


class Other(vendor.Tiny):
    name = "other"
    key_pattern = "oth-.+"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("TINY_API_KEY", "TINY_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def registry():
    made = Registry(())
    made.register(Pinged())
    made.register(Other())
    return made


def looked_at(key=CANARY, url="https://tiny.test/v1", provider="tiny", **options):
    """All findings about one connection, and none of what is about the machine."""
    how = {name: options.pop(name) for name in ("call", "timeout", "offline") if name in options}
    connection = Connection(provider, url, key, **options)
    found = examine({}, connections={"tiny": connection}, registry=registry(), **{"offline": True, **how})
    return [finding for finding in found if finding.connection == "tiny"]


def of(check, found):
    """The findings of one check."""
    return [(finding.level, finding.message) for finding in found if finding.check == check]


def bad(found):
    return [(finding.check, finding.level) for finding in found if finding.level != "fine"]


KEYS = {
    f'"{CANARY}"': "quotation marks",
    f"'{CANARY}": "quotation marks",
    f"Bearer {CANARY}": "name of a header or a scheme",
    f"bearer {CANARY}": "name of a header or a scheme",
    f"Authorization: {CANARY}": "name of a header or a scheme",
    f"api-key:{CANARY}": "name of a header or a scheme",
    "${CANARY_KEY}": "nobody expanded",
    "$CANARY_KEY": "nobody expanded",
    "%CANARY_KEY%": "nobody expanded",
    "{{ canary_key }}": "nobody expanded",
    "op://private/canary/key": "address of a secret",
    f"https://canary.test/{CANARY}": "is a URL",
    "YOUR_API_KEY": "placeholder",
    "your-key-here": "placeholder",
    "<canary-key>": "placeholder",
    "sk-...": "placeholder",
    "changeme": "placeholder",
    "***": "placeholder",
    f"{CANARY} ann": "blank inside",
    f"oth-{CANARY}": "a key of other",
}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_no_vendor_takes_is_a_problem_with_a_remedy(key):
    found = [finding for finding in looked_at(key) if finding.check == "key"]
    assert [finding.level for finding in found] == ["problem"]
    assert KEYS[key] in found[0].message
    assert found[0].remedy
    assert CANARY not in str(found)


@pytest.mark.parametrize(
    "key",
    [CANARY, f"tiny-{CANARY}", "a/b+c==", "sk-canary-0aB", "5e1d7a0c-0000-4000-8000-canary000000", "/Zm9v+canary"],
)
def test_a_key_that_may_be_one_is_fine(key):
    assert of("key", looked_at(key)) == [("fine", f"there is one, of {len(key)} characters")]


def test_a_key_that_is_the_path_of_a_file_is_worth_a_word():
    assert bad(looked_at("/run/secrets/canary-key")) == [("key", "warning")]


def test_a_missing_key_is_worth_a_word_since_an_agent_may_be_public():
    (found,) = [finding for finding in looked_at(None) if finding.check == "key"]
    assert (found.level, "$TINY_API_KEY" in found.remedy) == ("warning", True)


def test_a_key_that_cannot_be_had_is_a_problem_in_its_sources_words(tmp_path):
    found = looked_at(None, key_source=FileKey(tmp_path / "none"))
    assert bad(found) == [("connection", "problem")]
    assert "api_key_file" in found[0].message


def test_a_key_file_that_everybody_can_read_is_worth_a_word(tmp_path):
    path = tmp_path / "key"
    path.write_text(CANARY)
    path.chmod(0o644)
    assert bad(looked_at(None, key_source=FileKey(path))) == [("key", "warning")]
    path.chmod(0o600)
    assert bad(looked_at(None, key_source=FileKey(path))) == []


URLS = {
    "https://tiny.test/v1/v1": ("base URL", "problem"),
    "https://tiny.test/api/v1/api/v1": ("base URL", "problem"),
    "https://${HOST}/v1": ("base URL", "problem"),
    "https://tiny.test/<tenant>": ("base URL", "problem"),
    "https://your-server.net": ("base URL", "problem"),
    "https://flowise.example.com": ("base URL", "problem"),
    "https://tiny.test/v1?tenant=canary": ("base URL", "warning"),
    "http://tiny.net/v1": ("encryption", "warning"),
    "http://93.184.216.34": ("encryption", "warning"),
}


@pytest.mark.parametrize("url", URLS)
def test_an_address_that_leads_astray_is_found_without_sending_anything(url):
    assert bad(looked_at(url=url)) == [URLS[url]]


@pytest.mark.parametrize(
    "url",
    [
        "https://tiny.test",
        "http://localhost:3000",
        "http://10.0.0.7:3000",
        "http://flowise:3000",
        "http://nas.local/v1",
    ],
)
def test_an_address_that_may_be_meant_is_fine(url):
    assert bad(looked_at(url=url)) == []


def test_where_a_call_would_go_is_said():
    assert of("base URL", looked_at()) == [("fine", "a call would go to https://tiny.test/v1/run/AGENT-ID")]


@pytest.mark.parametrize(
    ("provider", "url", "level"),
    [
        ("flowise", "https://flow.test/api/v1/prediction/8a92", "fine"),
        ("flowise", "https://flow.test/api/v1/prediction/8a92?flowId=7", "warning"),
        ("fluxprompt", "https://api.fluxprompt.ai/flux/api-v2?flowId=a176", "fine"),
        ("fluxprompt", "https://api.fluxprompt.ai/flux/api-v2?flowId=a176&sessionId=s", "problem"),
        ("fluxprompt", "https://api.fluxprompt.ai/flux/api-v2-webhook", "problem"),
        ("promptitude", "https://api.promptitude.io/v1/v1", "problem"),
        ("promptitude", "https://api.promptitude.io/v1?flowId=a", "problem"),
        ("flowgent", "https://flowgent.ai/api/public/api/public", "problem"),
    ],
)
def test_a_copied_endpoint_url_is_judged_by_what_its_plugin_makes_of_it(provider, url, level):
    connection = Connection(provider, url, CANARY)
    found = examine({}, connections={"copied": connection}, only=["copied"], offline=True)
    assert [finding.level for finding in found if finding.check == "base URL"] == [level]


def test_a_key_of_fluxprompt_at_another_vendor_is_noticed():
    found = examine({}, connections={"promptitude": Connection("promptitude", None, f"sk-flux-{CANARY}")}, offline=True)
    assert ("problem", "it looks like a key of fluxprompt") in of("key", found)


def test_a_server_that_answers_is_fine_and_gets_no_key():
    with servers.serving(EMPTY) as server:
        found = looked_at(url=f"{server.url}/v1", offline=False, headers={"X-Token": CANARY})
        assert [finding.check for finding in found] == ["key", "base URL", "DNS", "port", "HTTP"]
        assert bad(found) == []
        assert [request.split(b"\r\n")[0] for request in server.requests] == [b"HEAD /v1 HTTP/1.1"]
        assert CANARY.encode() not in server.requests[0]


def test_offline_sends_nothing():
    with servers.serving(EMPTY) as server:
        looked_at(url=server.url)
        assert server.requests == []


def test_a_closed_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = looked_at(url=f"http://127.0.0.1:{port}", offline=False)
    assert of("port", found) == [("problem", f"127.0.0.1:{port} refuses connections: nothing listens there")]


def test_a_host_that_is_not_there_is_found(monkeypatch):
    def none(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    found = looked_at(url="https://nowhere.test", offline=False)
    assert of("DNS", found) == [("problem", "there is no host 'nowhere.test': Name or service not known")]


def test_a_server_that_hangs_up_is_found():
    with servers.serving(servers.hang_up) as server:
        assert bad(looked_at(url=server.url, offline=False, timeout=0.5)) == [("HTTP", "problem")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return mailserver.certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def tls_server(certificate):
    """Speaks TLS and answers each request with 404."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(plain):
        try:
            with plain, context.wrap_socket(plain, server_side=True) as connection:
                while servers.read_request(connection):
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        except OSError:
            return

    def accept():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_certificate_is_verified_as_a_call_would(certificate, monkeypatch, library):
    monkeypatch.setenv("AGENTBRIDGE_TRANSPORT", library)
    with tls_server(certificate) as port:
        unknown = looked_at(url=f"https://localhost:{port}", offline=False)
        trusted = looked_at(url=f"https://localhost:{port}", offline=False, verify=str(certificate))
        elsewhere = looked_at(url=f"https://127.0.0.1:{port}", offline=False, verify=str(certificate))
        blind = looked_at(url=f"https://127.0.0.1:{port}", offline=False, verify=False)
    assert of("TLS", unknown) == [("problem", "the certificate of localhost is self-signed")]
    assert of("TLS", trusted)[0][0] == "warning", "it ends in two days"
    assert of("TLS", elsewhere) == [("problem", "the certificate of 127.0.0.1 is for another host")]
    assert bad(blind) == [("encryption", "warning")]
    assert of("HTTP", trusted) == of("HTTP", blind)
    assert of("HTTP", blind)[0][1].startswith("it answers: 404")


def test_plain_http_at_a_port_of_tls_is_found(certificate):
    with tls_server(certificate) as port:
        found = looked_at(url=f"http://localhost:{port}", offline=False)
    assert of("HTTP", found) == [("problem", "this port speaks TLS")]


def test_tls_at_a_port_of_plain_http_is_found():
    def refuse(connection, _):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            refuse(connection, None)

    with listener:
        threading.Thread(target=serve, daemon=True).start()
        found = looked_at(url=f"https://localhost:{listener.getsockname()[1]}", offline=False)
    assert of("TLS", found) == [("problem", "localhost does not speak TLS at this port")]


def test_a_server_that_is_silent_in_tls_is_found():
    with servers.serving(servers.silence) as server:
        found = looked_at(url=f"https://localhost:{server.port}", offline=False, timeout=0.2)
    assert of("TLS", found) == [("problem", "localhost is silent when it is spoken to in TLS")]


def verification_error(code, message=""):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (verification_error(10), "has expired"),
        (verification_error(9), "is not valid yet"),
        (verification_error(20), "is signed by a CA that is not known here"),
        (verification_error(62), "is for another host"),
        (verification_error(99, "odd"), "is refused: odd"),
        (ssl.SSLEOFError(8, "EOF occurred"), "broke the handshake off"),
        (ConnectionResetError(104, "Connection reset by peer"), "broke the handshake off: Connection reset by peer"),
    ],
)
def test_each_failure_of_tls_is_said_in_words_and_has_a_remedy(error, said):
    found = uncertified(error, "tiny.test")
    assert (found.level, said in found.message, bool(found.remedy)) == ("problem", True, True)


def test_a_certificate_that_ends_soon_is_worth_a_word():
    until, end = "Nov 22 00:00:00 2030 GMT", 1_921_536_000
    assert certified("TLSv1.3", until, end - 15 * 86400).level == "fine"
    assert certified("TLSv1.3", until, end - 13 * 86400).level == "warning"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(), "nothing listens there"),
        (TimeoutError(), "a firewall, or the wrong port"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host"),
    ],
)
def test_each_failure_to_connect_is_said_in_words(error, said):
    assert said in no_connection(error)


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        (HttpResponse(200, {}, b""), "fine", "it answers: 200"),
        (HttpResponse(401, {}, b""), "fine", "it answers: 401"),
        (HttpResponse(501, {}, b""), "fine", "it answers: 501"),
        (HttpResponse(503, {}, b""), "warning", "it answers with 503"),
        (HttpResponse(407, {}, b""), "problem", "the proxy wants a login"),
        (HttpResponse(302, {"location": "/login"}, b""), "fine", "it answers: 302"),
        (HttpResponse(308, {"location": "https://tiny.test/v1"}, b""), "warning", "redirects to https://tiny.test,"),
        (HttpResponse(301, {"location": "http://a:canary@www.tiny.test/"}, b""), "warning", "to http://www.tiny.test,"),
        (NoAnswer("lost", "hung up"), "problem", "hung up"),
    ],
)
def test_an_answer_without_a_key_tells_whether_there_is_a_server(answer, level, said):
    found = answered(answer, "http://tiny.test/v1", lambda: False)
    assert (found.level, said in found.message, "canary" in str(found)) == (level, True, False)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_proxy_of_the_environment_is_asked_in_place_of_the_vendor(monkeypatch, library):
    monkeypatch.setenv("AGENTBRIDGE_TRANSPORT", library)
    with servers.serving(EMPTY) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://ann:{CANARY}@127.0.0.1:{proxy.port}")
        found = looked_at(url="http://nowhere.test/v1", offline=False)
        assert bad(found) == []
        assert [request.split(b"\r\n")[0] for request in proxy.requests] == [b"HEAD http://nowhere.test/v1 HTTP/1.1"]
    assert "not probed past it" in of("proxy", found)[0][1]
    assert of("DNS", found) == []
    assert CANARY not in str(found)


def test_no_proxy_is_heeded_as_the_http_library_does(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    with servers.serving(EMPTY) as server:
        assert of("proxy", looked_at(url=f"http://localhost:{server.port}", offline=False)) == []


def test_a_proxy_that_is_not_there_is_found_and_its_login_is_not_shown():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://ann:{CANARY}@127.0.0.1:{listener.getsockname()[1]}"
    found = looked_at("another-canary", url="https://nowhere.test", offline=False, proxy=proxy)
    assert bad(found) == [("proxy", "problem")]
    assert "the connection's, refuses connections" in of("proxy", found)[0][1]
    assert CANARY not in str(found)


def test_a_ca_bundle_that_is_not_there_is_found():
    found = looked_at(offline=False, verify="/nowhere/ca.pem")
    assert of("HTTP client", found)[0][0] == "problem"
    assert "/nowhere/ca.pem" in of("HTTP client", found)[0][1]


@pytest.mark.parametrize(("status", "level"), [("200 OK", "fine"), ("401 No", "problem"), ("500 No", "warning")])
def test_a_call_tries_the_key_by_a_request_that_only_reads_once(status, level):
    with servers.serving(servers.answer(status)) as server:
        found = looked_at(url=server.url, offline=False, call=True)
        assert [request.split(b" HTTP")[0] for request in server.requests] == [b"HEAD /", b"GET /look"]
    assert [finding.level for finding in found if finding.check == "call"] == [level]
    assert CANARY not in str(found)


def test_no_call_is_made_where_the_plugin_knows_none_or_there_is_no_key():
    with servers.serving(EMPTY) as server:
        unknown = looked_at(url=server.url, provider="other", offline=False, call=True)
        keyless = looked_at(None, url=server.url, offline=False, call=True)
        assert len(server.requests) == 2, "the two HEAD requests"
    assert "knows no request" in of("call", unknown)[0][1]
    assert "no key" in of("call", keyless)[0][1]


@pytest.mark.parametrize("missing", ["look-away", "give"])
def test_a_ping_that_cannot_be_made_is_a_finding_about_the_plugin(missing):
    class Give(Look):
        name = "give"

        def __init__(self, what):
            raise AssertionError

    class Wrong(Pinged):
        ping = missing
        operations = (Look, Give)

    wrong = Registry(())
    wrong.register(Wrong())
    with servers.serving(EMPTY) as server:
        found = examine({}, connections={"tiny": Connection("tiny", server.url, CANARY)}, registry=wrong, call=True)
    assert [level for level, _ in of("call", found)] == ["warning"]
    assert f"no operation {missing!r} without arguments" in of("call", found)[0][1]


def test_the_file_that_is_read_is_named_and_where_there_is_none_that(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert of(
        "configuration", examine(registry=registry(), connections={"tiny": Connection("tiny")}, offline=True)
    ) == [("fine", "no file is read")]
    (tmp_path / "ours.toml").write_text('[connections.tiny]\nbase_url = "https://tiny.test"\n')
    monkeypatch.setenv("AGENTBRIDGE_CONFIG", "ours.toml")
    assert of("configuration", examine(registry=registry(), offline=True)) == [
        ("fine", "read from ours.toml (named by $AGENTBRIDGE_CONFIG)")
    ]


@pytest.mark.parametrize("name", ["flowise", "promptitude", "flowgent", "fluxprompt"])
def test_each_vendors_harmless_request_works_with_its_emulator(emulators, name):
    found = examine({}, connections=emulators.connections, only=[name], call=True)
    assert [finding.level for finding in found if finding.check == "call"] == ["fine"]


@pytest.mark.parametrize("name", ["flowise", "promptitude", "flowgent", "fluxprompt"])
def test_a_key_that_the_vendor_refuses_is_found_by_a_call(emulators, name):
    wrong = attrs.evolve(emulators.connections[name], api_key=CANARY)
    found = examine({}, connections={name: wrong}, only=[name], call=True)
    assert [finding.level for finding in found if finding.check == "call"] == ["problem"]
    assert CANARY not in str(found)


def test_a_configuration_that_cannot_be_read_is_one_finding():
    found = examine({"connections": {"tiny": {"api_key": f"{CANARY}\n"}}}, registry=registry())
    assert [(finding.check, finding.level) for finding in found][-1] == ("configuration", "problem")
    assert "begins or ends with a blank or a newline" in found[-1].message
    assert CANARY not in str(found)


def test_a_variable_with_a_newline_in_it_is_a_finding_of_its_connection(monkeypatch):
    monkeypatch.setenv("TINY_API_KEY", f"{CANARY}\n")
    monkeypatch.setenv("OTHER_API_KEY", CANARY)
    found = examine({}, registry=registry(), offline=True)
    assert [(finding.connection, finding.check) for finding in found if finding.level == "problem"] == [
        ("tiny", "connection")
    ]
    assert CANARY not in str(found)


def test_variables_are_named_where_they_are_taken_and_where_not(monkeypatch):
    monkeypatch.setenv("TINY_API_KEY", CANARY)
    monkeypatch.setenv("TINY_BASE_URL", "https://elsewhere.test")
    found = of("variables", looked_at())
    assert [level for level, _ in found] == ["fine", "warning"]
    assert "$TINY_API_KEY" in found[0][1]
    assert "$TINY_BASE_URL" in found[1][1]


def test_a_connection_that_is_not_there_is_a_problem_that_says_what_is():
    found = examine({}, connections={"tiny": Connection("tiny", api_key=CANARY)}, registry=registry(), only=["tinny"])
    assert found[-1].level == "problem"
    assert "there: tiny" in found[-1].message


def test_a_transport_that_is_not_there_is_a_problem_of_the_machine_and_nothing_is_sent(monkeypatch):
    monkeypatch.setenv("AGENTBRIDGE_TRANSPORT", "smoke-signals")
    with servers.serving(EMPTY) as server:
        connections = {"tiny": Connection("tiny", server.url, CANARY)}
        found = examine({}, connections=connections, registry=registry())
        assert server.requests == []
    assert [(finding.check, finding.level) for finding in found if finding.level == "problem"] == [
        ("versions", "problem")
    ]


def test_without_plugins_and_connections_that_is_what_is_said():
    found = examine({}, registry=Registry(()))
    assert [(finding.check, finding.level) for finding in found if finding.level != "fine"] == [
        ("plugin", "problem"),
        ("configuration", "warning"),
    ]


@pytest.mark.parametrize("pattern", ["(", 7])
def test_a_key_pattern_that_is_none_is_refused(pattern):
    class Broken(vendor.Tiny):
        key_pattern = pattern

    with pytest.raises(Exception, match="key_pattern must be a regular expression or None"):
        Registry(()).register(Broken())


def test_findings_are_json(tmp_path):
    assert json.loads(json.dumps([attrs.asdict(finding) for finding in looked_at()]))


def examined(config, **more):
    """What is found of the names in a configuration."""
    return [finding for finding in examine(config, registry=registry(), offline=True, **more) if not finding.connection]


def test_an_agent_that_is_bound_to_no_connection_is_found(monkeypatch):
    monkeypatch.setenv("TINY_API_KEY", CANARY)
    binding = {"agent": "a-1"}
    config = {"agents": {"s": {"default": "tinny", "on": {"tinny": binding, "tiny": binding, "else": binding}}}}
    found = {finding.message.partition(": ")[0]: finding for finding in examined(config) if finding.check == "agents"}
    assert {said: finding.level for said, finding in found.items()} == {
        "agent 's' is bound to 'tinny'": "problem",
        "agent 's' is bound to 'else'": "warning",
    }
    assert "Did you mean 'tiny'?" in found["agent 's' is bound to 'tinny'"].message
    assert not [finding for finding in examined(config, only=["tiny"]) if finding.check == "agents"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("TINY_BASEURL", "TINY_BASE_URL"), ("TINY_URL", "TINY_BASE_URL"), ("TINY_TOKEN", "TINY_API_KEY")],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_variable_that_was_meant_for_a_connection_is_found_where_the_right_one_is_not_set(
    monkeypatch, wrong, right, there
):
    monkeypatch.setenv(wrong, CANARY)
    if there:
        monkeypatch.setenv(right, "https://tiny.test")
    found = [finding for finding in examined({}) if finding.check == "variables"]
    said = [(finding.level, finding.message, finding.remedy) for finding in found]
    warned = ("warning", f"${wrong} is set, and nobody reads it", f"call it {right}, if it is meant for 'tiny'")
    assert said == ([] if there else [warned])


def test_a_variable_that_the_configuration_names_is_read(monkeypatch):
    monkeypatch.setenv("TINY_TOKEN", CANARY)
    assert not [f for f in examined({"connections": {"tiny": {"api_key_env": "TINY_TOKEN"}}}) if f.check == "variables"]


def test_a_key_for_a_vendor_without_a_plugin_is_found(monkeypatch):
    monkeypatch.setenv("PROMPTITUDE_API_KEY", CANARY)
    found = [finding for finding in examined({}) if finding.check == "variables"]
    assert [finding.message for finding in found] == ["$PROMPTITUDE_API_KEY set, and no plugin brings 'promptitude'"]
    assert found[0].remedy == "install agentbridge-promptitude"


def test_a_connection_that_there_is_not_is_told_from_one_that_is_to_be_mended():
    (finding,) = [finding for finding in examine({}, registry=registry(), only=["nope"]) if finding.connection]
    assert "no connection 'nope'" in finding.message
    assert finding.remedy == "name one that is there, or none to look at all"


def test_an_address_is_not_looked_up_as_a_name():
    with servers.serving(EMPTY) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert of("DNS", looked_at(url=url, offline=False)) == [("fine", "127.0.0.1 is an address already")]
