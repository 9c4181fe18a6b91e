"""The servers' fixtures for every test, and how long Hypothesis may take over one."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["servers.fixtures"]

# On a busy machine one example may take any time; pytest's timeout is for what hangs.
UNHURRIED = "unhurried"
settings.register_profile(
    UNHURRIED,
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(UNHURRIED)
