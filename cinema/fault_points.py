"""Named places at which a process can be made to die, so that a test can see what is left.

``CINEMA_FAULT_POINT`` names one. Without ``CINEMA_TESTING=1``, and in production, nothing starts that is so told
(cinema.settings). What is named here is where a crash would hurt most: between files, rows and the pointer.
"""

from __future__ import annotations

import os
from typing import Literal

from django.conf import settings

# As a process ends that was killed by SIGKILL, seen from a shell.
EXIT_CODE = 137

FaultPoint = Literal["artifact_written", "artifact_in_place", "row_written", "pointer_flipped", "published"]


def reach(name: FaultPoint) -> None:
    """Dies here if so told: no handler, no ``finally``, no flush."""
    if name == settings.FAULT_POINT:
        os._exit(EXIT_CODE)
