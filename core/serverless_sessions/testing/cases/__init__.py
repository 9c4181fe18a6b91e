"""The contract's cases by subject; ``..contract.StoreContract`` is all of them together."""

import pytest

_SUBJECTS = ("base", "capabilities", "entries", "lifetime", "races", "rotation", "sessions")

pytest.register_assert_rewrite(*(f"{__name__}.{subject}" for subject in _SUBJECTS))
