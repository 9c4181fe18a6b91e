"""The contract suite: what makes a class a ``SessionStore``, as pytest tests.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            with my_server() as url:
                yield MyStore(url)

What ``store.guarantees`` declares is proven, and of what it does not, the refusal. Time is
frozen in every test; the fixture ``time`` moves it.
"""

from __future__ import annotations

from .cases.capabilities import CapabilityCases
from .cases.entries import EntryCases
from .cases.expiry import ExpiryCases
from .cases.lifetime import LifetimeCases
from .cases.races import RaceCases
from .cases.rotation import RotationCases
from .cases.sessions import SessionCases


class StoreContract(
    LifetimeCases,
    ExpiryCases,
    EntryCases,
    RotationCases,
    RaceCases,
    SessionCases,
    CapabilityCases,
):
    """Every case of the contract. A subclass defines the fixture ``store``.

    It may override ``plant_damage``, and ``threads``, ``increments`` and ``duels`` where a
    server is slow.
    """
