"""How things fail, classed by what a retry would do.

A *refusal* (a gate that says no, a rejected approval) is a result and has no class here: it travels in a
`GateDecision`. An error says what was tried and what to do next.
"""


class NightshiftError(Exception):
    """Base of every error that Nightshift raises on purpose."""


class PermanentError(NightshiftError):
    """The same input fails again: never retried. The message names the input and the next command."""


class TransientError(NightshiftError):
    """The world was not ready (a service down, a file locked): worth a retry, which the message says."""


class ConfigError(PermanentError):
    """A model file is unusable; carries every fault of the file, not just the first."""

    def __init__(self, path: str, faults: list[str]) -> None:
        self.path = path
        self.faults = faults
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"{path}: {len(faults)} fault{'s' if len(faults) != 1 else ''}\n{lines}")


class DataRefused(PermanentError):
    """Rows as a whole failed validation; nothing of them was written but their quarantine."""


class NotEnoughData(PermanentError):
    """A window holds too few days or rows for what was asked of it."""
