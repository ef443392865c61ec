from __future__ import annotations

import pytest

from include.tracking import provenance


def test_code_and_lock_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTSHIFT_GIT_SHA", raising=False)
    assert provenance.git_sha() == "unknown" or len(provenance.git_sha().removesuffix("-dirty")) == 40
    monkeypatch.setenv("PATH", "")
    assert provenance.git_sha() == "unknown"
    assert len(provenance.lock_hash()) == 16


def test_what_the_arithmetic_depends_on_is_named_whole() -> None:
    made = provenance.made_with(2)
    assert tuple(made) == provenance.MADE_WITH
    assert made["threads"] == "2"
    assert all(made.values())
