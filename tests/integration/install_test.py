# An installed prismbus: moved to where nobody configured it for, found by CMake and by pkg-config, linked, run; the
# systemd unit is one that systemd understands.
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "python"))

from broker_process import Broker, scratch_dir
from prismbus_client import Client

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.dirname(os.environ["PRISMBUS_BIN"])
SOURCES = os.path.join(HERE, "install")


def run(*command, env=None, cwd=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env={**os.environ, **(env or {})},
                          cwd=cwd, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prefix = os.path.join(scratch_dir(), "opt", "prismbus")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)

    def test_a_project_finds_it_by_cmake_and_runs_its_own_test_with_a_broker_inside(self):
        build = scratch_dir()
        run("cmake", "-S", SOURCES, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        run("cmake", "--build", build)
        self.assertEqual(run(os.path.join(build, "consumer")), "maker 0.25\n")

    def test_a_program_without_cmake_finds_it_by_pkg_config(self):
        pkg_config = {"PKG_CONFIG_PATH": os.path.join(self.prefix, "lib", "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "prismbus-publisher", env=pkg_config).split()
        program = os.path.join(scratch_dir(), "follow")
        run("g++", os.path.join(SOURCES, "follow.cpp"), *flags, "-o", program)
        run("pkg-config", "--exists", "prismbus-subscriber", env=pkg_config)
        with Broker(program=os.path.join(self.prefix, "bin", "prismbusd")) as broker:
            broker.start()
            self.assertEqual(run(program, broker.requests), "seq 1\n")
            with Client(broker.requests) as client:
                self.assertEqual(client.call("get", ns="fees.spot", key="taker")["entry"]["value"], 0.5)

    def test_the_installed_headers_need_nothing_that_was_not_installed(self):
        include = os.path.join(self.prefix, "include", "prismbus")
        headers = [os.path.relpath(os.path.join(folder, name), include)
                   for folder, _, names in os.walk(include) for name in names]
        self.assertIn("publisher/publisher.hpp", headers)
        every = os.path.join(scratch_dir(), "every.cpp")
        with open(every, "w", encoding="utf-8") as file:
            file.writelines(f"#include <{name}>\n" for name in sorted(headers))
        run("g++", "-std=c++20", "-fsyntax-only", f"-I{include}", every)

    def test_systemd_understands_the_unit_and_calls_it_safe(self):
        unit = os.path.join(self.prefix, "lib", "systemd", "system", "prismbusd.service")
        with open(unit, encoding="utf-8") as file:
            text = file.read()
        for word in text.split():
            self.assertFalse(word.startswith("@CMAKE"), "nothing is left to be filled in")
        page = next(line for line in text.splitlines() if line.startswith("Documentation=")).split("/share/")[1]
        self.assertTrue(os.path.isfile(os.path.join(self.prefix, "share", page)), page)
        checked = os.path.join(scratch_dir(), "prismbusd.service")
        start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
        with open(checked, "w", encoding="utf-8") as file:  # as it would be installed there
            file.write(text.replace(start.split()[0], f"ExecStart={self.prefix}/bin/prismbusd"))
        self.assertEqual(run("systemd-analyze", "verify", "--man=no", checked), "")
        exposure = run("systemd-analyze", "security", "--offline=true", checked).splitlines()[-1]
        self.assertLess(float(exposure.split(":")[1].split()[0]), 2.0, exposure)


if __name__ == "__main__":
    unittest.main(verbosity=2)
