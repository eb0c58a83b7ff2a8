"""What the service needs from outside, as Protocols; each has a fake and passes one contract suite on both.

All times are timezone-aware UTC. Methods block: they are called from worker threads, never from an event loop.
"""

from bot.service.ports.cloud import CloudProvider, KnowsOwners, LooksUp
from bot.service.ports.directory import Directory
from bot.service.ports.process import Clock, Ids, SecretBox
from bot.service.ports.store import Store, Tx

__all__ = ["Clock", "CloudProvider", "Directory", "Ids", "KnowsOwners", "LooksUp", "SecretBox", "Store", "Tx"]
