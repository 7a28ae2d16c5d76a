"""mteb where it is installed, with a cache folder of its own."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def mteb(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The package; tests that need it skip without it. It makes its cache folder when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTEB_CACHE", str(tmp_path_factory.mktemp("mteb")))
        return pytest.importorskip("mteb", reason="mteb is not installed (pip install 'hybridret[mteb]')")
