"""Every mutant: which protection goes, where, and who must notice."""

from tests.mutants import clouds, deciding, edges, recording, reloading, watching, working

MUTANTS = (
    *deciding.MUTANTS,
    *working.MUTANTS,
    *watching.MUTANTS,
    *recording.MUTANTS,
    *clouds.MUTANTS,
    *edges.MUTANTS,
    *reloading.MUTANTS,
)
