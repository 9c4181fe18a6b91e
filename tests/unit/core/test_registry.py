"""From a url to a store, by entry points; and the default of local work."""

import io
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from serverless_sessions import registry
from serverless_sessions.errors import ConfigurationError, MissingDependency
from serverless_sessions.memory import MemoryStore
from serverless_sessions.registry import LOCAL_DEFAULT, default_url, open_store
from serverless_sessions_adapters.sqlite import SqliteStore

Install = Callable[[str, str, str], None]
PLATFORMS = ("AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "FUNCTIONS_WORKER_RUNTIME")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution of one module that serves one scheme."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(distribution: str, scheme: str, source: str) -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{scheme} = {module}:opened\n")

    return installed


def test_our_own_stores_are_found() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    assert isinstance(open_store("memory"), MemoryStore)
    store = open_store("sqlite:///some/folder/s.db?max_bytes=5000")
    assert isinstance(store, SqliteStore)
    assert (store.path, store.guarantees.max_bytes) == (Path("some/folder/s.db"), 5000)


def test_a_third_partys_store_is_found_and_given_the_url(install: Install) -> None:
    install(
        "third-party-store",
        "third",
        "from serverless_sessions.memory import MemoryStore\n"
        "def opened(url):\n"
        "    store = MemoryStore()\n"
        "    store.url = url\n"
        "    return store\n",
    )
    store = open_store("third://user:pw@host/path?a=b")
    url = getattr(store, "url")  # noqa: B009
    assert (url.password, url.path, url.query) == ("pw", "/path", {"a": "b"})


def test_an_unknown_scheme_names_what_is_installed() -> None:
    with pytest.raises(ConfigurationError, match=r"'nosuch'; installed are: .*memory.*sqlite") as e:
        open_store("nosuch://user:hunter2@host?token=hunter2")
    assert "hunter2" not in str(e.value)


@pytest.mark.parametrize("source", ["import nosuch", "def opened(url):\n    import nosuch\n"])
def test_a_third_partys_missing_module_names_its_distribution(
    install: Install, source: str
) -> None:
    install("half-installed", "half", source)
    with pytest.raises(MissingDependency, match=r"\(nosuch\).*half-installed") as refused:
        open_store("half://user:hunter2@host")
    assert isinstance(refused.value.__cause__, ModuleNotFoundError)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("dynamodb", "boto3", "dynamodb"),
        ("firestore", "google.cloud.firestore_v1", "firestore"),
        ("azure-tables://account", "azure.data.tables", "azure-tables"),
        ("upstash", "upstash_redis", "upstash"),
        ("redis://localhost", "redis", "redis"),
        ("rediss://localhost", "redis", "redis"),
    ],
)
def test_a_store_without_its_package_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("serverless_sessions_adapters.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency) as refused:
        open_store(url)
    assert f'pip install "serverless-sessions[{extra}]"' in str(refused.value)
    assert isinstance(refused.value.__cause__, ImportError)


def test_two_claims_to_one_scheme_are_refused(install: Install) -> None:
    install("one-claim", "claimed", "")
    install("other-claim", "claimed", "")
    with pytest.raises(ConfigurationError, match="one-claim and other-claim"):
        open_store("claimed")


def test_what_is_no_store_is_refused(install: Install) -> None:
    install("no-store", "wrong", "def opened(url):\n    return None\n")
    with pytest.raises(ConfigurationError, match="no_store:opened returned no SessionStore"):
        open_store("wrong")


class _Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A process that is neither under pytest, nor ``serve``, nor a terminal, nor in a cloud."""
    for variable in (*PLATFORMS, "SERVERLESS_SESSIONS_SERVE", "SESSION_STORE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delitem(sys.modules, "pytest")
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(sys, stream, _Stream(False))
    registry._say_the_default.cache_clear()
    return monkeypatch


def test_no_default_where_nobody_develops(nowhere: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="SESSION_STORE is not set"):
        default_url()
    nowhere.setattr(sys, "stdin", _Stream(True))
    with pytest.raises(ConfigurationError):
        default_url()
    nowhere.setattr(sys, "stdin", None)
    with pytest.raises(ConfigurationError):
        default_url()


def test_a_variable_that_the_configuration_did_not_read(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv("SESSION_STORE", "memory://")
    with pytest.raises(ConfigurationError, match=r"SessionConfig\.from_env\(\.\.\.\) reads"):
        default_url()


@pytest.mark.parametrize("place", ["serve", "pytest", "terminal"])
@pytest.mark.parametrize("platform", [None, *PLATFORMS])
def test_the_default_of_local_work_and_never_of_a_cloud(
    nowhere: pytest.MonkeyPatch, place: str, platform: str | None
) -> None:
    match place:
        case "serve":
            nowhere.setenv("SERVERLESS_SESSIONS_SERVE", "1")
        case "pytest":
            nowhere.setitem(sys.modules, "pytest", pytest)
        case "terminal":
            nowhere.setattr(sys, "stdin", _Stream(True))
            nowhere.setattr(sys, "stderr", _Stream(True))
    if platform is None:
        assert default_url() == LOCAL_DEFAULT == "sqlite:///.sessions/sessions.db"
        return
    nowhere.setenv(platform, "x")
    with pytest.raises(ConfigurationError):
        default_url()


def test_the_default_is_said_once(
    nowhere: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere.setenv("SERVERLESS_SESSIONS_SERVE", "1")
    for _ in range(2):
        default_url()
    assert [(r.name, r.levelno, LOCAL_DEFAULT in r.getMessage()) for r in caplog.records] == [
        ("serverless_sessions", logging.WARNING, True)
    ]


def test_importing_it_is_cheap() -> None:
    expensive = ["importlib.metadata", "logging", "urllib.parse", "sqlite3", "pytest", "asyncio"]
    program = (
        "import sys, serverless_sessions.registry, serverless_sessions.memory\n"
        f"print([name for name in {expensive} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
