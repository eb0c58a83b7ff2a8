"""Authenticated encryption of secrets at rest, and the signature under the catalogue's digest.

Every purpose has its own key, derived from the configured one (HKDF-SHA256, RFC 5869).
"""

import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
"""96 bits, chosen at random: safe for 2^32 seals under one key (NIST SP 800-38D, section 8.3)."""
_FORMAT = b"\x01"
_SIGNED = b"prodaccess catalogue digest\x00"


class AesGcmBox:
    """Seals with the current key, opens with any: AES-256-GCM, the owner and the key's id bound in.

    Sealed bytes are a format byte, the nonce, and the ciphertext with its tag.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """``keys`` are 32 bytes each, by id. Raises ValueError for another length or an unknown ``current``."""
        _check(keys, current)
        self._ciphers = {key_id: AESGCM(_derived(key, b"prodaccess secretbox")) for key_id, key in keys.items()}
        self._current = current

    def __repr__(self) -> str:
        return f"AesGcmBox(current={self._current!r})"

    @property
    def key_id(self) -> str:
        """The key that ``seal`` uses now."""
        return self._current

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Encrypt for the owner ``bound_to``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _bound(bound_to, self._current))
        return _FORMAT + nonce + sealed

    def open(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        """What was sealed. Raises ValueError when the key is unknown, the owner another, or the bytes changed."""
        cipher = self._ciphers.get(key_id)
        header = len(_FORMAT)
        if cipher is None or not sealed.startswith(_FORMAT) or len(sealed) <= header + _NONCE_BYTES:
            raise ValueError("a sealed secret cannot be opened: its key is not configured, or it is not one")
        nonce, body = sealed[header : header + _NONCE_BYTES], sealed[header + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, _bound(bound_to, key_id))
        except InvalidTag:
            raise ValueError("a sealed secret cannot be opened: it was changed, or belongs to someone else") from None

    def reseal(self, sealed: bytes, key_id: str, bound_to: str) -> bytes:
        """The same secret under the current key. Raises ValueError as ``open`` does."""
        return self.seal(self.open(sealed, key_id, bound_to), bound_to)


class CatalogueSigner:
    """Signs digests of the catalogue (Ed25519), so that the log shows which installation vouched for them."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """``keys`` and ``current`` as for AesGcmBox. Raises ValueError as it does."""
        _check(keys, current)
        self._private = _signing(keys[current])
        self._public = [_signing(key).public_key().public_bytes_raw().hex() for key in keys.values()]

    @property
    def public_key(self) -> str:
        """The public key (32 bytes, hex)."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, digest: str) -> str:
        """The signature (64 bytes, hex) under a digest (hex)."""
        return self._private.sign(_SIGNED + digest.encode()).hex()

    def vouches(self, digest: str, signature: str) -> bool:
        """Whether ``signature`` under ``digest`` was made with any of the keys."""
        return any(verify(digest, signature, public) for public in self._public)


def _signing(key: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived(key, b"prodaccess catalogue"))


def verify(digest: str, signature: str, public_key: str) -> bool:
    """Whether ``signature`` (hex) under ``digest`` was made by the owner of ``public_key`` (hex)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), _SIGNED + digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _check(keys: Mapping[str, bytes], current: str) -> None:
    for key_id, key in keys.items():
        if len(key) != KEY_BYTES:
            raise ValueError(f"key {key_id!r} has {len(key)} bytes; it needs {KEY_BYTES}, from a random source")
    if current not in keys:
        raise ValueError(f"there is no key {current!r}; there are: {', '.join(sorted(keys)) or 'none'}")


def _derived(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def _bound(owner: str, key_id: str) -> bytes:
    """Both with their lengths in front: no other pair gives the same bytes."""
    parts = (owner.encode(), key_id.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
