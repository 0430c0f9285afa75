# The broker as a process: ready file, command line, what it refuses to do, how it ends, several endpoints at once.
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

import json
import signal
import stat
import threading

from broker_process import Broker, run_broker, scratch_dir
from prismbus_client import Client, Refused
from waiting import eventually


class ReadyFile(unittest.TestCase):
    def test_it_names_the_process_and_the_endpoints_really_bound(self):
        with Broker() as broker:
            broker.start()
            self.assertEqual(set(broker.ready), {"pid", "requests", "changes", "express", "gateway"})
            self.assertEqual(broker.ready["pid"], broker.pid)
            for name in ("requests", "changes"):
                (endpoint,) = broker.ready[name]
                self.assertRegex(endpoint, r"^tcp://127\.0\.0\.1:[1-9][0-9]*$")
            self.assertEqual(broker.ready["express"], [])
            with Client(broker.requests) as client:
                self.assertTrue(client.hello()["ok"], "once it is there the broker serves")

    def test_it_appears_whole(self):
        with Broker() as broker:
            for _ in range(5):
                broker.spawn()
                eventually(lambda: os.path.exists(broker.ready_file), every=0)
                with open(broker.ready_file, encoding="utf-8") as file:
                    self.assertEqual(json.load(file)["pid"], broker.pid)
                leftovers = {name for name in os.listdir(broker.scratch) if name.startswith("ready")}
                self.assertEqual(leftovers, {"ready.json"})
                broker.kill()

    def test_several_endpoints_of_each_kind_serve_the_same_broker(self):
        directory = scratch_dir()
        ipc = f"ipc://{directory}/requests", f"ipc://{directory}/changes"
        with Broker(requests=("tcp://127.0.0.1:*", ipc[0]), changes=("tcp://127.0.0.1:0", ipc[1])) as broker:
            broker.start()
            self.assertEqual(broker.ready["requests"][1], ipc[0])
            hellos = []
            for endpoint in broker.ready["requests"]:
                with Client(endpoint) as client:
                    hellos.append(client.hello())
            self.assertEqual(hellos[0]["run"], hellos[1]["run"])
            self.assertEqual(hellos[0]["changes"], broker.ready["changes"])


