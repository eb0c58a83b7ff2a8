"""Every mutant: which protection goes, where, and who must notice."""

from tests.mutants import asking, clouds, deciding, edges, recording, watching, working

MUTANTS = (
    *deciding.MUTANTS,
    *working.MUTANTS,
    *watching.MUTANTS,
    *recording.MUTANTS,
    *clouds.MUTANTS,
    *edges.MUTANTS,
    *asking.MUTANTS,
)
