"""Checks coord's TLS with kazoo: who shows no good certificate stays out, and a certificate is an identity. Usage: coord_tls.py PROGRAM"""
import os
import socket
import ssl
import sys
import tempfile

from certificates import Authority
from checks import Checks
from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import make_acl
from kazoo_check import refuses
from platform_child import PlatformChild


def main(program):
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        authority, stranger = Authority(directory), Authority(directory, "another-authority")
        certificate, key = authority.issue("server", "/CN=coord", "IP:127.0.0.1")
        alice = authority.issue("alice", "/C=DE/O=Example, Inc./OU=Data/CN=alice")
        bob = authority.issue("bob", "/CN=bob")
        mallory = stranger.issue("mallory", "/CN=alice")
        settings = ["coord.tls.certificate=" + certificate, "coord.tls.key=" + key, "coord.tls.client-ca=" + authority.certificate, "coord.tls.listen=127.0.0.1:0"]
        child = PlatformChild(program, os.path.join(directory, "data"), "coord", ["coord.listen"], settings)
        child.start()
        try:
            run(checks, child.endpoints["coord"], child.endpoints["coord-tls"], authority, alice, bob, mallory)
        finally:
            child.stop()
    return checks.finish()


def run(checks, plain, secure, authority, alice, bob, mallory):
    def client(pair, timeout=10):
        one = KazooClient(secure, use_ssl=True, ca=authority.certificate, certfile=pair[0], keyfile=pair[1])
        one.start(timeout=timeout)
        return one

    name = "CN=alice,OU=Data,O=Example\\, Inc.,C=DE"

    @checks.check("a certificate is an identity, by its subject")
    def _():
        one, other = client(alice), client(bob)
        one.create("/alices", b"a", acl=[make_acl("x509", name, all=True)])
        assert one.get("/alices")[0] == b"a"
        refuses(NoAuthError, lambda: other.get("/alices"))
        one.create("/auth", acl=[make_acl("auth", "", all=True)])
        assert one.get_acls("/auth")[0][0].id.id == name, one.get_acls("/auth")
        one.stop()
        other.stop()

    @checks.check("the plain port knows no certificates")
    def _():
        one = KazooClient(plain)
        one.start(timeout=10)
        refuses(NoAuthError, lambda: one.get("/alices"))
        one.stop()

    @checks.check("a certificate of another authority stays out, and so does none")
    def _():
        try:
            client(mallory, timeout=2).get("/")
            raise AssertionError("another authority's certificate was taken")
        except KazooTimeoutError:
            pass
        host, port = secure.rsplit(":", 1)
        context = ssl.create_default_context(cafile=authority.certificate)
        try:
            with context.wrap_socket(socket.create_connection((host, int(port)), timeout=5), server_hostname=host) as connection:
                connection.sendall(b"ruok")
                assert connection.recv(100) == b"", "a client without a certificate was answered"
        except (ssl.SSLError, ConnectionError):
            pass

    @checks.check("bytes that are no TLS do no harm")
    def _():
        host, port = secure.rsplit(":", 1)
        for data in (b"ruok", b"\x16\x03\x01" + b"\xff" * 500, b"\0" * 1000):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionError:
                    pass
        client(bob).stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
