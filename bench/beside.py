#!/usr/bin/env python3
"""Measure mrrun beside other frameworks: each pair in turn, A B A B ..., on one machine in one run.

    python3 bench/beside.py MRRUN PEERS [--rounds 5] [--only TEXT]

MRRUN is the built command, PEERS the folder with the scripts bench_*.py, run by the Python that runs this. For each
figure it prints both medians in seconds and how many times as fast mrrun is.
"""
import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time


def whole(*argv):
    """Seconds of a whole command, start to exit."""
    def run():
        with open(os.devnull, "w") as null: # not subprocess.DEVNULL, which looks like an output that is closed
            began = time.perf_counter()
            subprocess.run(argv, check=True, stdout=null)
            return time.perf_counter() - began
    return run


# What a check must say, by its first word; any other must not say False.
RIGHT = {"equal": ("True",), "exact": ("True",), "sum_ok": ("True",), "empty": ("True",), "token": ("True", "1"),
         "turn": ("0",), "whole": ("True",)}


def holds(check):
    what, _, value = check.partition("=")
    return value in RIGHT[what] if what in RIGHT else value != "False"


def report(argv, check=None):
    """What a command reports, as JSON; its check must hold, or say just that."""
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    figure = json.loads(out.splitlines()[-1])
    if not (figure["check"] == check if check else holds(str(figure["check"]))):
        raise SystemExit(f"{' '.join(argv)}: wrong check, want {check or 'another'}: {figure}")
    return figure


def line(*argv):
    """Seconds of one task, of one repeat."""
    def run():
        figure = report(argv)
        return figure["seconds"] / (figure.get("items") or figure.get("tasks") or figure.get("count") or 1)
    return run


def operation(*argv, check=None):
    """Seconds of one operation of a primitive, with all processes at it."""
    return lambda: report(argv, check)["us_per_op"] / 1e6


