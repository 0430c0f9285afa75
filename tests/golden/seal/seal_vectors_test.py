# The vectors of the sealed stream, computed again without libsodium (tests/python/prismbus_seal.py), and that module held
# against the drafts' own. PRISMBUS_GOLDEN_WRITE=1 writes the file of the module: no C++ ever does.
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "python"))
import prismbus_seal as seal  # noqa: E402

VECTORS = os.path.join(HERE, "vectors.txt")
MASTER = bytes(range(32))
EPOCH = 0x0123456789ABCDEF
MINUTE = 29_900_000
PERIODS = (MINUTE, 1 << 40 | MINUTE, 1 << 40 | MINUTE + 1, (1 << 64) - 1)
NODES = ("", "a", "a.b", "a.b.c", "ab", "market.binance", "_system", "_system.policy", "x" * 120)
PLAIN = bytes.fromhex("9184a573657175656e6365") + b"tick" * 50

# draft-irtf-cfrg-xchacha-03, appendix A.3.1
DRAFT_KEY = bytes(range(0x80, 0xA0))
DRAFT_NONCE = bytes(range(0x40, 0x58))
DRAFT_TEXT = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
              b"sunscreen would be it.")
DRAFT_MORE = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
DRAFT_BOX = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96"
    "b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49")


def lines():
    """What vectors.txt holds; '-' stands for nothing."""
    yield f"master {MASTER.hex()}"
    yield f"epoch {EPOCH:016x}"
    for period in PERIODS:
        for ns in NODES:
            yield f"node {period} {ns or '-'} {seal.node_of(MASTER, EPOCH, period, ns).hex()}"
            if ns:
                yield f"leaf {period} {ns} {seal.leaf_of(MASTER, EPOCH, period, ns).hex()}"
    for number, (period, ns, plain) in enumerate(((PERIODS[1], "a.b", PLAIN), (PERIODS[2], "a.b", PLAIN),
                                                  (PERIODS[1], "_system.policy", b"\x90"), (PERIODS[3], "x", b""))):
        nonce = bytes((number * 31 + i) % 256 for i in range(24))
        leaf = seal.leaf_of(MASTER, EPOCH, period, ns)
        body = seal.seal(leaf, period, ns.encode() + b"/", plain, nonce)
        yield f"body {period} {ns} {plain.hex() or '-'} {body.hex()}"
    body = seal.MARK + bytes(8) + DRAFT_NONCE + DRAFT_BOX
    yield f"draft {DRAFT_KEY.hex()} {DRAFT_MORE.hex()} {DRAFT_TEXT.hex()} {body.hex()}"


class SealVectors(unittest.TestCase):
    maxDiff = None

    def test_the_module_computes_what_the_drafts_print(self):
        # draft-irtf-cfrg-xchacha-03, section 2.2.1
        self.assertEqual(seal.hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")).hex(),
                         "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")
        # RFC 8439, section 2.5.2
        self.assertEqual(seal.poly1305(bytes.fromhex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"),
                                       b"Cryptographic Forum Research Group").hex(), "a8061dc1305136c6c22b8baf0c0127a9")
        self.assertEqual(seal.encrypt(DRAFT_KEY, DRAFT_NONCE, DRAFT_TEXT, DRAFT_MORE), DRAFT_BOX)
        self.assertEqual(seal.decrypt(DRAFT_KEY, DRAFT_NONCE, DRAFT_BOX, DRAFT_MORE), DRAFT_TEXT)

    def test_every_vector_is_what_the_page_says(self):
        text = "".join(line + "\n" for line in lines())
        if os.environ.get("PRISMBUS_GOLDEN_WRITE") == "1":
            with open(VECTORS, "w", encoding="ascii") as file:
                file.write(text)
        with open(VECTORS, encoding="ascii") as file:
            self.assertEqual(file.read(), text)

    def test_I10_a_body_opens_under_its_leaf_and_topic_only(self):
        leaf = seal.leaf_of(MASTER, EPOCH, PERIODS[1], "a.b")
        body = seal.seal(leaf, PERIODS[1], b"a.b/", PLAIN)
        self.assertEqual(seal.open_body(leaf, b"a.b/", body), PLAIN)
        self.assertIsNone(seal.open_body(leaf, b"a.c/", body))
        self.assertIsNone(seal.open_body(seal.leaf_of(MASTER, EPOCH, PERIODS[2], "a.b"), b"a.b/", body))
        self.assertIsNone(seal.open_body(leaf, b"a.b/", body[:-1]))
        self.assertIsNone(seal.open_body(leaf, b"a.b/", b"\x90" + body[1:]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