class Refusals(unittest.TestCase):
    def serve(self, *args):
        return run_broker("--data-dir", os.path.join(scratch_dir(), "data"), *args)

    def test_version_and_help_answer_and_leave(self):
        code, out, _ = run_broker("--version")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"[0-9]+\.[0-9]+\.[0-9]+")
        code, out, _ = run_broker("--help")
        self.assertEqual(code, 0)
        for flag in ("--data-dir", "--requests", "--changes", "--ready-file", "--map-bytes", "--insecure"):
            self.assertIn(flag, out)

    def test_wrong_command_lines_are_refused_with_a_reason(self):
        for args in (["--no-such-flag"], ["--requests", "nonsense"], ["--map-bytes", "many"], ["--map-bytes", "-1"],
                     ["--requests", "tcp://127.0.0.1:99999"], ["--changes", "udp://127.0.0.1:1"], ["--data-dir"]):
            code, out, err = self.serve(*args)
            self.assertNotEqual(code, 0, args)
            self.assertGreater(code, 0, f"{args}: ended by a signal\n{err}")
            self.assertTrue((out + err).strip(), args)

    def test_a_file_of_settings_that_cannot_be_read_is_all_that_is_said(self):
        code, out, err = run_broker("--config", os.path.join(scratch_dir(), "nosuch.toml"))
        self.assertEqual((code, out, err.count("\n")), (2, "", 1))
        self.assertIn("nosuch.toml: cannot read: No such file or directory", err)

    def test_a_value_that_is_missing_is_the_only_complaint(self):
        for args in (["--heartbeat-ms"], ["--data-dir"]):
            code, out, err = run_broker("--requests", "tcp://127.0.0.1:0", *args)
            self.assertEqual((code, out, err), (2, "", f"prismbusd: {args[-1]}: needs a value\n"))

    def test_a_key_of_the_file_that_is_spelt_as_the_flag_is_told_how(self):
        path = os.path.join(scratch_dir(), "prismbusd.toml")
        with open(path, "w", encoding="ascii") as file:
            file.write('data_dir = "data"\nretention-age = "9d"\n')
        code, _, err = run_broker("--config", path)
        self.assertEqual((code, err),
                         (2, f"prismbusd: {path}:2: retention-age: no such setting; in the file it is retention_age\n"))

    def test_a_ready_file_that_cannot_be_written_is_no_start(self):
        path = os.path.join(scratch_dir(), "none", "ready.json")
        with Broker() as broker:
            broker.ready_file = path
            broker.spawn()
            self.assertEqual(broker.ended(), 3)
            self.assertIn(f"--ready-file: cannot write {path}: No such file or directory", broker.log())

    def test_a_backup_directory_that_cannot_be_used_is_told_at_the_start(self):
        with Broker(args=["--backup-dir", "/proc/prismbus-backups"]) as broker:
            broker.start()
            eventually(lambda: "event=backup_dir_unusable" in broker.log(), what="the warning")
            self.assertIn("/proc/prismbus-backups", broker.log())
            with Client(broker.requests) as client:
                self.assertTrue(client.hello()["ok"])

    def test_too_few_descriptors_are_no_start_and_few_are_warned_of(self):
        with Broker(nofile=20) as broker:
            broker.spawn()
            self.assertEqual(broker.ended(), 3)
            self.assertIn("ulimit -n", broker.log())
        with Broker(nofile=256) as broker:
            broker.start()
            self.assertIn("warning event=descriptor_limit descriptors=256", broker.log())

    def test_a_public_bind_is_refused_unless_insecure_is_said(self):
        for name in ("--requests", "--changes"):
            for endpoint in ("tcp://0.0.0.0:0", "tcp://*:0"):
                code, out, err = self.serve(name, endpoint)
                self.assertGreater(code, 0, (name, endpoint))
                self.assertIn("insecure", out + err)
        with Broker(requests=("tcp://0.0.0.0:0",), args=["--insecure"]) as broker:
            broker.start()
            with Client(broker.requests.replace("0.0.0.0", "127.0.0.1")) as client:
                self.assertTrue(client.hello()["ok"])

    def test_a_second_broker_on_the_same_directory_is_refused_and_disturbs_nothing(self):
        with Broker() as first:
            first.start()
            client = Client(first.requests)
            client.put("a", "k", 1)
            code, out, err = run_broker("--data-dir", first.data_dir, "--requests", "tcp://127.0.0.1:0", "--changes",
                                        "tcp://127.0.0.1:0")
            self.assertGreater(code, 0)
            self.assertTrue((out + err).strip())
            self.assertEqual(client.put("a", "k", 2)["seq"], 2)
            client.close()

    def test_an_endpoint_in_use_is_refused(self):
        with Broker() as first:
            first.start()
            code, out, err = self.serve("--requests", first.requests)
            self.assertGreater(code, 0)
            self.assertIn(first.requests.rsplit(":", 1)[1], out + err)

    def test_a_data_directory_that_is_a_file_is_refused(self):
        path = os.path.join(scratch_dir(), "file")
        with open(path, "w", encoding="ascii") as file:
            file.write("not a directory")
        self.assertGreater(run_broker("--data-dir", path, "--requests", "tcp://127.0.0.1:0", "--changes",
                                      "tcp://127.0.0.1:0")[0], 0)


def code_of(reply):
    return "ok" if reply["ok"] else reply["error"]["code"]


