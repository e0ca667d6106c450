"""What operators rely on, seen on the real program: the console of `serve`, metrics, idle connections, clean stops. Usage: ops_check.py PROGRAM"""
import atexit
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from checks import Checks
from platform_child import free_port

checks = Checks()
SERVICES = {"coord": "coord", "broker": "broker", "dfs": "webhdfs", "compute": "connect"}


class Running:
    def __init__(self, program, arguments):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)  # a check that fails leaves nothing behind
        line = self.process.stdout.readline()
        if not line.startswith("READY "):
            self.process.wait()
            raise RuntimeError("not ready: " + self.log())
        self.endpoints = dict(word.split("=", 1) for word in line.split()[1:])

    def log(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def get(self, path):
        with urllib.request.urlopen("http://%s%s" % (self.endpoints["console"], path), timeout=5) as answer:
            return answer.read().decode()

    def figure(self, name):
        for line in self.get("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError("no metric %s in\n%s" % (name, self.get("/metrics")))

    def stop(self):
        self.process.terminate()
        status = self.process.wait(10)
        assert status == 0, status
        return self.log()


def main(program):
    @checks.check("serve of each service answers /metrics, /livez and /readyz")
    def _():
        for service, endpoint in SERVICES.items():
            extra = [] if service == "compute" else ["--ephemeral"]
            running = Running(program, [service, "serve", "--ports", "auto", *extra])
            assert endpoint in running.endpoints and "console" in running.endpoints, running.endpoints
            assert running.get("/livez") == "ok\n"
            assert running.get("/readyz?verbose") == "[+]%s ok\nok\n" % service
            assert running.figure("platform_process_resident_memory_bytes") > 1e6
            running.stop()

    @checks.check("a console port that nobody chose and somebody has is done without; a chosen one is an error")
    def _():
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mine = True
        try:
            holder.bind(("127.0.0.1", 7080))
            holder.listen(1)
        except OSError:
            mine = False  # somebody else holds it, which does as well
        running = Running(program, ["coord", "serve", "--ephemeral", "--listen", "127.0.0.1:0"])
        assert "coord" in running.endpoints and "console" not in running.endpoints, running.endpoints
        assert "no console" in running.stop()
        ran = subprocess.run(
            [program, "coord", "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--set", "console.listen=127.0.0.1:7080"], capture_output=True, text=True, timeout=20)
        assert ran.returncode == 1 and "the port is taken by" in ran.stderr, ran
        if mine:
            assert "(pid %d)" % os.getpid() in ran.stderr, ran.stderr
        holder.close()

    @checks.check("metrics count what was done, and time syncs by service")
    def _():
        running = Running(program, ["up", "--ephemeral", "--ports", "auto"])
        at = running.endpoints
        for arguments, text in (
            (["coord", "create", "/a", "x", "--server", at["coord"]], None), (["broker", "produce", "t", "--create", "--server", at["broker"]], "one\n"),
            (["dfs", "put", "-", "/f", "--server", at["webhdfs"]], "1\n2\n3\n"),
            (["compute", "sql", "SELECT * FROM text.`webhdfs:///f`", "--server", at["connect"]], None),
            (["compute", "mapreduce", "-input", "webhdfs:///f", "-output", "webhdfs:///o", "-mapper", "cat", "--server", at["connect"]], None),
        ):
            subprocess.run([program, *arguments], input=text, text=True, check=True, capture_output=True, timeout=60)
        failed = subprocess.run([program, "compute", "sql", "SELECT nothing", "--server", at["connect"]], capture_output=True, timeout=60)
        assert failed.returncode == 1
        for service in ("coord", "broker", "dfs"):
            name = "platform_store_fsync_duration_seconds"
            count = running.figure('%s_count{service="%s"}' % (name, service))
            assert count > 0 and running.figure('%s_bucket{service="%s",le="+Inf"}' % (name, service)) >= count
            assert running.figure('%s_sum{service="%s"}' % (name, service)) > 0
        assert running.figure('platform_broker_requests_total{api="Produce"}') == 1
        assert running.figure("platform_compute_rows_total") == 3
        assert running.figure("platform_compute_batches_total") >= 1
        assert running.figure("platform_compute_queries_total") >= 3
        assert running.figure("platform_compute_queries_failed_total") == 1
        assert running.figure('platform_compute_jobs_total{kind="mapreduce"}') == 1
        assert running.figure('platform_compute_jobs_failed_total{kind="mapreduce"}') == 0
        running.stop()

    @checks.check("an idle connection to the broker is closed after its time, one in use is not")
    def _():
        running = Running(program, ["broker", "serve", "--ephemeral", "--ports", "auto", "--set", "broker.connections.max.idle.ms=1000"])
        host, port = running.endpoints["broker"].rsplit(":", 1)
        versions = bytes.fromhex("0000000e00120000000000010004") + b"idle"
        with socket.create_connection((host, int(port)), timeout=10) as busy, socket.create_connection((host, int(port)), timeout=10) as idle:
            began = time.monotonic()
            for _ in range(8):
                busy.sendall(versions)
                assert len(busy.recv(65536)) > 0
                time.sleep(0.5)
            assert idle.recv(1) == b"" and time.monotonic() - began < 9
            busy.sendall(versions)
            assert len(busy.recv(65536)) > 0
        running.stop()

    @checks.check("a stop under load is clean and silent")
    def _():
        for round in range(3):
            running = Running(program, ["up", "--ephemeral", "--ports", "auto"])
            ended = threading.Event()

            def ask(path, address=running.endpoints["webhdfs"]):
                while not ended.is_set():
                    try:
                        with urllib.request.urlopen("http://%s/webhdfs/v1/?op=%s" % (address, path), timeout=2) as answer:
                            answer.read()
                    except OSError:
                        time.sleep(0.01)

            def upload(address=running.endpoints["webhdfs"]):
                while not ended.is_set():
                    subprocess.run([program, "dfs", "put", "--force", program, "/big", "--server", address], capture_output=True)

            threads = [threading.Thread(target=ask, args=(word,)) for word in ("LISTSTATUS", "GETCONTENTSUMMARY")] + [threading.Thread(target=upload)]
            for thread in threads:
                thread.start()
            time.sleep(0.5 + 0.3 * round)
            said = running.stop()
            ended.set()
            for thread in threads:
                thread.join()
            assert "Cannot schedule" not in said and "rror" not in said, said

    @checks.check("a download and an upload that do not go on hold no stop up")
    def _():
        running = Running(program, ["dfs", "serve", "--ephemeral", "--ports", "auto"])
        address = running.endpoints["webhdfs"]
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(40 << 20)
            subprocess.run([program, "dfs", "put", file.name, "/big", "--server", address], check=True, capture_output=True, timeout=60)

        def datanode(method, target):
            host, port = address.split(":")
            with socket.create_connection((host, int(port)), timeout=5) as namenode:
                namenode.sendall(("%s /webhdfs/v1%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (method, target, address)).encode())
                answer = b"".join(iter(lambda: namenode.recv(65536), b"")).decode()
            url = next(line.split(" ", 1)[1] for line in answer.splitlines() if line.lower().startswith("location:"))
            authority, path = url[len("http://"):].split("/", 1)
            host, port = authority.split(":")
            return socket.create_connection((host, int(port)), timeout=5), "/" + path, authority

        download, path, authority = datanode("GET", "/big?op=OPEN")
        download.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, authority)).encode())
        assert download.recv(10)
        upload, path, authority = datanode("PUT", "/half?op=CREATE")
        upload.sendall(("PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\nsome" % (path, authority)).encode())
        time.sleep(0.3)
        began = time.monotonic()
        said = running.stop()
        assert time.monotonic() - began < 4, time.monotonic() - began
        assert "Cannot schedule" not in said, said
        download.close()
        upload.close()

    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
