"""Every mutant: which protection goes, where, and who must notice."""

from tests.mutants import (
    asking,
    clouds,
    deciding,
    edges,
    extending,
    foretelling,
    racing,
    recording,
    reloading,
    rules,
    saying,
    several,
    waiting,
    watching,
    ways,
    working,
)

MUTANTS = (
    *deciding.MUTANTS,
    *rules.MUTANTS,
    *extending.MUTANTS,
    *ways.MUTANTS,
    *racing.MUTANTS,
    *working.MUTANTS,
    *saying.MUTANTS,
    *waiting.MUTANTS,
    *watching.MUTANTS,
    *recording.MUTANTS,
    *clouds.MUTANTS,
    *edges.MUTANTS,
    *foretelling.MUTANTS,
    *asking.MUTANTS,
    *reloading.MUTANTS,
    *several.MUTANTS,
)
