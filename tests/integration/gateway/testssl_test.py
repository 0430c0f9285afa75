# testssl.sh against the gateway's TLS, with a certificate of each kind: protocols, ciphers, forward secrecy, the server's
# preferences and every vulnerability it knows. Whatever it does not call good or neutral fails, but for what is accepted
# here with a reason. Certificates are the operator's, and what it says of them is not asked for.
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_process import Broker
from tls_files import TlsFiles

SECTIONS = ("--protocols", "--std", "--fs", "--server-preference", "--vulnerable")
ACCEPTED = {  # id of the finding: why
    "engine_problem": "Debian's openssl cannot look for GOST ciphers; the gateway names its six ciphers, and none is of GOST",
    "BREACH": "replies are compressed when asked for, but no browser sends a token unless a page of the gateway's own makes it: it "
              "goes in Authorization, there are no cookies, and foreign origins are refused before anything is read",
}
# One of each section: without them it did not look.
LOOKED = {"SSLv2", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "cipherlist_STRONG", "PFS", "cipher_order", "heartbleed", "ROBOT",
          "secure_client_renego", "BREACH", "SWEET32", "LUCKY13", "RC4"}


class Testssl(unittest.TestCase):
    def findings(self, **issued):
        files = TlsFiles(**issued)
        with Broker(args=files.args()).start() as broker:
            address = broker.ready["gateway"][0].removeprefix("https://")
            out = files.path("findings.json")
            done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--add-ca", files.path("ca.pem"),
                                   "--jsonfile", out, *SECTIONS, address], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=600, check=False)
            self.assertTrue(os.path.exists(out), done.stdout + done.stderr)
            self.assertTrue(broker.alive())
        with open(out, encoding="utf-8") as file:
            return json.load(file)

    def judge(self, findings):
        ids = {finding["id"] for finding in findings}
        self.assertEqual(LOOKED - ids, set(), sorted(ids))
        wrong = {finding["id"]: f'{finding["severity"]}: {finding["finding"]}' for finding in findings
                 if finding["severity"] not in ("OK", "INFO") and finding["id"] != "scanTime"}
        counts = {}
        for finding in findings:
            counts[finding["severity"]] = counts.get(finding["severity"], 0) + 1
        print(f"{len(findings)} findings: {counts}; not good: {wrong or 'none'}", flush=True)
        self.assertEqual({name: what for name, what in wrong.items() if name not in ACCEPTED}, {})

    def test_with_a_certificate_of_an_elliptic_curve(self):
        self.judge(self.findings())

    def test_with_a_certificate_of_rsa(self):
        self.judge(self.findings(kind="rsa2048"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
