# The volume of the audit file is full: whatever needs admin is refused with a typed answer within 100 ms, everybody else
# is served on, and it heals without a restart (D5).
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from secured import SecureClient, Security
from small_disk import SmallDisk, can_mount
from waiting import eventually

WORST_SECONDS = float(os.environ.get("PRISMBUS_TIME_SLACK", "1")) * 0.1


@unittest.skipUnless(can_mount(), "only root can mount a small file system")
class AuditFull(unittest.TestCase):
    def test_what_needs_admin_is_refused_until_there_is_room_and_nobody_else_is(self):
        with SmallDisk() as disk:
            security = Security()
            with security.broker(["--audit-dir", os.path.join(disk.path, "audit")]).start() as broker:
                admin = SecureClient(broker.requests, security.public, security.admin())
                writer = SecureClient(broker.requests, security.public, security.token("w", ["a"], ["a"]))
                self.addCleanup(admin.close)
                self.addCleanup(writer.close)
                admin.put("_system.policy", "z.**", {"lane": "express"})
                disk.fill()
                # The file's last page takes some more lines.
                eventually(lambda: not admin.ask("put", ns="_system.policy", key="x.**", value={"lane": "express"})["ok"])
                eventually(lambda: not admin.ask("audit")["ok"])
                for op, fields in (("put", {"ns": "_system.policy", "key": "y.**", "value": {"lane": "express"}}),
                                   ("delete", {"ns": "_system.policy", "key": "z.**"}), ("audit", {}),
                                   ("rollback", {"ns": "_system.policy", "to": 1})):
                    began = time.monotonic()
                    reply = admin.ask(op, **fields)
                    self.assertLess(time.monotonic() - began, WORST_SECONDS, op)
                    self.assertEqual(reply["error"]["code"], "read_only", (op, reply))
                for n in range(50):
                    rev = writer.put("a", "k", n)["rev"]
                    self.assertEqual(writer.get("a", "k")["rev"], rev)
                    writer.ask("get", ns="b", key="k")  # refused, and its line finds no room
                self.assertEqual(admin.get("_system.policy", "z.**")["value"], {"lane": "express"})
                disk.free()
                eventually(lambda: admin.ask("delete", ns="_system.policy", key="z.**")["ok"])
                lines = [r for r in admin.call("audit")["records"] if "line" in r]
                self.assertTrue(any(r["what"] == "lost" for r in lines), lines)


if __name__ == "__main__":
    unittest.main()
