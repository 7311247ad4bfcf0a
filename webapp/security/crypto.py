"""Encryption of stored secrets and display values: the first key encrypts, every key decrypts."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from webapp.config import ConfigError


class Cipher:
    """Encrypts text under the first of several Fernet keys. Raises ConfigError naming ENCRYPTION_KEYS."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._keys = [Fernet(key) for key in keys]
        except ValueError:
            raise ConfigError("ENCRYPTION_KEYS holds a malformed Fernet key.") from None
        if not self._keys:
            raise ConfigError("ENCRYPTION_KEYS is missing.")
        self._all = MultiFernet(self._keys)

    def encrypt(self, text: str) -> bytes:
        return self._keys[0].encrypt(text.encode())

    def decrypt(self, token: bytes) -> str:
        try:
            return self._all.decrypt(token).decode()
        except InvalidToken:
            raise ConfigError(
                "ENCRYPTION_KEYS has no key for a stored value: add the key that was used before, after the new one."
            ) from None

    def rotate(self, token: bytes) -> bytes:
        """The same text under the first key."""
        try:
            return self._all.rotate(token)
        except InvalidToken:
            raise ConfigError(
                "ENCRYPTION_KEYS has no key for a stored value: add the key that was used before, after the new one."
            ) from None

    def is_current(self, token: bytes) -> bool:
        """Is this value encrypted under the first key already?"""
        try:
            self._keys[0].decrypt(token)
        except InvalidToken:
            return False
        return True


def current_cipher() -> Cipher:
    """The running application's cipher."""
    cipher: Cipher = current_app.extensions["cipher"]
    return cipher
