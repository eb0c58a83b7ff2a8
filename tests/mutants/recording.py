"""Protections of the store and the log: leases, fences, versions, the chain, and that the log only grows."""

from tests.mutants.mutant import Mutant, tests

EFFECTS, QUEUE, PREPARED = "bot/store/effects.py", "bot/store/queue.py", "bot/store/prepared.py"
REQUESTS, GRANTS = "bot/store/requests.py", "bot/store/grants.py"
PEOPLE, TABLES, LEDGER = "bot/store/people.py", "bot/store/tables.py", "bot/service/ledger.py"
MIGRATION = "bot/store/migrations/versions/0001_first_schema.py"
CONTRACT, POSTGRESQL, SQLITE = (f"tests/store/test_{name}.py" for name in ("contract", "postgresql", "sqlite"))
OF_LEDGER, OF_PROOF = "tests/service/test_ledger.py", "tests/service/test_proof.py"

_EFFECTS = (
    Mutant(
        "a claim passes over what another is claiming",
        QUEUE,
        ".with_for_update(skip_locked=True)",
        ".with_for_update()",
        tests(POSTGRESQL, "test_a_claim_does_not_wait_for_a_row_that_is_locked"),
        may_hang=True,
    ),
    Mutant(
        "what is leased is not claimed",
        TABLES,
        "claimable_at = sa.func.coalesce(effects.c.lease_until, effects.c.due_at)",
        "claimable_at = sa.func.coalesce(effects.c.due_at, effects.c.lease_until)",
        tests(CONTRACT, "TestEffects::test_what_is_leased_is_not_claimed_until_the_lease_is_over[sqlite]"),
    ),
    Mutant(
        "every claim has a higher fence",
        QUEUE,
        "fence=_c.fence + 1,",
        "fence=_c.fence,",
        tests(CONTRACT, "TestEffects::test_fences_rise_however_often_a_row_changes_hands[sqlite]"),
    ),
    Mutant(
        "an older fence holds nothing",
        QUEUE,
        "_c.fence == sa.bindparam(FENCE,",
        "_c.fence >= sa.bindparam(FENCE,",
        tests(CONTRACT, "TestEffects::test_a_worker_that_lost_its_lease_changes_nothing[sqlite]"),
    ),
    Mutant(
        "a lease that is over holds nothing",
        QUEUE,
        "type_=_c.fence.type), LEASED\n",
        "type_=_c.fence.type), sa.or_(LEASED, _c.lease_until <= _now)\n",
        tests(CONTRACT, "TestEffects::test_a_lease_that_is_over_holds_nothing_though_nobody_took_it[sqlite]"),
    ),
    Mutant(
        "an older fence holds nothing of a batch",
        EFFECTS,
        "return frozenset(row.id for row in rows if row.fence == fences[row.id])",
        "return frozenset(row.id for row in rows)",
        tests(CONTRACT, "TestBatches::test_only_what_is_held_is_held[sqlite]"),
    ),
    Mutant(
        "what is enqueued again meanwhile is not finished with the rest",
        QUEUE,
        "FINISHING = Statement(sa.delete(effects).where(_held, _same))",
        "FINISHING = Statement(sa.delete(effects).where(_held))",
        tests(CONTRACT, "TestEffects::test_what_is_enqueued_again_meanwhile_runs_once_more[sqlite]"),
    ),
    Mutant(
        "what is being run is not cancelled",
        QUEUE,
        "among(dialect, _c.key), ~LEASED)",
        "among(dialect, _c.key))",
        tests(CONTRACT, "TestEffects::test_what_is_leased_is_not_cancelled[sqlite]"),
    ),
)

