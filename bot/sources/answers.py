"""What came back, and what its status means."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.core.text import clean
from bot.service.sources import SourceError

LONGEST_WAIT: Final = timedelta(minutes=5)
"""However long a source wants to be left alone, it is asked again after that."""
LONGEST_TEXT: Final = 200
"""Characters of a title that are kept."""


class Shape(BaseModel):
    """What is needed of an answer; whatever else is in it does not matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)


S = TypeVar("S", bound=Shape)


def on_one_line(text: str) -> str:
    """What somebody wrote there, cleaned and cut to ``LONGEST_TEXT``."""
    return clean(text[:LONGEST_TEXT], limit=10 * LONGEST_TEXT)[:LONGEST_TEXT]


@dataclass(frozen=True, slots=True)
class Answer:
    """``source`` is how errors name it. The body is never shown: it may hold what was sent."""

    source: str
    status: int
    body: bytes = field(repr=False)
    retry_after: timedelta | None = None
    """Given with any status; see ``throttled``."""

    @property
    def is_throttled(self) -> bool:
        """Whether we asked too often; some say so with a 403."""
        return self.status == 429 or (self.status == 403 and self.retry_after is not None)

    def expect(self) -> None:
        """Raises SourceError for everything but a 2xx."""
        if 200 <= self.status < 300:
            return
        if self.is_throttled:
            raise SourceError(f"{self.source} was asked too often", passing=True, retry_after=self.retry_after)
        if self.status in {401, 403}:
            raise SourceError(f"{self.source} does not take our token ({self.status})", passing=False)
        if self.status in {408, 425} or self.status >= 500:
            wait = self.retry_after
            raise SourceError(f"{self.source} is in trouble ({self.status})", passing=True, retry_after=wait)
        raise SourceError(f"{self.source} did not take the question ({self.status})", passing=False)

    def read(self, shape: type[S]) -> S:
        """The body as ``shape``. Raises SourceError when it is something else."""
        try:
            return shape.model_validate_json(self.body)
        except ValidationError:
            pass  # what it says quotes the body
        raise SourceError(f"{self.source} answered something else than was asked", passing=True)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """How long a source wants to be left alone, by ``Retry-After`` (seconds or a date), at most ``LONGEST_WAIT``.

    Nothing at all where it says that no call is left but not until when.
    """
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", said):
        return min(timedelta(seconds=math.ceil(float(said))), LONGEST_WAIT)
    if said:
        try:
            wait = parsedate_to_datetime(said).astimezone(UTC) - (now or datetime.now(UTC))
        except (ValueError, OverflowError):
            wait = timedelta(0)
        return max(timedelta(0), min(wait, LONGEST_WAIT))
    return timedelta(0) if headers.get("X-RateLimit-Remaining", "").strip() == "0" else None
