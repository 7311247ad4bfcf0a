"""Encryption at rest: the first key encrypts, every key decrypts, and a missing key is said in one line."""

import pytest
from cryptography.fernet import Fernet

from webapp.config import ConfigError
from webapp.security.crypto import Cipher

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
TEXTS = ["", "a", "Zoë Ñandú 李小龍 🌸", "x" * 100_000, "line\nline\0end", "gAAAAA looks like a token"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_encrypted_comes_back(text):
    cipher = Cipher([NEW])
    token = cipher.encrypt(text)
    assert cipher.decrypt(token) == text
    assert len(text) < 5 or text.encode() not in token


def test_the_first_key_encrypts_and_all_decrypt():
    both = Cipher([NEW, OLD])
    assert Cipher([NEW]).decrypt(both.encrypt("a")) == "a"
    assert both.decrypt(Cipher([OLD]).encrypt("a")) == "a"


def test_rotating_puts_a_value_under_the_first_key():
    both, old = Cipher([NEW, OLD]), Cipher([OLD]).encrypt("a")
    assert not both.is_current(old)
    fresh = both.rotate(old)
    assert both.is_current(fresh) and Cipher([NEW]).decrypt(fresh) == "a"
    assert not Cipher([OLD, NEW]).is_current(fresh)


@pytest.mark.parametrize("call", ["decrypt", "rotate"])
@pytest.mark.parametrize(
    "token",
    [Cipher([OTHER]).encrypt("Planted"), b"", b"no token", b"gAAAAAB"],
    ids=["another key", "empty", "no token", "cut short"],
)
def test_a_missing_key_is_told_in_one_line_without_the_value(call, token):
    with pytest.raises(ConfigError) as problem:
        getattr(Cipher([NEW, OLD]), call)(token)
    message = str(problem.value)
    assert message.startswith("ENCRYPTION_KEYS ") and "\n" not in message
    assert "Planted" not in message and NEW not in message and OLD not in message
    assert problem.value.__cause__ is None


def test_a_changed_token_is_refused():
    cipher = Cipher([NEW])
    token = bytearray(cipher.encrypt("a"))
    token[-5] ^= 1
    with pytest.raises(ConfigError, match="ENCRYPTION_KEYS"):
        cipher.decrypt(bytes(token))


@pytest.mark.parametrize("keys", [["short"], [NEW, "not a key"], ["a" * 44]])
def test_a_malformed_key_is_told_without_repeating_it(keys):
    with pytest.raises(ConfigError, match=r"^ENCRYPTION_KEYS holds a malformed Fernet key") as problem:
        Cipher(keys)
    assert keys[-1] not in str(problem.value)


def test_no_key_at_all_is_told():
    with pytest.raises(ConfigError, match=r"^ENCRYPTION_KEYS is missing"):
        Cipher([])