class Reload(unittest.TestCase):
    """HUP: live settings at once, all or nothing."""

    def setUp(self):
        self.file = os.path.join(scratch_dir(), "prismbusd.toml")

    def write(self, text):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    def hup(self, broker, event):
        told = broker.log().count(event)
        broker.signal(signal.SIGHUP)
        eventually(lambda: broker.log().count(event) > told, what=event)

    def test_a_bound_that_is_raised_lets_writes_in_that_were_refused(self):
        self.write("recent_changes_max = 1000\n")
        # What is not folded for an hour fills `recent` to its bound.
        with Broker(args=["--config", self.file, "--fold-changes-min", "60000", "--fold-wait-ms", "3600000"]) as broker:
            broker.start()
            with Client(broker.requests) as client:
                changes = [{"op": "put", "ns": "a", "key": f"k{i}", "value": i} for i in range(1000)]
                client.call("txn", do=changes)
                with self.assertRaisesRegex(Refused, "overloaded"):
                    client.put("a", "more", 1)
                self.write("recent_changes_max = 2000\n")
                self.hup(broker, "event=reloaded")
                self.assertEqual(client.put("a", "more", 1)["seq"], 2)

    def test_limits_of_peers_are_in_force_at_once_and_for_those_who_come_from_then_on(self):
        self.write("")
        with Broker(args=["--config", self.file]) as broker:
            broker.start()
            with Client(broker.requests) as client:
                self.assertTrue(client.hello()["ok"])
                self.write("address_connections_max = 1\naddress_requests_per_second = 5\n")
                self.hup(broker, "event=reloaded")
                codes = {code_of(client.ask("hello")) for _ in range(20)}
                self.assertEqual(codes, {"ok", "overloaded"})
                with Client(broker.requests) as late:
                    late.send("hello")
                    self.assertIsNone(late.receive(0.5))
                    self.write("")
                    self.hup(broker, "event=reloaded")
                    eventually(lambda: late.ask("hello")["ok"], what="room for the second connection")
                self.assertEqual({code_of(client.ask("hello")) for _ in range(20)}, {"ok"})

    def test_less_history_is_kept_from_then_on_and_what_is_gone_is_compacted(self):
        self.write("")
        with Broker(args=["--config", self.file, "--fold-wait-ms", "0"]) as broker:
            broker.start()
            with Client(broker.requests) as client:
                for number in range(50):
                    client.put("a", f"k{number % 3}", number)
                eventually(lambda: client.call("status")["folded"] == 50, what="the fold")
                self.assertEqual(client.call("status")["floor"], 0)
                self.write('retention_revisions = 10\nretention_age = "0s"\nretention_age_min = "0s"\n')
                self.hup(broker, "event=reloaded")
                eventually(lambda: client.call("status")["floor"] == 40, what="the floor")
                gone = client.ask("changes", under="", since_rev=39)["error"]
                self.assertEqual((gone["code"], gone["floor"]), ("compacted", 40))
                self.assertEqual([s["seq"] for s in client.changes(under="", since_rev=40)[0]], list(range(41, 51)))
                gone = client.ask("changes", since={"a": 39})["error"]
                self.assertEqual((gone["code"], gone["ns"], gone["floor"]), ("compacted", "a", 40))
                self.assertEqual(client.changes(since={"a": 50})[0], [])

    def test_a_mistake_changes_nothing_and_is_told_with_its_line(self):
        self.write('log_level = "info"\n')
        with Broker(args=["--config", self.file]) as broker:
            broker.start()
            self.write('log_level = "loud"\nrecent_changes_max = 2000\n')
            self.hup(broker, "event=not_reloaded")
            self.assertIn("loud", broker.log())
            self.assertNotIn("event=reloaded", broker.log())
            with Client(broker.requests) as client:
                self.assertTrue(client.hello()["ok"])

    def test_what_needs_a_restart_is_named(self):
        self.write("")
        with Broker(args=["--config", self.file]) as broker:
            broker.start()
            self.write("heartbeat_ms = 50\nfold_wait_ms = 77\n")
            self.hup(broker, "event=reloaded")
            self.assertRegex(broker.log(), "event=setting_needs_restart name=fold_wait_ms value=77 from=file")


class Ending(unittest.TestCase):
    def test_term_and_int_end_it_with_0_and_its_data_is_there_again(self):
        with Broker() as broker:
            for number, sign in enumerate((signal.SIGTERM, signal.SIGINT)):
                broker.start()
                client = Client(broker.requests)
                client.put("a", f"k{number}", number)
                client.close()
                broker.signal(sign)
                self.assertEqual(broker.ended(), 0, broker.log())
            broker.start()
            client = Client(broker.requests)
            self.assertEqual({e["key"]: e["value"] for e in client.list("a")}, {"k0": 0, "k1": 1})
            client.close()

    def test_the_data_directory_is_for_its_owner_alone(self):
        with Broker() as broker:
            broker.start()
            self.assertEqual(stat.S_IMODE(os.stat(broker.data_dir).st_mode), 0o700)

    def test_epoch_and_revisions_go_on_after_a_restart_and_the_run_is_another(self):
        with Broker() as broker:
            hellos = []
            for _ in range(3):
                broker.start()
                client = Client(broker.requests)
                client.put("a", "k", 1)
                hellos.append(client.hello())
                client.close()
                broker.kill()
            self.assertEqual(len({hello["epoch"] for hello in hellos}), 1)
            self.assertEqual(len({hello["run"] for hello in hellos}), 3)
            self.assertEqual([hello["rev"] for hello in hellos], [1, 2, 3])

    def test_I2_a_drain_loses_no_acknowledged_write_and_invents_none(self):
        for _ in range(5):
            with Broker() as broker:
                broker.start()
                client = Client(broker.requests)
                sent = [client.send("put", ns="a", key=f"k{i}", value=i) for i in range(4000)]
                threading.Timer(0, broker.signal, (signal.SIGTERM,)).start()
                replies = {}
                while broker.alive() or client.socket.poll(0):
                    reply = client.receive(0.05)
                    if reply is not None:
                        replies[reply["id"]] = reply
                self.assertEqual(broker.ended(), 0, broker.log())
                client.close()
                refused = {reply["error"]["code"] for reply in replies.values() if not reply["ok"]}
                self.assertLessEqual(refused, {"unavailable", "timeout", "overloaded"})
                broker.start()
                client = Client(broker.requests)
                held = {entry["key"]: entry["rev"] for entry in client.list("a")}
                for index, request_id in enumerate(sent):
                    reply = replies.get(request_id)
                    if reply is None or (not reply["ok"] and reply["error"]["code"] == "timeout"):
                        continue
                    self.assertEqual(held.get(f"k{index}"), reply["rev"] if reply["ok"] else None)
                client.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
