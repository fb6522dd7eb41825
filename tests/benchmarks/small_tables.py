"""Small tables of every kind, and how many items each has."""

from __future__ import annotations

ITEMS = {"friendly": 4000, "unmixed": 500, "wide": 3000, "keys50k": 500, "drip": 12_000, "big": 7}
EXPORTED = {"friendly"}
