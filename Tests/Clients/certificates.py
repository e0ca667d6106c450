"""Certificates for tests, made with openssl: an authority, a server's certificate for localhost, a client's, and a stranger's authority."""
import os
import subprocess


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


class Certificates:
    """PEM files in `directory`; each attribute is a path."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = self.path("authority.pem")
        self.stranger = self.path("stranger.pem")
        for name in ("authority", "stranger"):
            openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
        self.server, self.server_key = self.signed("server", "authority", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth")
        self.client, self.client_key = self.signed("client", "authority", "extendedKeyUsage=clientAuth")
        self.strange_client, self.strange_client_key = self.signed("strange-client", "stranger", "extendedKeyUsage=clientAuth")

    def path(self, name):
        return os.path.join(self.directory, name)

    def signed(self, name, authority, extensions):
        with open(self.path(name + ".ext"), "w") as file:
            file.write(extensions + "\n")
        openssl(self.directory, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        openssl(
            self.directory, "x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key", "-CAcreateserial", "-days", "2",
            "-extfile", name + ".ext", "-out", name + ".pem")
        return self.path(name + ".pem"), self.path(name + ".key")

    def settings(self, clients_must_show=False):
        """--set texts that give every service TLS."""
        found = []
        for service in ("coord", "broker", "dfs", "compute", "console"):
            found += ["%s.tls.certificate=%s" % (service, self.server), "%s.tls.key=%s" % (service, self.server_key)]
            if clients_must_show:
                found.append("%s.tls.client-ca=%s" % (service, self.authority))
        return found


class Authority:
    def __init__(self, directory, name="test-authority"):
        self.directory = directory
        self.certificate = os.path.join(directory, name + ".pem")
        self.key = os.path.join(directory, name + ".key")
        openssl(self.directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, subject, alternative=None):
        """(certificate file, key file) of a new pair."""
        base = os.path.join(self.directory, name)
        openssl(self.directory, "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", base + ".key", "-out", base + ".csr")
        extra = []
        if alternative:
            with open(base + ".ext", "w") as file:
                file.write("subjectAltName=%s\n" % alternative)
            extra = ["-extfile", base + ".ext"]
        openssl(self.directory, "x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-out", base + ".pem", *extra)
        return base + ".pem", base + ".key"
