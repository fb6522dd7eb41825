"""What a unit has to do with whoever runs it: it tells how far it is, and is told when to go on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

NAP_SECONDS = 0.5


class Supervisor(ABC):
    """One for all units of an export. Its methods may be called from any thread, and raise to end the unit."""

    @abstractmethod
    def progress(self, items: int) -> None:
        """Hears how many items a unit has read since it last told; called at least once a second while it waits."""

    @abstractmethod
    def reserve(self, units: float, correction: float = 0.0) -> float:
        """Gives a unit its turn to read; see `dynamo_assets.export.throttle.Throttle.reserve`."""

    def pause(self, seconds: float) -> None:
        """Lets a unit wait."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, NAP_SECONDS))
            self.progress(0)
