"""What every way in (Slack, HTTP, the command line) is handed: the use cases, and nothing else."""

from dataclasses import dataclass

from bot.service.access import Access
from bot.service.enrolment import Enrolments
from bot.service.people import People
from bot.service.queries import Queries
from bot.service.strays import Strays


@dataclass(frozen=True, slots=True)
class Desk:
    """The use cases. Everything here blocks: call it from a worker thread."""

    access: Access
    enrolments: Enrolments
    people: People
    queries: Queries
    strays: Strays
