"""Every mutant: which protection goes, where, and who must notice."""

from tests.mutants import (
    asking,
    clouds,
    deciding,
    edges,
    recording,
    reloading,
    rules,
    saying,
    waiting,
    watching,
    working,
)

MUTANTS = (
    *deciding.MUTANTS,
    *rules.MUTANTS,
    *working.MUTANTS,
    *saying.MUTANTS,
    *waiting.MUTANTS,
    *watching.MUTANTS,
    *recording.MUTANTS,
    *clouds.MUTANTS,
    *edges.MUTANTS,
    *asking.MUTANTS,
    *reloading.MUTANTS,
)
