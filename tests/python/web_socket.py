# An independent client of the gateway's WebSockets: python3-websockets, one call at a time. Written from section 8 of
# proto/PROTOCOL.md.
import asyncio
import json
import urllib.parse

import websockets


class WebSocket:
    def __init__(self, address, path="/ws/config/subscribe", token=None, subprotocols=None, seconds=20, origin=None,
                 headers=None, ssl=None):
        self.seconds, self.loop = seconds, asyncio.new_event_loop()
        split = urllib.parse.urlsplit(address)
        url = f"{'wss' if split.scheme == 'https' else 'ws'}://{split.netloc}{path}"
        headers = dict(headers or {})
        if token is not None and subprotocols is None:
            headers["Authorization"] = f"Bearer {token}"
        options = {"ssl": ssl} if ssl is not None else {}

        async def connect():
            return await websockets.connect(url, ping_interval=None, max_size=None, compression=None,
                                            subprotocols=subprotocols, extra_headers=headers, origin=origin,
                                            open_timeout=seconds, **options)

        try:
            self.socket = self.wait(connect())
        except BaseException:
            self.loop.close()
            raise

    def wait(self, future):
        async def bounded():
            return await asyncio.wait_for(future, self.seconds)

        return self.loop.run_until_complete(bounded())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if not self.loop.is_closed():
            try:
                self.wait(self.socket.close())
            finally:
                self.loop.close()

    def send(self, **message):
        self.send_text(json.dumps(message))

    def send_text(self, text):
        self.wait(self.socket.send(text))

    def receive(self):
        return json.loads(self.receive_text())

    def receive_text(self):
        return self.wait(self.socket.recv())

    def close_code(self):
        """Reads on until the other side has closed; gives its code and reason."""
        try:
            while True:
                self.receive_text()
        except websockets.ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")

    def subscribe(self, id=1, **wish):
        """Subscribes; gives the entries, the `subscribed` message and changes that came before it."""
        self.send(type="subscribe", id=id, **wish)
        entries, changes = [], []
        while True:
            message = self.receive()
            if message["type"] == "snapshot":
                entries += message["entries"]
            elif message["type"] == "change":
                changes.append(message)
            else:
                return entries, message, changes

    def changes(self, until):
        """Changes until one of them satisfies `until`, that one included; nothing else may come."""
        found = []
        while not found or not until(found[-1]):
            message = self.receive()
            assert message["type"] == "change", message
            found.append(message)
        return found
