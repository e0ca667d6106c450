"""Certificates for a check, made with openssl: an authority, a server at 127.0.0.1, and clients."""
import os
import subprocess


def run(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    def __init__(self, directory, name="test-authority"):
        self.directory = directory
        self.certificate = os.path.join(directory, name + ".pem")
        self.key = os.path.join(directory, name + ".key")
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, subject, alternative=None):
        """(certificate file, key file) of a new pair."""
        base = os.path.join(self.directory, name)
        run("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", base + ".key", "-out", base + ".csr")
        extra = []
        if alternative:
            with open(base + ".ext", "w") as file:
                file.write("subjectAltName=%s\n" % alternative)
            extra = ["-extfile", base + ".ext"]
        run("x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-out", base + ".pem", *extra)
        return base + ".pem", base + ".key"
