"""One mpirun over two hosts: network namespaces with addresses of their own stand in for them. One is cut off in the
middle; the sweep goes on without it, and nothing is lost. Needs root and iproute2."""

import os
import shutil
import subprocess
import time
import unittest

from durability_test import FAST, RECOVERY, TRAININGS, Durability

BRIDGE = "impsweep-br"
NETWORK = "10.77.0"


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip"), "needs root and iproute2")
class Hosts(Durability):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.remove_hosts)
        self.remove_hosts()
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("link", "set", BRIDGE, "up")
        for host in ("1", "2"):
            inside = ("netns", "exec", f"impsweep-{host}", "ip")
            ip("netns", "add", f"impsweep-{host}")
            ip("link", "add", f"impsweep-v{host}", "type", "veth", "peer", "name", "eth0", "netns", f"impsweep-{host}")
            ip("link", "set", f"impsweep-v{host}", "master", BRIDGE, "up")
            ip(*inside, "addr", "add", f"{NETWORK}.{host}/24", "dev", "eth0")
            ip(*inside, "link", "set", "eth0", "up")
            ip(*inside, "link", "set", "lo", "up")
        # In place of ssh: the host, then a command for its shell.
        agent = self.write("agent", '#!/bin/bash\nhost=$1; shift\nexec ip netns exec "impsweep-${host##*.}" bash -c "$*"\n')
        os.chmod(agent, 0o755)
        subnet = f"{NETWORK}.0/24"
        self.launcher = ["ip", "netns", "exec", "impsweep-1", "mpirun", "--host", f"{NETWORK}.1:2,{NETWORK}.2:2", "-n",
                         "4", "--bind-to", "none", *RECOVERY, "--mca", "plm_rsh_agent", agent, "--mca", "btl",
                         "tcp,self", "--mca", "btl_tcp_if_include", subnet, "--mca", "oob_tcp_if_include", subnet]

    def remove_hosts(self):
        for host in ("1", "2"):
            ip("netns", "del", f"impsweep-{host}", check=False)
        ip("link", "del", BRIDGE, check=False)

    def start_on_both(self):
        process = self.start("run", self.job, "--store", self.path("S"), *FAST, launcher=self.launcher)
        self.wait_until(lambda: len(self.events("S", "start")) >= 4)
        for host, ranks in (("1", {0, 1}), ("2", {2, 3})):
            processes = {int(pid) for pid in ip("netns", "pids", f"impsweep-{host}").stdout.split()}
            self.assertEqual({rank for rank, pid in self.ranks("S").items() if pid in processes}, ranks)
        return process

    def test_two_hosts(self):
        self.assertEqual(self.start_on_both().wait(timeout=300), 0)
        self.assertEqual(self.events("S", "lost"), [])
        self.expect_undisturbed("S")

    def test_one_host_is_cut_off(self):
        process = self.start_on_both()
        time.sleep(0.5)
        ip("link", "set", "impsweep-v2", "down")
        self.wait_until(lambda: self.call("status", self.path("S"), "--exit-code").returncode == 0, timeout=300)
        # mpirun waits for the lost host as long as TCP does, which is a quarter of an hour.
        self.wait_until(lambda: not {0, 1} & set(self.ranks("S")))
        self.kill_group(process)
        self.assertEqual({event["rank"] for event in self.events("S", "lost")}, {2, 3})
        self.assertEqual(len(self.rounds("S")), TRAININGS)
        self.expect_undisturbed("S")


def load_tests(loader, tests, pattern):
    return unittest.TestSuite([Hosts("test_two_hosts"), Hosts("test_one_host_is_cut_off")])


if __name__ == "__main__":
    unittest.main()
