"""A daemon whose certificate is of an authority of one's own."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandglass import AsyncClient, Client, ConnectionError, InvalidRequestError, Sandbox
from tests.support.scripted_server import sandbox_info


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        self._answer(201, sandbox_info())

    def do_PUT(self) -> None:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        info = {"name": "f", "path": "/f", "type": "file", "sizeBytes": len(body), "mode": 420}
        self._answer(200, info)

    def _answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # Who does not trust it hangs up in the middle.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    out = ["-keyout", str(directory / "own.key"), "-out", str(directory / "own.pem"), "-days", "2"]
    name = ["-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *key, *out, *name], check=True, capture_output=True)
    return directory / "own.pem"


@pytest.fixture(scope="module")
def url(certificate: Path) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_trusted_as_a_file_as_text_or_by_the_environment(
    url: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(url, "key", ca_file=str(certificate)) as client:
        assert client.sandboxes.create().id == sandbox_info()["id"]
    with Client(url, "key", ca=certificate.read_text()) as client:
        assert client.sandboxes.create().id == sandbox_info()["id"]
    sandbox = Sandbox.create(base_url=url, api_key="key", ca_file=str(certificate))
    assert sandbox.id == sandbox_info()["id"]
    monkeypatch.setenv("SANDGLASS_CA_FILE", str(certificate))
    with Client(url, "key") as client:
        assert client.sandboxes.create().id == sandbox_info()["id"]


@pytest.mark.anyio
async def test_it_is_trusted_by_the_asynchronous_client_too(url: str, certificate: Path) -> None:
    async with AsyncClient(url, "key", ca_file=str(certificate)) as client:
        assert (await client.sandboxes.create()).id == sandbox_info()["id"]


def test_an_upload_in_pieces_is_whole_over_tls(url: str, certificate: Path) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    with Client(url, "key", ca_file=str(certificate)) as client:
        sandbox = client.create_sandbox()
        for _ in range(2):
            # The first request of a connection meets what TLS has to say for itself behind the handshake.
            client._transport.release()
            assert sandbox.files.write("f", pieces()).size_bytes == 500_000


@pytest.mark.anyio
async def test_an_upload_in_pieces_is_whole_over_tls_by_the_asynchronous_client_too(
    url: str, certificate: Path
) -> None:
    async with AsyncClient(url, "key", ca_file=str(certificate)) as client:
        sandbox = await client.create_sandbox()
        for _ in range(2):
            await client._transport.release()
            assert (await sandbox.files.write("f", [b"x" * 10_000] * 50)).size_bytes == 500_000


def test_it_is_not_trusted_unless_that_is_said(url: str) -> None:
    with Client(url, "key") as client, pytest.raises(ConnectionError, match="not trusted") as caught:
        client.sandboxes.create()
    assert "SANDGLASS_CA_FILE" in (caught.value.hint or "")


def test_a_file_that_is_none_is_refused_by_name(url: str, certificate: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"missing\.pem cannot be read"):
        Client(url, "key", ca_file=str(tmp_path / "missing.pem"))
    key = certificate.with_suffix(".key")
    with Client(url, "key", ca_file=str(key)) as client:
        with pytest.raises(InvalidRequestError, match="holds no certificate"):
            client.sandboxes.create()
