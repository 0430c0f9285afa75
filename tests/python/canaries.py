# Secrets that are planted to be looked for afterwards, and the looking: whole or in parts, as they are, in hexadecimal or
# in base64, wherever an encoder may have begun. Pure but for content_of().
import base64
import glob
import os
import string
from random import SystemRandom

PIECE = 12  # bytes; a leak of a part of a secret counts as well


class Canaries:
    """What must not be found, by name, and the ways in which somebody could write it down."""

    def __init__(self):
        self.secrets, self.needles = {}, {}

    def plant(self, name, secret=None):
        """Registers a secret (a new text when none is given) and gives it back."""
        secret = "".join(SystemRandom().choices(string.ascii_letters + string.digits, k=32)) if secret is None else secret
        raw = secret.encode() if isinstance(secret, str) else secret
        assert name not in self.secrets and raw not in self.secrets.values(), name
        self.secrets[name] = raw
        self.needles[name] = {piece for form in self.forms(raw) for piece in pieces(form)}
        return secret

    @staticmethod
    def forms(raw):
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode())
        for shift in range(3):  # wherever it begins in what was encoded: the characters that are its own bits alone
            text = base64.b64encode(bytes(shift) + raw + bytes(3))[-(-shift * 8 // 6):(shift + len(raw)) * 8 // 6]
            yield from (text, text.replace(b"+", b"-").replace(b"/", b"_"))

    def found_in(self, content, but=()):
        """Names of what is there, but for those of a kind: the first word of the name."""
        return sorted(name for name, needles in self.needles.items()
                      if name.split()[0] not in but and any(needle in content for needle in needles))


def pieces(form):
    if len(form) <= PIECE:
        return {form}
    return {form[at:at + PIECE] for at in range(0, len(form) - PIECE + 1, PIECE)}


def content_of(*patterns):
    content = []
    for pattern in patterns:
        for path in sorted(glob.glob(pattern, recursive=True)):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    content.append(file.read())
    return b"\n".join(content)
