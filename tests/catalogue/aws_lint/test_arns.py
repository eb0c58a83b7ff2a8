"""Resources and resource types that can be about the same thing."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from bot.catalogue.aws_lint import arns

TEXTS = st.text("ab/", max_size=6)
GLOBS = st.text("ab/*?", max_size=6)


def arn(text: str) -> arns.Arn:
    return arns.of_resource(f"arn:aws:s3:::{text}", {})


@given(GLOBS, TEXTS)
def test_a_pattern_and_a_text_overlap_where_the_text_matches(pattern: str, text: str) -> None:
    assert arns.overlap(arn(pattern), arn(text)) == fnmatchcase(text, pattern)


@given(GLOBS, GLOBS, TEXTS)
def test_two_patterns_overlap_where_any_text_matches_both(one: str, other: str, text: str) -> None:
    assert arns.overlap(arn(one), arn(other)) == arns.overlap(arn(other), arn(one))
    if fnmatchcase(text, one) and fnmatchcase(text, other):
        assert arns.overlap(arn(one), arn(other))


def test_a_wildcard_stays_within_its_field() -> None:
    everywhere = (
        arns.of_resource("arn:aws:ec2:*:instance/i-1", {}) if arns.is_whole("arn:aws:ec2:*:instance/i-1") else None
    )
    assert everywhere is None
    assert not arns.overlap(arns.of_type("arn:${Partition}:s3:::${BucketName}"), arn("a/b"))
    assert not arns.overlap(arns.of_type("arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}"), arn("*"))


def test_the_colon_of_an_iam_variable_is_no_fields_end() -> None:
    assert not arns.is_whole("arn:aws:s3:${aws:username}:x")
    assert arns.is_whole("arn:aws:s3:::${aws:username}")
