"""Single requests in chosen versions, for what no client does by itself: kafka-python's message classes over a socket of our own."""
import socket
import struct

from kafka.protocol.parser import KafkaProtocol


class Raw:
    """One connection; `ask` sends a request and returns its response."""

    def __init__(self, address, timeout=30):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.protocol = KafkaProtocol(client_id="raw")

    def ask(self, request, version):
        return self.ask_all([request], version)[0]

    def ask_all(self, requests, version):
        """Sends several requests at once; returns their responses."""
        for request in requests:
            request.API_VERSION = version
            self.protocol.send_request(request)
        self.socket.sendall(self.protocol.send_bytes())
        responses = []
        while len(responses) < len(requests):
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("closed by the broker")
            responses += [response for _, response in self.protocol.receive_bytes(data)]
        return responses

    def ask_bytes(self, key, version, body):
        """Sends a flexible request for which there is no message class; returns the bytes of the response's body."""
        request = struct.pack(">hhih", key, version, 1, 3) + b"raw" + b"\0" + body
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        answer = b""
        while len(answer) < 4 or len(answer) < 4 + struct.unpack(">i", answer[:4])[0]:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("closed by the broker")
            answer += data
        return answer[9:]

    def close(self):
        self.socket.close()
