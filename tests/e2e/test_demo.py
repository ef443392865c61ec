"""What a new user types, on the day that it is."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from include import clock
from tests.e2e.instance import Instance

pytestmark = pytest.mark.e2e

NAME = "flights_today"


def test_the_demo_ends_with_a_champion_today(instance: Instance) -> None:
    """Beside the model of the other tests, which is of 2013. Repeated, it does nothing twice."""
    file = instance.models / f"{NAME}.yaml"
    shipped = (instance.models / "flight_delay.yaml").read_text()
    file.write_text(shipped.replace("name: flight_delay", f"name: {NAME}"))
    try:
        instance.command("demo", NAME)
        models = json.loads(instance.command("status", "--json"))["models"]
        [found] = [one for one in models if one["model"] == NAME]
        yesterday = clock.today("America/New_York") - timedelta(days=1)
        assert found["champion_version"] == 1 and found["last_day"] == yesterday.isoformat()
        assert found["last_night"] == (yesterday + timedelta(days=1)).isoformat() and found["last_day_scored"] > 200
        again = instance.command("demo", NAME)
        assert "version 1 is champion already" in again and "loading" not in again
        assert NAME not in instance.command("alerts")
    finally:
        file.unlink()
