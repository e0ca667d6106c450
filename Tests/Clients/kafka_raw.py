"""Single requests in chosen versions, for what no client does by itself: kafka-python's message classes over a socket of our own."""
import socket

from kafka.protocol.parser import KafkaProtocol


class Raw:
    """One connection; `ask` sends a request and returns its response."""

    def __init__(self, address, timeout=30):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.protocol = KafkaProtocol(client_id="raw")

    def ask(self, request, version):
        request.API_VERSION = version
        self.protocol.send_request(request)
        self.socket.sendall(self.protocol.send_bytes())
        while True:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("closed by the broker")
            for _, response in self.protocol.receive_bytes(data):
                return response

    def close(self):
        self.socket.close()
