# The files of the gateway's TLS: what is refused at the start, by flag and file; taken anew as soon as it changes, with no
# connection lost; and left as it was when the new ones are no good. No key is written anywhere.
import os
import ssl
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_process import Broker, run_broker
from canaries import Canaries, content_of
from gateway_client import HttpClient
from secured import SecureClient, Security
from tls_files import CLIENT, Authority, TlsFiles, key_of, pem_of, pem_of_key
from waiting import eventually


def serial(http):
    """Of the certificate that this connection began with."""
    if http.connection.sock is None:
        http.connection.connect()
    return http.connection.sock.getpeercert()["serialNumber"]


class FilesCase(unittest.TestCase):
    def setUp(self):
        self.files = TlsFiles()

    def start(self, *args, files=None):
        broker = Broker(args=(files or self.files).args(*args)).start()
        self.addCleanup(broker.remove)
        return broker

    def http(self, broker, tls=None):
        client = HttpClient(broker.ready["gateway"][0], tls=tls or self.files.client())
        self.addCleanup(client.close)
        return client

    def told(self, broker, event):
        return [line for line in broker.log().splitlines() if f"event={event}" in line]


class Configuration(FilesCase):
    def refused(self, *args, code=2, told=()):
        ended, _, error = run_broker("--data-dir", self.files.path("data"), "--requests", "tcp://127.0.0.1:0", "--changes",
                                     "tcp://127.0.0.1:0", "--map-bytes", "1GiB", *args)
        self.assertEqual(ended, code, error)
        last = error if code == 2 else error.splitlines()[-1]
        for text in told:
            self.assertIn(text, last)
        self.assertNotIn("BEGIN", error)

    def test_half_of_it_is_refused_and_the_flag_is_named(self):
        https, cert, key, ca = (("--gateway", "https://127.0.0.1:0"), ("--gateway-tls-cert", self.files.path("cert.pem")),
                                ("--gateway-tls-key", self.files.path("key.pem")),
                                ("--gateway-tls-client-ca", self.files.path("ca.pem")))
        self.refused(*https, told=["--gateway-tls-cert: required", "--gateway-tls-key: required"])
        self.refused(*https, *cert, told=["--gateway-tls-key: required"])
        self.refused(*https, *key, told=["--gateway-tls-cert: required"])
        self.refused(*https, *ca, told=["--gateway-tls-cert: required"])
        for plain in (("--gateway", "http://127.0.0.1:0"), ()):
            for flag in (cert, key, ca):
                self.refused(*plain, *flag, told=[f"{flag[0]}: needs --gateway https://"])

    def test_an_address_that_others_reach(self):
        everywhere = ("--gateway", "https://0.0.0.0:0", *self.files.args()[2:])
        self.refused(*everywhere, told=["--gateway https://0.0.0.0:0", "--security", "--gateway-tls-client-ca", "--insecure"])
        self.refused("--gateway", "http://0.0.0.0:0", told=["plain HTTP", "https", "--insecure"])
        security = Security()
        self.refused("--gateway", "http://0.0.0.0:0", "--security", security.dir, told=["plain HTTP", "https"])
        for allowed in (("--security", security.dir), ("--gateway-tls-client-ca", self.files.path("ca.pem")), ("--insecure",)):
            with Broker(args=(*everywhere, *allowed)).start() as broker:
                self.assertTrue(broker.ready["gateway"][0].startswith("https://0.0.0.0:"), broker.ready)

    def test_files_that_are_no_good_are_refused_by_flag_and_name(self):
        files = self.files
        certificate, key = files.read("cert.pem"), files.read("key.pem")
        other_key = pem_of_key(key_of())
        leaf_of_another, _ = Authority().issue()
        weak = files.authority.issue(kind="rsa1024")
        os.symlink(files.path("cert.pem"), files.path("link.pem"))
        os.mkfifo(files.path("pipe.pem"), 0o600)
        cases = [
            ("cert", "missing.pem", None, 0, "missing.pem"), ("key", "missing.pem", None, 0, "missing.pem"),
            ("client-ca", "missing.pem", None, 0, "missing.pem"),
            ("key", "other.pem", other_key, 0o600, "is not the key of"),
            ("cert", "another.pem", leaf_of_another, 0o644, "is not the key of"),
            ("key", "open.pem", key, 0o644, "open"), ("key", "group.pem", key, 0o640, "open"),
            ("cert", "written.pem", certificate, 0o664, "written by others"),
            ("client-ca", "written.pem", files.read("ca.pem"), 0o666, "written by others"),
            ("cert", "both.pem", certificate + key, 0o644, "holds a private key"),
            ("cert", "link.pem", None, 0, "link"), ("cert", "pipe.pem", None, 0, "pipe.pem"), ("key", ".", None, 0, ""),
            ("cert", "empty.pem", b"", 0o644, "no certificate"), ("key", "empty.pem", b"", 0o600, "no private key"),
            ("client-ca", "empty.pem", b"", 0o644, "no certificate"),
            ("cert", "key.pem", None, 0, "no certificate"), ("key", "cert.pem", certificate, 0o600, "no private key"),
            ("cert", "torn.pem", certificate[:-60], 0o644, ""),
            ("cert", "noise.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644, "cannot be read"),
            ("key", "hidden.pem", pem_of_key(key_of(), b"secret"), 0o600, "encrypted"),
            ("client-ca", "leaf.pem", leaf_of_another, 0o644, "may sign no others"),
            ("cert", "large.pem", certificate + b"#" * (2 << 20), 0o644, "large.pem")]
        for flag, name, content, mode, why in cases:
            with self.subTest(flag, name=name):
                path = files.path(name)
                if content is not None:
                    files.write(name, content, mode)
                args = [*files.args(), "--gateway-tls-client-ca", files.path("ca.pem")]
                args[args.index(f"--gateway-tls-{flag}") + 1] = path
                self.refused(*args, code=3, told=["event=cannot_start", f"--gateway-tls-{'key' if name == 'another.pem' else flag}", why])
                files.write("cert.pem", certificate, 0o644)
        files.write("cert.pem", weak[0], 0o644), files.write("key.pem", weak[1])
        self.refused(*files.args(), code=3, told=["--gateway-tls-cert", "too small"])

    def test_a_certificate_that_is_over_is_served_and_warned_of(self):
        for times, event in (({"begins": -9, "ends": -1}, "expired"), ({"begins": 1}, "not_yet_valid"), ({"ends": 13}, "expires")):
            files = TlsFiles(**times)
            broker = self.start(files=files)
            warned = self.told(broker, f"gateway_certificate_{event}")
            self.assertEqual(len(warned), 1, broker.log())
            self.assertIn("warn", warned[0])
            self.assertIn(files.path("cert.pem"), warned[0])
            trusting = ssl.create_default_context()
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            self.assertEqual(self.http(broker, trusting).get("/health").status, 200)
        self.assertEqual(self.told(self.start(), "gateway_certificate_exp"), [])

    def test_a_chain_is_sent_whole(self):
        between = Authority("between", above=self.files.authority)
        certificate, key = between.issue()
        self.files.write("cert.pem", certificate + pem_of(between.certificate), 0o644)
        self.files.write("key.pem", key)
        self.assertEqual(self.http(self.start()).get("/health").status, 200)

    def test_what_is_set_is_told_by_environment_and_file_too(self):
        settings = self.files.write("prismbusd.toml", f"""gateway = "https://127.0.0.1:0"
gateway_tls_cert = "{self.files.path("cert.pem")}"
""".encode())
        broker = Broker(args=["--config", settings], env={"PRISMBUS_GATEWAY_TLS_KEY": self.files.path("key.pem")}).start()
        self.addCleanup(broker.remove)
        self.assertEqual(self.http(broker).get("/health").status, 200)


class Renewal(FilesCase):
    def renewed(self, broker, before):
        """Waits until new connections see another certificate than that."""
        return eventually(lambda: self.another(broker, before), what="the new certificate", every=0.1)

    def another(self, broker, before):
        http = HttpClient(broker.ready["gateway"][0], tls=self.files.client())
        try:
            now = serial(http)
            return now if now != before and http.get("/health").status == 200 else None
        finally:
            http.close()

    def not_taken(self, broker, number):
        def looked():
            return len(self.told(broker, "gateway_certificate_not_taken")) >= number
        eventually(looked, what=f"{number} refusals in the log")
        return self.told(broker, "gateway_certificate_not_taken")[-1]

    def test_a_new_certificate_is_for_new_connections_and_none_is_lost(self):
        broker = self.start()
        kept = self.http(broker)
        first = last = serial(kept)
        sock = kept.connection.sock
        for kind in ("ec", "rsa2048", "ec"):
            self.files.renew(kind=kind)
            last = self.renewed(broker, last)
            self.assertIn(kept.put("a", "k", kind).status, (200, 201))
        self.assertIs(kept.connection.sock, sock)
        self.assertEqual(serial(kept), first)
        self.assertNotEqual(last, first)
        self.assertGreaterEqual(len(self.told(broker, "gateway_certificate_taken")), 4)

    def test_files_that_are_no_good_leave_the_former_ones_in_force(self):
        broker = self.start("--gateway-tls-client-ca", self.files.path("ca.pem"))
        tls = self.files.client(shown=self.files.authority.issue("me", CLIENT))
        first = serial(self.http(broker, tls))
        certificate, key, ca = (self.files.read(name) for name in ("cert.pem", "key.pem", "ca.pem"))
        number = 0
        for name, content, mode, flag in (("key.pem", pem_of_key(key_of()), 0o600, "key"), ("key.pem", key, 0o644, "key"),
                                          ("cert.pem", b"", 0o644, "cert"), ("cert.pem", certificate[:300], 0o644, "cert"),
                                          ("ca.pem", b"nonsense", 0o644, "client-ca"), ("key.pem", None, 0, "key")):
            with self.subTest(name, flag=flag, mode=mode):
                if content is None:
                    os.unlink(self.files.path(name))
                else:
                    self.files.write(name, content, mode)
                number += 1
                line = self.not_taken(broker, number)
                self.assertIn(f"--gateway-tls-{flag}", line)
                self.assertIn(self.files.path(name), line)
                self.assertEqual(serial(self.http(broker, tls)), first)
                taken = len(self.told(broker, "gateway_certificate_taken"))
                for good, its, mode_of in (("cert.pem", certificate, 0o644), ("key.pem", key, 0o600), ("ca.pem", ca, 0o644)):
                    self.files.write(good, its, mode_of)
                eventually(lambda: len(self.told(broker, "gateway_certificate_taken")) > taken, what="the good files, taken")
        self.assertEqual(len(self.told(broker, "gateway_certificate_not_taken")), number, "each is told once")

    def test_whom_clients_have_to_be_signed_by_changes_with_its_file(self):
        ca = self.files.write("clients.pem", self.files.read("ca.pem"), 0o644)
        broker = self.start("--gateway-tls-client-ca", ca)
        old = self.files.client(shown=self.files.authority.issue("me", CLIENT))
        kept = self.http(broker, old)
        self.assertEqual(kept.get("/health").status, 200)
        another = Authority("another")
        new = self.files.client(shown=another.issue("me", CLIENT))
        self.files.write("clients.pem", pem_of(another.certificate), 0o644)

        def admitted(tls):
            http = HttpClient(broker.ready["gateway"][0], tls=tls)
            try:
                return http.get("/health").status == 200
            except (ssl.SSLError, ConnectionError):
                return False
            finally:
                http.close()
        eventually(lambda: admitted(new), what="a client of the new authority", every=0.1)
        self.assertFalse(admitted(old))
        self.assertEqual(kept.get("/health").status, 200)


class Secrets(FilesCase):
    def test_a_token_still_says_what_may_be_done_and_no_key_is_written_anywhere(self):
        security = Security()
        canaries = Canaries()
        for line in self.files.read("key.pem").decode().splitlines()[1:-1]:
            canaries.plant(f"key line {line[:8]}", line)
        ca = self.files.path("ca.pem")
        broker = self.start("--security", security.dir, "--gateway-tls-client-ca", ca, "--log-level", "debug")
        http = self.http(broker, self.files.client(shown=self.files.authority.issue("root", CLIENT)))
        self.assertEqual(http.get("/status").status, 401)
        http.token = security.admin()
        self.assertEqual(http.put("a", "k", 1).status, 201)
        with SecureClient(broker.requests, security.public, security.admin()) as client:
            self.assertEqual(client.get("a", "k")["value"], 1)
        self.files.write("key.pem", self.files.read("key.pem")[:120])
        eventually(lambda: self.told(broker, "gateway_certificate_not_taken"), what="the refusal")
        self.assertEqual(broker.stop(), 0)
        seen = content_of(broker.log_path, os.path.join(broker.data_dir, "**"), broker.ready_file)
        self.assertEqual(canaries.found_in(seen), [])
        self.assertGreater(len(seen), 10_000)


if __name__ == "__main__":
    unittest.main()
