# Raw ZMTP 3.0 over a plain TCP socket, for peers that misbehave in ways no ZeroMQ library would.
# Layouts: greeting of 64 bytes, then frames: flags (1 MORE, 2 long size, 4 command), size (1 or 8 bytes), body.
import socket
import struct

SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"
GREETING = SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
MORE, LONG, COMMAND = 1, 2, 4


def address_of(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def command(name, body=b""):
    return frame(bytes([len(name)]) + name + body, COMMAND)


def properties(**named):
    return b"".join(bytes([len(name)]) + name.encode() + struct.pack(">I", len(value)) + value
                    for name, value in named.items())


def ready(socket_type=b"DEALER", identity=b""):
    pairs = properties(**{"Socket-Type": socket_type, "Identity": identity})
    return command(b"READY", pairs)


def ping(context=b""):
    return command(b"PING", struct.pack(">H", 0) + context)


class Peer:
    """One TCP connection; what it sends is up to the test. Never blocks longer than its timeout."""

    def __init__(self, endpoint, seconds=5.0, receive_buffer=None, source=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        if source is not None:  # another of the loopback's addresses, 127.0.0.0/8
            self.socket.bind((source, 0))
        self.socket.connect(address_of(endpoint))

    def send(self, data):
        """False when the broker has cut the connection or takes nothing more within the timeout."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def receive(self, size=65536):
        """What came; b"" at the end of the connection or of the timeout."""
        try:
            return self.socket.recv(size)
        except OSError:
            return b""

    def shake_hands(self, socket_type=b"DEALER", identity=b""):
        """Greeting and READY; True when the broker's READY came."""
        if not self.send(GREETING + ready(socket_type, identity)):
            return False
        got = b""
        while b"READY" not in got:
            part = self.receive()
            if not part:
                return False
            got += part
        return True

    @staticmethod
    def frame(body, flags=0):
        """One frame as this connection carries it."""
        return frame(body, flags)

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends with RST instead of FIN."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.socket.close()
