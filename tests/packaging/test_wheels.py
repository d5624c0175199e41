"""What is published works: the built wheels, installed into a fresh environment, are found by the command line.

Nothing is downloaded. The wheels are built by the hatchling that is here; what they depend on is lent to the fresh
environment, without the distributions of this repository.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ("flowgent", "flowise", "fluxprompt", "promptitude")
BROKEN = "[agentbridge]\nbroken = no_such_module_anywhere\n"

pytest.importorskip("hatchling", reason="pip install hatchling to build the wheels; make install does")


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints. It sees neither this checkout nor the developer's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lend(folder: Path, site: Path) -> None:
    """Let the environment with these site-packages see what is installed here, but for our own distributions."""
    folder.mkdir()
    for distribution in importlib.metadata.distributions():
        if distribution.name.startswith("agentbridge"):
            continue
        for name in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (folder / name).exists() and not name.endswith(".pth"):
                (folder / name).symlink_to(distribution.locate_file(name))
    (site / "lent.pth").write_text(f"{folder}\n")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh environment with the wheels of this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, *(ROOT / "plugins" / name for name in PLUGINS)):
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist", cwd=project)
    venv.create(folder / "env", with_pip=False)
    paths = sysconfig.get_paths("venv", {"base": str(folder / "env"), "platbase": str(folder / "env")})
    lend(folder / "lent", Path(paths["purelib"]))
    wanted = ("agentbridge-core[cli,emulator]", *(f"agentbridge-{name}" for name in PLUGINS))
    pip = (sys.executable, "-m", "pip", "--python", Path(paths["scripts"]) / "python")
    offline = ("--quiet", "--disable-pip-version-check", "--no-index", "--find-links", folder / "dist")
    run(*pip, "install", *offline, *wanted, cwd=folder)
    return paths


def providers(environment) -> dict:
    return json.loads(
        run(Path(environment["scripts"]) / "agentbridge", "providers", "--json", cwd=Path(environment["data"]))
    )


def test_the_wheels_are_found_in_a_fresh_environment(environment):
    found = providers(environment)
    assert (sorted(found["providers"]), found["failures"]) == (list(PLUGINS), [])
    code = "import agentbridge, agentbridge_flowise as plugin; print(agentbridge.__file__, plugin.__file__, sep='\\n')"
    places = run(Path(environment["scripts"]) / "python", "-c", code, cwd=Path(environment["data"])).split()
    assert all(place.startswith(environment["purelib"]) for place in places)


def test_a_broken_distribution_beside_them_is_named_and_harms_none(environment):
    info = Path(environment["purelib"]) / "broken_dist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(BROKEN)
    found = providers(environment)
    assert sorted(found["providers"]) == list(PLUGINS)
    (failure,) = found["failures"]
    assert (failure["plugin"], failure["distribution"]) == ("broken", "broken-dist")
    assert "No module named 'no_such_module_anywhere'" in failure["reason"]


@pytest.mark.parametrize("project", [".", *(f"plugins/{name}" for name in PLUGINS)])
def test_the_sdist_has_all_that_the_wheel_is_made_of(project, tmp_path):
    hatchling = (sys.executable, "-m", "hatchling", "build")
    run(*hatchling, "-t", "sdist", "-t", "wheel", "-d", tmp_path / "direct", cwd=ROOT / project)
    with tarfile.open(next((tmp_path / "direct").glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("agentbridge_*")
    run(*hatchling, "-t", "wheel", "-d", tmp_path / "again", cwd=unpacked)
    assert _contents(tmp_path / "again") == _contents(tmp_path / "direct")


def _contents(folder: Path) -> dict[str, int]:
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return {item.filename: item.CRC for item in wheel.infolist()}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_ships_its_types_and_has_the_version_of_the_core(name, environment):
    site = Path(environment["purelib"])
    assert (site / f"agentbridge_{name}" / "py.typed").exists()
    code = f"import importlib.metadata as m; print(m.version('agentbridge-core'), m.version('agentbridge-{name}'))"
    core, plugin = run(Path(environment["scripts"]) / "python", "-c", code, cwd=Path(environment["data"])).split()
    assert core == plugin


@pytest.fixture(params=["wheel", "editable"])
def new_plugin(request, environment, tmp_path):
    """A plugin that the installed command has written, installed in its turn."""
    command = Path(environment["scripts"]) / "agentbridge"
    project = tmp_path / "agentbridge-acme"
    run(command, "new-plugin", "acme", "--dir", project, cwd=tmp_path)
    pip = (sys.executable, "-m", "pip", "--python", Path(environment["scripts"]) / "python")
    options = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-build-isolation")
    run(*pip, "install", *options, *(["-e"] if request.param == "editable" else []), project, cwd=tmp_path)
    yield command
    run(*pip, "uninstall", "--quiet", "--yes", "agentbridge-acme", cwd=tmp_path)


def test_a_plugin_that_was_just_made_installs_and_is_found(new_plugin, environment):
    found = providers(environment)
    assert found["providers"]["acme"]["emulator"], found["failures"]
    assert "acme\n" in run(new_plugin, "emulate", "--list", cwd=Path(environment["data"]))


def test_pytest_finds_the_fixture_by_itself(environment, tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "def test_mine(agentbridge_emulators):\n    assert 'flowise' in agentbridge_emulators.connections\n"
    )
    command = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_mine.py")
    assert "1 passed" in run(Path(environment["scripts"]) / "python", *command, cwd=tmp_path)
