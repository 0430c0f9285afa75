# A small file system of a test's own: a tmpfs, which only root can mount. Who cannot mount says aloud what it skips.
import os
import subprocess

from broker_process import scratch_dir

DISK_BYTES = 48 << 20


class SmallDisk:
    """A tmpfs mounted for one test; fill() leaves not one free page."""

    def __enter__(self):
        self.path = scratch_dir("prismbus-disk-")
        self.filler = os.path.join(self.path, "filler")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "prismbus-test", self.path], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)
        os.rmdir(self.path)

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for step in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(step))
                except OSError:
                    pass

    def free(self):
        os.unlink(self.filler)


def can_mount():
    path = scratch_dir("prismbus-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "prismbus-test", path], capture_output=True,
                          check=False)
    if done.returncode == 0:
        subprocess.run(["umount", "-l", path], check=True)
    os.rmdir(path)
    return done.returncode == 0
