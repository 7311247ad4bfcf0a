"""A key or a token is only ever sent to a server that proves who it is."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.http_stub import Reply
from tests.webapp.clients.conftest import HUB, Vault
from webapp.clients import tls
from webapp.clients.cliniko import resources
from webapp.clients.errors import Unavailable
from webapp.clients.hubspot import account, oauth
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clock import now


@pytest.fixture
def impostor(tmp_path) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server with a certificate that nobody vouches for, and what it was told."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - datetime.timedelta(1)).not_valid_after(today + datetime.timedelta(9))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = tmp_path / "impostor.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with plain:
                    try:
                        with context.wrap_socket(plain, server_side=True) as connection:
                            told.append(connection.recv(65_536))
                    except OSError:
                        continue  # the client did not trust us

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", told
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_an_impostor_is_told_nothing(impostor, make_cliniko, make_hubspot, api_settings):
    url, told = impostor
    vault = Vault(TokenSet("access", "refresh", now() + datetime.timedelta(hours=1), HUB))
    for call in (
        lambda: resources.get_user(make_cliniko(url=url)),
        lambda: account.details(make_hubspot(url, vault)),
        lambda: oauth.refresh(api_settings(url), "refresh"),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.category == "ConnectError"
        assert raised.value.maybe_applied is False
    assert told == []


def test_certificates_and_names_are_checked():
    assert tls.CONTEXT.verify_mode is ssl.CERT_REQUIRED
    assert tls.CONTEXT.check_hostname
    assert tls.CONTEXT.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_proxies_of_the_environment_are_not_used(monkeypatch, stub, make_cliniko):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    stub.answer(Reply(json={"id": "5"}))
    assert resources.get_user(make_cliniko()).id == "5"
