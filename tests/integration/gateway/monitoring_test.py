# The alert rules and the dashboard that come with the broker: promtool proves the rules, and both ask for nothing that
# /metrics does not say.
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))

from broker_process import ROOT
from gateway_case import GatewayCase

FOLDER = os.path.join(ROOT, "broker", "gateway", "monitoring")
METRIC = re.compile(r"\bprismbus_[a-z_]+\b")


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


class Monitoring(GatewayCase):
    def told(self):
        self.http.get("/health")  # a route is told of once it was used
        return set(METRIC.findall(self.http.get("/metrics").body.decode()))

    def test_each_alert_fires_when_it_should_and_not_before(self):
        done = subprocess.run(["promtool", "test", "rules", "prismbus.rules.test.yml"], cwd=FOLDER, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rules, tests = read("prismbus.rules.yml"), read("prismbus.rules.test.yml")
        for alert in re.findall(r"alert: (\w+)", rules):
            self.assertGreaterEqual(tests.count(f"alertname: {alert}"), 2, alert)  # fires, and does not

    def test_rules_and_dashboard_ask_for_what_is_told(self):
        told = self.told()
        expressions = re.findall(r"expr: (.*)", read("prismbus.rules.yml"))
        board = json.loads(read("prismbus.dashboard.json"))
        expressions += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        asked = set()
        for expression in expressions:
            for pattern in re.findall(r'__name__=~"([^"]+)"', expression):
                self.assertTrue([name for name in told if re.fullmatch(pattern, name)], pattern)
            asked |= set(METRIC.findall(re.sub(r'__name__=~"[^"]+"', "", expression)))
        self.assertGreater(len(asked), 20)
        self.assertEqual(asked - told, set())

    def test_the_dashboard_is_one_that_grafana_takes(self):
        board = json.loads(read("prismbus.dashboard.json"))
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        places = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            places.add((place["x"], place["y"]))
            for target in panel["targets"]:
                self.assertIn("$instance", target["expr"])
        self.assertEqual(len(places), len(ids))


if __name__ == "__main__":
    unittest.main()
