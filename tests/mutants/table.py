"""Every mutant: which protection goes, where, and who must notice."""

from tests.mutants import (
    asking,
    clouds,
    deciding,
    edges,
    extending,
    recording,
    reloading,
    rules,
    saying,
    watching,
    working,
)

MUTANTS = (
    *deciding.MUTANTS,
    *rules.MUTANTS,
    *extending.MUTANTS,
    *working.MUTANTS,
    *saying.MUTANTS,
    *watching.MUTANTS,
    *recording.MUTANTS,
    *clouds.MUTANTS,
    *edges.MUTANTS,
    *asking.MUTANTS,
    *reloading.MUTANTS,
)
