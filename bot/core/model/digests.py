"""Digests of what people confirm."""

import hashlib
import json
from collections.abc import Mapping


def digest_of(value: Mapping[str, object]) -> str:
    """SHA-256 (hex) of a JSON object, independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
