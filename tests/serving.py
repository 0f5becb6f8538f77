"""A git server that speaks https: a certificate of its own, git's own CGI program, and what a server may do that means no good."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"


class _Backend(BaseHTTPRequestHandler):
    """Hands requests to `git http-backend`, or asks for a password."""

    root = Path()
    locked = False

    def do_GET(self) -> None:
        if self.locked:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="modules"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length") or 0)
        around = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_SSL")},
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(size),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=self.rfile.read(size), capture_output=True, env=around, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n") if b": " in line)
        self.send_response(int(lines.pop("Status", "200 OK").split()[0]))
        for name, value in {**lines, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that the library looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(root: Path, folder: Path, *, locked: bool = False) -> Iterator[str]:
    """Serve the repositories below a folder; yield the address, and leave the certificate at `folder/server.pem`."""
    certificate = _certificate(folder)
    handler = type("Handler", (_Backend,), {"root": root, "locked": locked})
    server = ThreadingHTTPServer((HOST, 0), handler)
    around = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    around.load_cert_chain(certificate)
    server.socket = around.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path
