"""What every text that a person typed goes through before anything else sees it. Pure."""

import re
import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Characters of category Cf that are drawn: Arabic, Syriac and Kaithi number and verse signs."""
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that draw nothing: the joiner, Hangul fillers, Khmer inherent vowels."""
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_JOINING_SCRIPTS = (range(0x0600, 0x0E00), range(0x1000, 0x10A0), range(0x1780, 0x18B0))
"""Blocks where a (non-)joiner changes what is read: Arabic to Sinhala, Myanmar, Khmer and Mongolian."""

_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LOOSE = re.compile("[\u200c\u200d\ufe0e\ufe0f]")


class TextTooLong(ValueError):
    """A text is over its limit; the message names both lengths."""


def clean(text: str, *, limit: int, multiline: bool = False) -> str:
    """``text`` in NFC, without characters that are invisible or change how the rest is shown.

    Gone are control characters, bidirectional and other format controls, zero-width characters, noncharacters and
    variation selectors out of place; (non-)joiners stay inside emoji and in scripts that join. Lone surrogates become
    U+FFFD. Line breaks and tabs become spaces unless ``multiline``. Space at line ends and around the text goes.

    Raises TextTooLong when more than ``limit`` characters (code points) are left.
    """
    seen = unicodedata.normalize("NFC", _drop_unseen(_break_lines(text, multiline=multiline)))
    while (joined := unicodedata.normalize("NFC", _drop_loose_joiners(seen))) != seen:
        seen = joined  # what a joiner kept apart may compose now
    result = "\n".join(line.rstrip() for line in seen.split("\n")).strip()
    if len(result) > limit:
        raise TextTooLong(f"is {len(result):,} characters long; the longest is {limit:,}")
    return result


def _break_lines(text: str, *, multiline: bool) -> str:
    unified = re.sub(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    return unified if multiline else re.sub(r"[\n\t]", " ", unified)


def _drop_unseen(text: str) -> str:
    if text.isascii():
        return _ASCII_CONTROL.sub("", text)
    return "".join("\ufffd" if unicodedata.category(char) == "Cs" else char for char in text if _is_seen(char))


def _is_seen(char: str) -> bool:
    code = ord(char)
    if char in "\n\t" or char in _VISIBLE_FORMAT or char in (ZWJ, ZWNJ):
        return True
    if code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return False
    if 0xFE00 <= code <= 0xFE0D or 0xE0000 <= code <= 0xE0FFF or 0x180B <= code <= 0x180F:
        return False
    return char not in _BLANK_LETTERS and unicodedata.category(char) not in {"Cc", "Cf"}


def _drop_loose_joiners(text: str) -> str:
    """Keep a (non-)joiner or emoji variation selector only where it does something."""
    if not _LOOSE.search(text):
        return text
    kept: list[str] = []
    for at, char in enumerate(text):
        before = kept[-1] if kept else " "
        after = text[at + 1] if at + 1 < len(text) else " "
        if char in (ZWJ, ZWNJ) and not _joins(before, after):
            continue
        if char in "\ufe0e\ufe0f" and not _is_symbol(before):
            continue
        kept.append(char)
    return "".join(kept)


def _joins(before: str, after: str) -> bool:
    if _is_emoji(before) or before in "\ufe0e\ufe0f":
        return _is_emoji(after)
    return _is_of_joining_script(before) and _is_of_joining_script(after)


def _is_emoji(char: str) -> bool:
    return unicodedata.category(char) == "So" or ord(char) in _SKIN_TONES


def _is_symbol(char: str) -> bool:
    return _is_emoji(char) or char in "0123456789#*‼⁉" or unicodedata.category(char) == "Sm"


def _is_of_joining_script(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM" and any(ord(char) in block for block in _JOINING_SCRIPTS)
