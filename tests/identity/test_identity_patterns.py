"""Globs as IAM writes them: the same ids, checked one by one; what has no pattern is refused with the reason."""

import re
from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.identity.patterns import globs_of, iam_patterns

IDS = ["".join(chars) for length in range(1, 5) for chars in product("ab_", repeat=length)]
GLOBS = st.lists(st.sampled_from(["a", "b", "_", "*", "?", "[ab]", "[a-b]", "[a_*]"]), min_size=1, max_size=4).map("".join)


def iam_matches(pattern: str, text: str) -> bool:
    """`StringLike` as IAM documents it, written anew: `*` is any text, `?` one character, all else itself."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(iam_matches(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and iam_matches(pattern[1:], text[1:])


@settings(deadline=None)
@given(GLOBS)
def test_the_patterns_match_what_the_glob_matches(glob: str) -> None:
    patterns = iam_patterns(glob)
    for one in IDS:
        assert any(iam_matches(pattern, one) for pattern in patterns) == fnmatchcase(one, glob), (glob, patterns, one)


@settings(deadline=None)
@given(st.lists(st.text("ab*?[]!", max_size=4), max_size=3), st.booleans())
def test_what_iam_says_is_read_back_as_globs(values: list[str], literal: bool) -> None:
    texts = [*values, *IDS[:40], "a[b]", "*", "?", "[!a]"]
    for value, glob in zip(values, globs_of(values, literal=literal), strict=True):
        for text in texts:
            expected = text == value if literal else iam_matches(value, text)
            assert fnmatchcase(text, glob) == expected, (value, glob, text)


@pytest.mark.parametrize(
    ("glob", "says"),
    [
        ("load_[!ab]", "leaves characters out"),
        ("[*]", "no id has a character of"),
        ("é*", "which no id on AWS has"),
        ("${aws:username}", "'$'"),
        ("[a-z][a-z]", "more than 32 patterns"),
        ("a[", "'['"),
    ],
)
def test_what_has_no_pattern_is_refused(glob: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        iam_patterns(glob)
    assert glob in str(caught.value)
