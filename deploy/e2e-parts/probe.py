"""What the service's sandbox lets through, tried from within: one line a try, "NAME allowed" or "NAME refused: WHY".

deploy/e2e runs it in a copy of the unit, so that every directive holds: user, namespaces, mounts, system call filter.
"""

import ctypes
import errno
import mmap
import os
import signal
import socket
import sys

database = sys.argv[1]
attempts = {}


def attempt(name):
    def register(function):
        attempts[name] = function
        return function

    return register


def read(path):
    with open(path, "rb") as file:
        if not file.read(4096):
            raise OSError(errno.ENODATA, "empty", path)


def write(path):
    with open(path, "ab") as file:
        file.write(b"probe\n")
    os.unlink(path)


def own_cgroup():
    with open("/proc/self/cgroup") as file:
        unified = [line for line in file if line.startswith("0::")]
    return "/sys/fs/cgroup" + unified[0].split("::")[1].strip()


for path in ("stat", "meminfo", "loadavg", "diskstats", "net/dev", "pressure/cpu", "pressure/memory", "pressure/io"):
    attempt("read-proc:" + path)(lambda path=path: read("/proc/" + path))
attempt("read-cgroup:cpu.stat")(lambda: read(own_cgroup() + "/cpu.stat"))
attempt("volume-size")(lambda: os.statvfs(os.path.dirname(database)))
attempt("write:state")(lambda: write("/var/lib/tallyd/probe"))
attempt("write:runtime")(lambda: write("/run/tallyd/probe"))
attempt("write:database-folder")(lambda: write(os.path.dirname(database) + "/probe"))
attempt("write:own-tmp")(lambda: write("/tmp/probe"))
attempt("read:settings")(lambda: read("/etc/tallyd/tallyd.env"))
attempt("read:zones")(lambda: read("/usr/share/zoneinfo/Europe/Berlin"))
attempt("read:certificates")(lambda: os.stat("/etc/ssl"))

for name, path in {
    "etc": "/etc/probe", "settings": "/etc/tallyd/probe", "usr": "/usr/local/bin/probe", "var": "/var/lib/probe",
    "other-folder": "/srv/other/probe", "run": "/run/probe", "dev": "/dev/probe", "boot": "/boot/probe", "root": "/probe",
    "home": "/home/probe", "root-home": "/root/probe", "sysctl": "/proc/sys/kernel/probe", "cgroup": "/sys/fs/cgroup/probe",
}.items():
    attempt("write:" + name)(lambda path=path: write(path))
attempt("read:shadow")(lambda: read("/etc/shadow"))
attempt("read:secrets-at-rest")(lambda: os.listdir("/etc/tallyd/tallyd.credentials"))
attempt("read:another's-tmp")(lambda: os.stat("/tmp/of-the-machine"))
attempt("read:kernel-command-line")(lambda: read("/proc/cmdline"))
attempt("see:process-1")(lambda: os.stat("/proc/1/status"))
attempt("make:device")(lambda: os.mknod("/tmp/device", 0o600 | 0o60000, os.makedev(8, 0)))


def internet(address):
    """Nothing listens there: what counts is that the answer comes from the network, not from the sandbox."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect((address, 9))
        except (ConnectionRefusedError, TimeoutError):
            pass
        except OSError as error:
            if error.errno not in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
                raise


attempt("socket:internet-4")(lambda: internet("127.0.0.1"))
attempt("socket:internet-6")(lambda: internet("::1"))


@attempt("socket:journal")
def _():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect("/run/systemd/journal/socket")


attempt("socket:netlink")(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("socket:packets")(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
attempt("socket:raw")(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if getattr(libc, function)(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


attempt("setpriority-is-quiet")(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
attempt("namespace:user")(lambda: call("unshare", 0x10000000))
attempt("namespace:mount")(lambda: call("unshare", 0x00020000))
attempt("mount")(lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("become-root")(lambda: os.setuid(0))
attempt("trace")(lambda: call("ptrace", 0, 0, None, None))
attempt("host-name")(lambda: call("sethostname", b"probe", 5))
attempt("clock")(lambda: call("settimeofday", ctypes.create_string_buffer(16), None))
attempt("kill-another's-process")(lambda: os.kill(1, 0))
attempt("load-code")(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))


@attempt("setuid-file")
def _():
    with open("/tmp/setuid", "w"):
        os.chmod("/tmp/setuid", 0o4755)


@attempt("realtime")
def _():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@attempt("credential")
def _():
    read(os.environ["CREDENTIALS_DIRECTORY"] + "/tallyd_probe")


signal.alarm(30)
for name, function in attempts.items():
    try:
        function()
        print(name, "allowed")
    except Exception as error:  # Whatever it is, it is the answer.
        print(name, "refused:", error)
