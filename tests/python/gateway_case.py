# The base of tests of the gateway: a broker with one, a client of either door, a namespace of its own for every test.
import socket
import urllib.parse

from broker_case import BrokerCase
from gateway_client import HttpClient


class GatewayCase(BrokerCase):
    gateway_args = ()

    @classmethod
    def setUpClass(cls):
        cls.broker_args = ("--gateway", "http://127.0.0.1:0", *cls.gateway_args)
        super().setUpClass()
        cls.address = cls.broker.ready["gateway"][0]

    def setUp(self):
        super().setUp()
        self.http = self.new_http()

    def new_http(self, token=None):
        client = HttpClient(self.address, token)
        self.addCleanup(client.close)
        return client

    def raw(self, data, seconds=20):
        """Sends bytes on a connection of their own and gives all that comes until it is closed."""
        split = urllib.parse.urlsplit(self.address)
        with socket.create_connection((split.hostname, split.port), timeout=seconds) as peer:
            try:
                peer.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            received = b""
            try:
                while piece := peer.recv(65536):
                    received += piece
            except ConnectionResetError:
                pass
            return received

    def assert_error(self, answer, status, code, field=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["error"]["code"], code, answer)
        self.assertTrue(answer.json["error"]["message"], answer)
        if field is not None:
            self.assertEqual(answer.json["error"].get("field"), field, answer)
        return answer.json["error"]
