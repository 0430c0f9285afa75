# The example of bound values, as it is printed in its folder, against a broker: defaults, a transaction seen whole, the
# switch that ends it (I11).
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_case import BrokerCase

EXAMPLE = os.path.join(os.environ.get("PRISMBUS_BIN", "build/release/bin"), "prismbus_example_handles")
NS = "example.limits"
SECONDS = 30


class HandlesExample(BrokerCase):
    def test_I11_a_struct_is_told_whole_and_the_switch_ends_the_program(self):
        self.client.put(NS, "venue", "binance")
        process = subprocess.Popen([EXAMPLE, self.broker.requests], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "start: order 1, venue binance\n")
        written = self.client.txn([{"op": "put", "ns": NS, "key": "max_order", "value": 2.5},
                                   {"op": "put", "ns": NS, "key": "max_position", "value": 20}])
        self.assertEqual(process.stdout.readline(), "limits: order 1 -> 2.5, position 10 -> 20\n")
        self.client.put(NS, "max_order", "a text: kept out")
        self.client.put(NS, "trading", False)
        self.assertEqual(process.stdout.readline(), f"stopped: order 2.5, of revision {written['rev']}, complete\n")
        self.assertEqual(process.wait(SECONDS), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
