"""A sealed secret opens for its owner and key only; a signature is good for its digest only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.service.secretbox import AesGcmBox, CatalogueSigner, verify

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
BOX = AesGcmBox({"2025": OLD, "2026": NEW}, "2026")


@given(plain=st.binary(max_size=200), owner=st.text(max_size=40))
def test_what_was_sealed_opens_again(plain: bytes, owner: str) -> None:
    sealed = BOX.seal(plain, owner)
    assert BOX.open(sealed, BOX.key_id, owner) == plain
    assert len(plain) < 4 or plain not in sealed


def test_the_same_secret_never_looks_the_same() -> None:
    assert len({BOX.seal(b"secret", "alice") for _ in range(100)}) == 100


def test_a_secret_moved_to_someone_elses_row_does_not_open() -> None:
    sealed = BOX.seal(b"secret", "alice")
    with pytest.raises(ValueError, match="cannot be opened"):
        BOX.open(sealed, "2026", "mallory")


def test_no_two_owners_and_keys_run_together() -> None:
    """("a", "bc") and ("ab", "c") have the same letters in a row."""
    one, other = AesGcmBox({"bc": OLD}, "bc"), AesGcmBox({"c": OLD}, "c")
    with pytest.raises(ValueError, match="cannot be opened"):
        other.open(one.seal(b"secret", "a"), "c", "ab")


def test_the_wrong_key_does_not_open() -> None:
    sealed = BOX.seal(b"secret", "alice")
    for key_id in ("2025", "2027", ""):
        with pytest.raises(ValueError, match="cannot be opened"):
            BOX.open(sealed, key_id, "alice")


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_noticed(at: int, bit: int) -> None:
    sealed = bytearray(BOX.seal(b"a secret of twenty b", "alice"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(ValueError, match="cannot be opened"):
        BOX.open(bytes(sealed), "2026", "alice")


@pytest.mark.parametrize("length", range(30))
def test_a_cut_secret_is_noticed(length: int) -> None:
    sealed = BOX.seal(b"a secret of twenty b", "alice")
    with pytest.raises(ValueError, match="cannot be opened"):
        BOX.open(sealed[:length], "2026", "alice")


def test_an_old_key_still_opens_and_a_resealed_secret_needs_it_no_more() -> None:
    before = AesGcmBox({"2025": OLD}, "2025")
    sealed = before.seal(b"secret", "alice")
    moved = BOX.reseal(sealed, "2025", "alice")
    after = AesGcmBox({"2026": NEW}, "2026")
    assert after.open(moved, "2026", "alice") == b"secret"
    with pytest.raises(ValueError, match="cannot be opened"):
        after.open(sealed, "2025", "alice")


@pytest.mark.parametrize("make", [AesGcmBox, CatalogueSigner])
@pytest.mark.parametrize(
    ("keys", "current", "message"),
    [({"a": b"x" * 31}, "a", "'a' has 31 bytes"), ({"a": OLD}, "b", "no key 'b'; there are: a"), ({}, "a", "none")],
)
def test_unfit_keys_are_refused_by_name_and_never_shown(
    make: type, keys: dict[str, bytes], current: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        make(keys, current)
    assert "xxx" not in str(refused.value)


def test_no_repr_and_no_error_shows_a_key_or_a_secret() -> None:
    sealed = BOX.seal(b"a secret of twenty b", "alice")
    with pytest.raises(ValueError, match="cannot be opened") as refused:
        BOX.open(sealed + b"x", "2026", "alice")
    said = repr(BOX) + repr(refused.value)
    for secret in (repr(OLD)[2:-1], repr(NEW)[2:-1], NEW.hex(), "a secret", sealed.hex()):
        assert secret not in said
    assert refused.value.__suppress_context__


def test_a_signature_is_good_for_its_digest_and_its_key() -> None:
    signer = CatalogueSigner({"2025": OLD, "2026": NEW}, "2026")
    signature = signer.sign("ab12")
    assert verify("ab12", signature, signer.public_key)
    assert not verify("ab13", signature, signer.public_key)
    assert not verify("ab12", signature, CatalogueSigner({"2025": OLD}, "2025").public_key)


def test_the_same_key_always_signs_alike() -> None:
    one, again = (CatalogueSigner({"k": OLD}, "k") for _ in range(2))
    assert one.sign("ab12") == again.sign("ab12")
    assert one.public_key == again.public_key
    assert bytes.fromhex(one.public_key) != OLD


@pytest.mark.parametrize("broken", ["", "zz", "00", "00" * 64])
def test_a_broken_signature_or_key_is_no_signature(broken: str) -> None:
    signer = CatalogueSigner({"k": OLD}, "k")
    assert not verify("ab12", broken, signer.public_key)
    assert not verify("ab12", signer.sign("ab12"), broken)