_STATE = (
    Mutant(
        "a request that somebody else changed is not written over",
        REQUESTS,
        "if not self._rewrite(requests, request.id, request.version, changing):",
        "if self._rewrite(requests, request.id, request.version, changing) is None:",
        tests(CONTRACT, "TestAccess::test_an_older_version_is_refused_and_changes_nothing[sqlite]"),
    ),
    Mutant(
        "a grant that somebody else changed is not written over",
        GRANTS,
        "if not self._rewrite(grants, grant.id, grant.version, changing):",
        "if self._rewrite(grants, grant.id, grant.version, changing) is None:",
        tests(CONTRACT, "TestAccess::test_an_older_version_of_a_grant_is_refused[sqlite]"),
    ),
    Mutant(
        "whatever somebody else changed is not written over",
        PREPARED,
        "table.c.version == version",
        "table.c.version >= version",
        tests(
            CONTRACT,
            "TestAccess::test_an_older_version_is_refused_and_changes_nothing[sqlite]",
            "TestAccess::test_an_older_version_of_a_grant_is_refused[sqlite]",
        ),
    ),
    Mutant(
        "a grant of many that somebody else changed is not written over",
        GRANTS,
        "if self._changed_all(changed) != len(changed):",
        "if self._changed_all(changed) > len(changed):",
        tests(CONTRACT, "TestBatches::test_one_stale_grant_keeps_all_from_being_saved"),
    ),
    Mutant(
        "PostgreSQL writes over no grant of many that somebody else changed",
        GRANTS,
        "grants.c.version == rows.c.version - 1",
        "grants.c.version >= rows.c.version - 1",
        tests(CONTRACT, "TestBatches::test_one_stale_grant_keeps_all_from_being_saved"),
    ),
    Mutant(
        "a request has one grant for an item",
        "bot/store/migrations/versions/0006_ways.py",
        'grants.create_unique_constraint("grants_request_id_item_key", ["request_id", "item"])',
        'grants.create_unique_constraint("grants_request_id_item_key", ["request_id", "item", "id"])',
        tests(CONTRACT, "TestAccess::test_a_request_has_one_grant_per_item[sqlite]"),
    ),
    Mutant(
        "an older code counts no more",
        PEOPLE,
        'authenticators.c.last_timecode < sa.bindparam("new"',
        'authenticators.c.last_timecode != sa.bindparam("new"',
        tests(OF_PROOF, "test_two_codes_in_turn_are_no_way_around"),
    ),
    Mutant(
        "an invite is used once",
        PEOPLE,
        "            invites.c.used_at.is_(None),\n",
        "",
        tests("tests/service/test_enrolment.py", "test_an_invite_is_used_once"),
    ),
    Mutant(
        "what is committed to SQLite is on the disk",
        "bot/store/engine.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = NORMAL",
        tests(SQLITE, "test_a_commit_is_on_the_disk_before_it_returns"),
    ),
)

_LOG = (
    Mutant(
        "who appends has the head to themselves",
        "bot/store/audit.py",
        "_LOCK_HEAD = Statement(_head.with_for_update())",
        "_LOCK_HEAD = Statement(_head)",
        tests(CONTRACT, "TestAudit::test_many_who_append_at_once_leave_no_gap[postgresql]"),
    ),
    Mutant(
        "each record follows from the one before",
        "bot/store/recording.py",
        "        chain = link(chain, leaf_hash)\n",
        "        chain = link(bytes(32), leaf_hash)\n",
        tests(CONTRACT, "TestAudit::test_records_are_numbered_and_chained_across_transactions[sqlite]"),
    ),
    Mutant(
        "a leaf is no inner hash",
        "bot/core/audit.py",
        'hashlib.sha256(b"\\x00" + record)',
        "hashlib.sha256(record)",
        tests("tests/core/test_audit.py", "test_a_leaf_is_no_inner_hash_and_no_plain_hash"),
    ),
    Mutant(
        "SQLite refuses to change the log",
        MIGRATION,
        '        ("audit_log_no_update", "BEFORE UPDATE ON audit_log"),\n',
        "",
        tests(SQLITE, "test_the_audit_log_can_only_grow"),
    ),
    Mutant(
        "SQLite refuses to delete from the log",
        MIGRATION,
        '        ("audit_log_no_delete", "BEFORE DELETE ON audit_log"),\n',
        "",
        tests(SQLITE, "test_the_audit_log_can_only_grow"),
    ),
    Mutant(
        "SQLite refuses to replace in the log",
        MIGRATION,
        "BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)",
        "BEFORE INSERT ON audit_log WHEN 0",
        tests(SQLITE, "test_the_audit_log_can_only_grow"),
    ),
    Mutant(
        "PostgreSQL refuses to change the log",
        MIGRATION,
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log",
        "BEFORE DELETE OR TRUNCATE ON audit_log",
        tests(POSTGRESQL, "test_the_audit_log_can_only_grow"),
    ),
    Mutant(
        "PostgreSQL refuses to turn the log's head back",
        MIGRATION,
        "WHEN (NEW.seq <= OLD.seq)",
        "WHEN (false)",
        tests(POSTGRESQL, "test_the_audit_log_can_only_grow"),
    ),
    Mutant(
        "a changed text is found",
        LEDGER,
        "if leaf(record.body) != record.leaf:",
        "if False:",
        tests(OF_LEDGER, "test_tampering_is_found_where_it_begins"),
    ),
    Mutant(
        "a changed chain is found",
        LEDGER,
        "if link(chain, record.leaf) != record.chain:",
        "if False:",
        tests(OF_LEDGER, "test_tampering_is_found_where_it_begins"),
    ),
    Mutant(
        "a missing record is found",
        LEDGER,
        "if record.seq > expected:",
        "if False:",
        tests(OF_LEDGER, "test_tampering_is_found_where_it_begins"),
    ),
    Mutant(
        "a log that was cut off is found",
        LEDGER,
        "if head_seq > seq:",
        "if False:",
        tests(OF_LEDGER, "test_tampering_is_found_where_it_begins"),
    ),
    Mutant(
        "a changed time is found",
        LEDGER,
        'if inner.get("at") != record.at.isoformat(timespec="microseconds"):',
        "if False:",
        tests(OF_LEDGER, "test_tampering_is_found_where_it_begins"),
    ),
)

MUTANTS = (*_EFFECTS, *_STATE, *_LOG)
