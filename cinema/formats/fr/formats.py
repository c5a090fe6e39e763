from __future__ import annotations

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = "\u202f"
