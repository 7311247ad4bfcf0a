"""A key says where it may be sent, and a crafted key cannot say anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.clients.cliniko.keys import DEFAULT_SHARD, KNOWN_SHARDS, BadKey, base_url, parse_key

TEMPLATE = "https://api.{shard}.cliniko.com/v1"
OPAQUE = "MS0xNzE4NDEtYWJjZGVm"


@pytest.mark.parametrize("shard", sorted(KNOWN_SHARDS))
def test_the_part_after_the_last_hyphen_is_the_shard(shard):
    parsed = parse_key(f"{OPAQUE}-with-hyphens-{shard}")
    assert (parsed.shard, parsed.known_shard) == (shard, True)
    assert parsed.key == f"{OPAQUE}-with-hyphens-{shard}"


@pytest.mark.parametrize("shard", ["nz1", "us12", "sg3"])
def test_a_new_shard_is_used_and_marked_as_not_known(shard):
    parsed = parse_key(f"{OPAQUE}-{shard}")
    assert (parsed.shard, parsed.known_shard) == (shard, False)


def test_case_and_surrounding_space_do_not_matter():
    parsed = parse_key(f"  {OPAQUE}-UK1 \n")
    assert (parsed.key, parsed.shard) == (f"{OPAQUE}-UK1", "uk1")


@pytest.mark.parametrize(
    "tail",
    [
        *("", "-", "-a1", "-abc1", "-au", "-au123", "-1au", "-a_1", "-au1.", "-au1/", "-au1@evil.example", "-au1#"),
        *("-au1?", "-evil.example", "-au1.evil.example", "-au1/../..", "-%61u1", "au1", "-au1-", "-au1\\", "-au1;"),
    ],
)
def test_any_other_tail_is_part_of_the_key_and_goes_to_the_first_shard(tail):
    parsed = parse_key(OPAQUE + tail)
    assert parsed.shard == DEFAULT_SHARD
    assert base_url(TEMPLATE, parsed.shard) == "https://api.au1.cliniko.com/v1"


@pytest.mark.parametrize(
    "raw",
    [
        *("", "   ", "short", "-au1", "two words-au1", f"{OPAQUE}:x-au1", f"{OPAQUE}\nHost: evil-au1", "x" * 513),
        *(f"{OPAQUE}\x00-au1", f"{OPAQUE}é-au1", f"{OPAQUE}-au\u0661", f"{OPAQUE}-\uff41u1", f"{OPAQUE}\r-au1"),
        "\u200b" * 20,
    ],
)
def test_what_cannot_be_a_key_is_refused_without_repeating_it(raw):
    with pytest.raises(BadKey) as raised:
        parse_key(raw)
    assert OPAQUE not in str(raised.value)
    assert len(str(raised.value)) < 100


@given(st.text(max_size=60))
def test_no_text_leads_to_another_host(raw):
    try:
        parsed = parse_key(raw)
    except BadKey:
        return
    host = base_url(TEMPLATE, parsed.shard).removeprefix("https://api.").removesuffix(".cliniko.com/v1")
    assert 3 <= len(host) <= 4 and host.isascii() and host.isalnum() and host == host.lower()


@pytest.mark.parametrize(
    "shard", ["", "AU1", "au1.evil.example", "au1/", "a1", "au1\n", "\u0430u1", "au\u0661", "au123"]
)
def test_no_address_is_built_from_a_shard_of_another_form(shard):
    with pytest.raises(BadKey):
        base_url(TEMPLATE, shard)


def test_a_template_without_a_shard_is_used_as_it_is():
    assert base_url("http://127.0.0.1:5001/v1/", "au2") == "http://127.0.0.1:5001/v1"


def test_a_parsed_key_does_not_show_itself():
    parsed = parse_key(f"{OPAQUE}-au1")
    assert OPAQUE not in repr(parsed)
    assert OPAQUE not in str(parsed)
