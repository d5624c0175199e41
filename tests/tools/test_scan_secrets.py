"""Keys are planted, made at random while the test runs, so that this file holds none."""

from __future__ import annotations

import random
import string
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "scan_secrets.py"
WORD = string.ascii_letters + string.digits


def made(length, alphabet=WORD):
    """Random, and the same at each run."""
    return "a1" + "".join(random.Random(length).choices(alphabet, k=length - 2))


UUID = str(uuid.UUID(int=random.Random(7).getrandbits(128), version=4))
JWT = ".".join(["ey" + "J" + made(20), "ey" + "J" + made(30), made(40)])
LOGIN = f"https{':'}//ann:{made(12)}@vendor.net/v1"
AWS, PEM = "AK" + "IA" + made(16, string.ascii_uppercase).upper(), "-----BEGIN RSA" + " PRIVATE KEY-----"

PLANTED = {
    "sk-": ("a.py", "x = '{}'", "sk-" + made(24), "key"),
    "sk-flux-": ("a.md", "{}", "sk-" + "flux-" + made(24), "key"),
    "FluxPrompt": ("a.md", "key {}", "FLUX" + "_API." + UUID, "key"),
    "Google": ("a.md", "{}", "AI" + "za" + made(35), "key"),
    "Slack": ("a.md", "{}", "xox" + "b-" + made(24), "key"),
    "GitHub": ("a.sh", "export T={}", "gh" + "p_" + made(36), "GitHub token"),
    "AWS": ("a.toml", "id = '{}'", AWS, "AWS key"),
    "PEM": ("a.pem", "{}", PEM, "private key"),
    "JWT": ("a.json", '{{"id": "{}"}}', JWT, "JWT"),
    "Bearer": ("a.http", "X-Thing: Bearer {}", made(20), "Bearer token"),
    "login": ("a.py", "url = '{}'", LOGIN, "URL with a password"),
    "TOML": ("a.toml", 'api_key = "{}"', made(32, string.hexdigits[:16]), "secret field"),
    "a UUID as a key": ("a.toml", 'api_key = "{}"', UUID, "secret field"),
    "JSON": ("a.json", '{{"authToken": "{}"}}', made(43), "secret field"),
    "shell": ("a.sh", "FLOWISE_API_KEY={}", made(43), "secret field"),
    "a cassette's key": ("cassettes/a.yaml", "    api-key:\n    - {}", "hunter2", "secret header"),
    "a cassette's UUID": ("cassettes/a.yaml", "    api-key:\n    - {}", UUID, "secret header"),
    "a cassette's cookie": ("cassettes/a.resp", "Set-Cookie: {}", "sid=1; Path=/", "secret header"),
    "a cassette's odd header": ("cassettes/a.yaml", "    X-Whose:\n    - {}", made(32), "random header"),
}  # fmt: skip


@pytest.fixture
def scan(tmp_path):
    def scan(*paths):
        return subprocess.run(
            [sys.executable, SCRIPT, *paths], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return scan


def plant(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


@pytest.mark.parametrize("name", PLANTED)
def test_a_key_is_found_with_its_place_and_not_shown(scan, tmp_path, name):
    path, line, key, kind = PLANTED[name]
    plant(tmp_path, path, "first\nsecond\n" + line.format(key) + "\nlast\n")
    done = scan(path)
    found, *_, count = done.stdout.splitlines()
    number = 3 + line.count("\n")
    assert (done.returncode, found.partition(" (")[0]) == (1, f"{path}:{number}: {kind}")
    assert key not in done.stdout + done.stderr
    assert count.startswith("1 of these")


HARMLESS = [
    ("a.py", "api_key = 'sk-canary-0123456789abcdef'"),
    ("a.py", "self.api_key = configuration.connection_from(name)"),
    ("a.py", "tokens = usage_of_the_model.completion_tokens_2"),
    ("a.py", "the-task-is-written-in-words and a risk-of-something-long-1"),
    ("a.json", f'{{"credential": "{UUID}", "apikeyid": "{UUID}"}}'),
    ("a.http", "Authorization: Bearer emulator-key"),
    ("cassettes/a.yaml", "    Authorization:\n    - '***'"),
    ("cassettes/a.resp", 'ETag: W/"81-4OdO6+ejr5nws6OL3EA0Gxn54TQ"\nDate: Sun, 22 Nov 2026 00:07:13 GMT'),
    ("cassettes/a.yaml", f"    X-Run:\n    - {UUID}"),
]


@pytest.mark.parametrize(("path", "text"), HARMLESS)
def test_what_is_no_key_is_let_be(scan, tmp_path, path, text):
    plant(tmp_path, path, text)
    done = scan(path)
    assert (done.returncode, done.stdout) == (0, "")


def test_without_arguments_all_that_git_would_take_is_scanned(scan, tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    key = "sk-" + made(24)
    for path in ("known.py", "new one.py", "ignored.py", "gone.py"):
        plant(tmp_path, path, key)
    plant(tmp_path, ".gitignore", "ignored.py\n")
    subprocess.run(["git", "add", "known.py", "gone.py"], cwd=tmp_path, check=True)
    (tmp_path / "gone.py").unlink()
    assert [line.partition(":")[0] for line in scan().stdout.splitlines()[:-1]] == ["known.py", "new one.py"]
