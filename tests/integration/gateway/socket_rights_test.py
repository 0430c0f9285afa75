# With security on a WebSocket shows what its token may read (I10): judged for every change under the rules of its revision,
# ended when the token ends, told when rights go; notifications are for who administers everything.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from secured_case import CANARY, KEY, Secured
from waiting import eventually
from web_socket import WebSocket


class SocketRights(Secured):
    ARGS = ("--gateway", "127.0.0.1:0")

    def open(self, token=None, path="/ws/config/subscribe", **options):
        socket = WebSocket(self.broker.ready["gateway"][0], path, token=token, **options)
        self.addCleanup(socket.close)
        return socket

    def with_rights(self, *args, **rights):
        return self.open(self.security.token(*args, **rights))

    def test_without_a_token_nothing_is_shown(self):
        nobody = self.open()
        _, answer, _ = nobody.subscribe(1, ns="a")
        self.assertEqual((answer["type"], answer["error"]["code"]), ("error", "permission_denied"))
        self.assertNotIn(CANARY, repr(answer))
        entries, answer, _ = nobody.subscribe(2, ns="", subtree=True)
        self.assertEqual((entries, answer["type"], answer["error"]["code"]), ([], "error", "unauthenticated"))
        self.admin.put("a", KEY, f"{CANARY}-seen?")
        _, answer, _ = nobody.subscribe(3, ns="no.such")
        self.assertEqual(answer["error"]["code"], "permission_denied")  # and the change came to nobody

    def test_a_subtree_shows_what_may_be_read_of_it(self):
        socket = self.with_rights("reader", read=["a.b.**"])
        entries, answer, _ = socket.subscribe(1, ns="a", subtree=True)
        self.assertEqual({entry["ns"] for entry in entries}, {"a.b", "a.b.c"})
        self.assertEqual(set(answer["heads"]), {"a.b", "a.b.c"})
        self.admin.put("a", "hidden", f"{CANARY}-hidden")
        self.admin.put("a.b", "shown", 1)
        change = socket.receive()
        self.assertEqual((change["ns"], change["changes"][0]["key"]), ("a.b", "shown"))

    def test_browsers_bring_the_token_as_a_protocol(self):
        token = self.security.token("page", read=["a"])
        socket = self.open(subprotocols=["prismbus.v1", f"bearer.{token}"])
        self.assertEqual(socket.socket.subprotocol, "prismbus.v1")
        self.assertEqual(socket.subscribe(1, ns="a")[1]["type"], "subscribed")

    def test_a_bad_token_ends_it_with_4401(self):
        socket = self.open("no.such.token")
        self.assertEqual(socket.receive()["error"]["code"], "unauthenticated")
        self.assertEqual(socket.close_code()[0], 4401)

    def test_an_expired_token_ends_it_with_4401(self):
        socket = self.with_rights("late", read=["a"], seconds=-57)  # within the leeway for three seconds more
        self.assertEqual(socket.subscribe(1, ns="a")[1]["type"], "subscribed")
        code, reason = socket.close_code()
        self.assertEqual((code, reason), (4401, "the token has expired"))

    def test_a_renewed_token_goes_on(self):
        socket = self.with_rights("renewer", read=["a", "c"], seconds=-57)
        self.assertEqual(socket.subscribe(1, ns="a")[1]["type"], "subscribed")
        self.assertEqual(socket.subscribe(2, ns="c")[1]["type"], "subscribed")
        socket.send(type="token", token="nonsense")
        self.assertEqual(socket.receive()["error"]["code"], "unauthenticated")  # the former one counts on
        socket.send(type="token", token=self.security.token("renewer", read=["a"]))
        told = socket.receive()  # of what the new one may not
        self.assertEqual((told["type"], told["id"], told["error"]["code"]), ("error", 2, "permission_denied"))
        expired = self.with_rights("renewer", read=["a"], seconds=-57)
        expired.close_code()  # by now the former one has ended too
        self.admin.put("a", "after", 1)
        self.assertEqual(socket.receive()["changes"][0]["key"], "after")

    def test_a_revoked_token_ends_it_with_4401(self):
        socket = self.with_rights("leaver", read=["a"])
        self.assertEqual(socket.subscribe(1, ns="a")[1]["type"], "subscribed")
        self.admin.put("_system.revoked", "sub/leaver", {"before": 1 << 62})
        self.admin.put("a", "gone", f"{CANARY}-gone")
        self.assertEqual(socket.close_code(), (4401, "the token was revoked"))

    def test_rights_that_go_are_told_and_nothing_more_is_shown(self):
        socket = self.with_rights("shrinker", read=["a", "d.**"])
        socket.subscribe(1, ns="a", snapshot=False)
        socket.subscribe(2, ns="d", subtree=True, snapshot=False)
        self.admin.put("_system.policy", "a", {"deny": {"shrinker": ["read"]}})
        told = socket.receive()
        self.assertEqual((told["type"], told["id"], told["error"]["code"]), ("error", 1, "permission_denied"))
        self.admin.put("a", "hidden", f"{CANARY}-hidden")
        self.admin.put("d.e", "shown", 1)
        self.assertEqual(socket.receive()["ns"], "d.e")

    def test_who_may_read_more_is_not_left_with_a_hole(self):
        self.admin.put("_system.policy", "d.e", {"deny": {"grower": ["read"]}})
        socket = self.with_rights("grower", read=["d.**"])
        entries, _, _ = socket.subscribe(1, ns="d", subtree=True)
        self.assertEqual(entries, [])
        self.admin.put("_system.policy", "d.e", {})
        self.admin.put("d.f", "born", 1)  # all of it was seen
        self.assertEqual(socket.receive()["ns"], "d.f")
        self.admin.put("d.e", "late", 2)
        self.assertEqual(socket.receive(), {"type": "gap", "id": 1, "ns": "d.e", "seq": 0})
        entries, _, _ = socket.subscribe(1, ns="d", subtree=True)
        self.assertIn(("d.e", "late"), [(entry["ns"], entry["key"]) for entry in entries])

    def test_notifications_are_for_who_administers(self):
        self.assertEqual(self.open(path="/ws/config/notifications").close_code()[0], 4403)
        reader = self.open(self.security.token("reader", read=["**"]), "/ws/config/notifications")
        self.assertEqual(reader.close_code()[0], 4403)
        admin = self.open(self.security.admin(), "/ws/config/notifications")
        admin.send(type="subscribe", id=1, ns="a")
        self.assertEqual(admin.receive()["error"]["field"], "type")  # it is open, and says nothing but this
        follower = self.open(self.security.token("desk", read=["a"]), "/ws/config/subscribe?instance=d1&name=desk")
        follower.subscribe(1, ns="a")
        joined = admin.receive()
        self.assertEqual({k: joined[k] for k in ("type", "principal", "instance", "name")},
                         {"type": "joined", "principal": "desk", "instance": "d1", "name": "desk"})
        seq = self.admin.put("a", "k", 1)["seq"]
        self.assertEqual(follower.receive()["seq"], seq)
        refusal = {"ns": "a", "seq": seq, "key": "k", "reason": "tick too small"}
        follower.send(type="ack", applied={"a": seq}, rejected=[refusal])
        rejected = admin.receive()
        self.assertEqual({k: rejected[k] for k in ("type", "instance", *refusal)}, {"type": "rejected", "instance": "d1", **refusal})
        follower.close()
        left = admin.receive()
        self.assertEqual((left["type"], left["instance"], left["reason"]), ("left", "d1", "closed"))
        self.refused(self.client("prober", read=["c"]), "permission_denied", "get", ns="a", key=KEY)
        refused = eventually(lambda: (m := admin.receive())["type"] == "refused" and m, what="the refused attempt")
        self.assertEqual((refused["principal"], refused["op"], refused["code"], refused["ns"], refused["from"]),
                         ("prober", "get", "permission_denied", ["a"], "127.0.0.1"))
        self.assertNotIn(CANARY, repr([joined, rejected, left, refused]))
        self.admin.put("_system.policy", "**", {"roles": {"other": ["admin"]}})
        self.admin.put("_system.revoked", "sub/admin", {"before": 1})  # of long ago: it goes on
        self.refused(self.client("prober2", read=["c"]), "permission_denied", "get", ns="a", key=KEY)
        self.assertEqual(eventually(lambda: (m := admin.receive())["type"] == "refused" and m)["principal"], "prober2")


if __name__ == "__main__":
    unittest.main(verbosity=2)