def pool_apply(calls=10000):
    """Seconds of Pool(1).apply of a task that does nothing."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply(abs, (1,))
        began = time.perf_counter()
        for n in range(calls):
            assert pool.apply(abs, (n,)) == n
        return (time.perf_counter() - began) / calls


def fork(times=9):
    """Median seconds of a bare fork, without any framework, and the wait for it."""
    def once():
        began = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return time.perf_counter() - began
    return statistics.median(once() for _ in range(times))


def granularity(*argv, chunksize):
    """METG(50 %) in seconds, with that chunk size."""
    def run():
        out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        return next(f["seconds"] for f in map(json.loads, out.splitlines()) if f["chunksize"] == chunksize)
    return run


def array(*argv):
    """Seconds of a whole array."""
    return lambda: report(argv)["seconds"]


def figures(mrrun, peers):
    def script(name, *args):
        return (sys.executable, f"{peers}/bench_{name}.py", "--repeat", "1", *args)

    def overhead(mode, chunksize, tasks, theirs="map"):
        return (line(mrrun, "bench", "overhead", "--json", "--procs", "2", "--repeat", "1", "--mode", mode,
                     "--chunksize", str(chunksize), "--tasks", "1000000"),
                line(*script("overhead", "--framework", "pool", "--mode", theirs, "--procs", "2",
                             "--chunksize", str(chunksize), "--tasks", str(tasks))))

    def apply(theirs):
        return (line(mrrun, "bench", "overhead", "--json", "--procs", "1", "--repeat", "1", "--mode", "apply",
                     "--tasks", "10000"), theirs)

    def metg(framework, chunksize):
        def of(name):
            return (mrrun, "bench", "metg", "--json", "--repeat", "1", "--python", sys.executable, "--frameworks", name)

        return granularity(*of("mrrun"), chunksize=chunksize), granularity(*of(framework), chunksize=chunksize)

    def process(method, spares=0):
        return (line(mrrun, "bench", "startup", "--json", "--framework", "process", "--repeat", "9",
                     "--spares", str(spares)),
                line(sys.executable, f"{peers}/bench_startup.py", "--framework", f"process-{method}", "--repeat", "9"))

    def primitive(prim, procs, count, theirs=None):
        def flags(n):
            return ("--prim", prim, "--procs", str(procs), "--count", str(n))

        return (operation(mrrun, "bench", "primitives", "--json", "--repeat", "1", *flags(count)),
                operation(*script("primitives", *flags(theirs or count))))

    def messages(prim, count, size, theirs=None):
        def flags(n):
            return ("--prim", prim, "--procs", "2", "--size", str(size), "--count", str(n))

        return (operation(mrrun, "bench", "primitives", "--json", "--repeat", "1", *flags(count)),
                operation(*script("primitives", *flags(theirs or count))))

    def managed(prim, procs, count, check, ours=None, our_check=None):
        """check is what both leave behind, unless ours is another primitive."""
        def flags(name):
            return ("--prim", name, "--procs", str(procs), "--count", str(count))

        return (operation(mrrun, "bench", "primitives", "--json", "--repeat", "1", *flags(ours or prim),
                          check=our_check or check),
                operation(*script("primitives", *flags(prim)), check=check))

    def arrays(*flags):
        return array(mrrun, "bench", "arrays", "--json", "--mb", "100", "--repeat", "5", *flags)

    def their_arrays(framework):
        return array(*script("arrays", "--framework", framework, "--mb", "100", "--procs", "2", "--repeat", "5"))

    return {
        "no-op map, chunk size 1, seconds a task": overhead("map", 1, 100_000),
        "no-op imap / imap_unordered, chunk size 1, seconds a task": overhead("imap", 1, 100_000, "imap_unordered"),
        "no-op map, default chunks, seconds a task": overhead("map", 0, 1_000_000),
        "one task there and back, against a pipe": apply(
            line(*script("primitives", "--prim", "pingpong", "--count", "10000"))),
        "one task there and back, against Pool.apply": apply(pool_apply),
        "METG(50 %), chunk size 1, against Pool": metg("pool", 1),
        "METG(50 %), automatic chunks, against Pool": metg("pool", 0),
        "METG(50 %), chunk size 1, against ProcessPoolExecutor": metg("ppe", 1),
        "METG(50 %), chunk size 1, against joblib": metg("joblib", 1),
        "METG(50 %), automatic chunks, against joblib": metg("joblib", 0),
        "a line through a program that runs on, against a program a line by GNU parallel": (
            line(mrrun, "bench", "overhead", "--json", "--repeat", "1", "--mode", "command", "--tasks", "20000"),
            line(*script("gnuparallel", "--framework", "parallel", "--procs", "2", "--tasks", "200"))),
        "a pool of 2 to first results and close": (
            line(mrrun, "bench", "startup", "--json", "--repeat", "9"),
            line(*script("startup", "--framework", "pool", "--procs", "2", "--repeat", "9"))),
        "a process, start and wait, against fork": process("fork"),
        "a process, start and wait, against spawn": process("spawn"),
        "a process that was started ahead, against fork": process("fork", 1),
        "a process that was started ahead, against spawn": process("spawn", 1),
        "a process that was started ahead, against a bare fork": (process("fork", 1)[0], fork),
        "factorial 0:12000, whole command against warm Pool(5)": (
            whole(mrrun, "factorial", "--range", "0:12000", "-procs", "2"),
            line(*script("factorial", "--framework", "pool", "--procs", "5"))),
        "pi 1e10, whole command against warm numpy pool": (
            whole(mrrun, "pi", "-n", "1e10", "-procs", "2"),
            line(*script("pi", "--framework", "pool", "--kernel", "numpy", "--procs", "2", "-n", "1e10"))),
        "pi 1e10, 2 processes against 1": (
            whole(mrrun, "pi", "-n", "1e10", "-procs", "2"), whole(mrrun, "pi", "-n", "1e10", "-procs", "1")),
        "pi 1, 4 processes, whole command against an empty interpreter": (
            whole(mrrun, "pi", "-n", "1", "-procs", "4"), whole(sys.executable, "-S", "-E", "-I", "-c", "pass")),
        "lock, 1 process, seconds an increment": primitive("lock", 1, 5_000_000, 200_000),
        "lock, 4 processes, 100,000 increments each, seconds an increment": primitive("lock", 4, 100_000),
        "semaphore-pingpong, seconds a round trip": primitive("semaphore-pingpong", 2, 20_000),
        "event, seconds a round trip": primitive("event", 2, 20_000),
        "condition, seconds a round trip": primitive("condition", 2, 20_000),
        "barrier, 2 processes, seconds a crossing": primitive("barrier", 2, 20_000),
        "queue of ints, seconds a message": messages("queue", 1_000_000, 0, 50_000),
        "queue of 1 KB, seconds a message": messages("queue", 300_000, 1000, 50_000),
        "queue of 1 MB, seconds a message": messages("queue", 2_000, 1_000_000, 500),
        "queue, puts alone, seconds a message": messages("queue-put-only", 1_000_000, 0, 50_000),
        "pipe, 16 B one way, seconds a message": messages("pipe", 200_000, 16, 100_000),
        "pipe, 1 MB one way, seconds a message": messages("pipe", 1_000, 1_000_000),
        "pipe, 16 B, seconds a round trip": messages("pingpong", 20_000, 16),
        "a manager's dict, 1 client, seconds an operation": managed("manager-dict", 1, 20_000, "keys=1"),
        "a manager's dict, 2 clients, seconds an operation": managed("manager-dict", 2, 10_000, "keys=2"),
        "a manager's dict, 1 client with 64 calls under way against 1 client, seconds an operation": managed(
            "manager-dict", 1, 20_000, "keys=1", "manager-dict-pipelined", "keys=64"),
        "a manager's list, 1 client, seconds an operation": managed("manager-list", 1, 20_000, "len=1"),
        "a manager's list, 2 clients, seconds an operation": managed("manager-list", 2, 10_000, "len=2"),
        "a manager's value, 1 client, seconds an operation": managed("manager-value", 1, 20_000, "last=9999"),
        "a manager's value, 2 clients, seconds an operation": managed("manager-value", 2, 10_000, "last=4999"),
        "a manager's event, seconds a round trip": managed("manager-event", 2, 2_000, "token=True"),
        "a manager's queue of ints, seconds a message": managed("manager-queue", 2, 5_000, "empty=True"),
        "arrays, map of 2 parts of 100 MB against pool": (arrays("--framework", "map"), their_arrays("pool")),
        "arrays, map of 2 parts of 100 MB against joblib": (arrays("--framework", "map"), their_arrays("joblib")),
        "arrays, 100 MB in place, 1 worker against a serial loop": (
            arrays("--framework", "inplace", "--procs", "1"), arrays("--framework", "serial")),
        "arrays, 100 MB in place, 2 pinned workers against a serial loop": (
            arrays("--framework", "inplace", "--procs", "2", "--pin"), arrays("--framework", "serial")),
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mrrun")
    p.add_argument("peers")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="", metavar="TEXT", help="only figures whose names contain TEXT")
    a = p.parse_args()
    for name, (ours, theirs) in figures(a.mrrun, a.peers).items():
        if a.only not in name:
            continue
        ours(), theirs()  # warm up
        pairs = [(ours(), theirs()) for _ in range(a.rounds)]
        us, them = (statistics.median(side) for side in zip(*pairs))
        ratios = sorted(t / u for u, t in pairs)
        print(f"{name}: {us:.3g} s, {them:.3g} s, {statistics.median(ratios):.2f} times"
              f" ({ratios[0]:.2f} to {ratios[-1]:.2f}, {a.rounds} rounds)", flush=True)


if __name__ == "__main__":
    main()
