#!/usr/bin/env python3
"""Measure wordcount and groupby beside what people use instead, each in turn, in one run, with two processes or threads.

    python3 bench/keyed.py MRRUN PEERS DATA [--rounds 3] [--words 5e7] [--rows 1e7] [--part words,groupby,growth]

MRRUN is the built command; PEERS the folder with bench_engines.py, make_data.sh, make_groups.py and wordcount.c; DATA a
folder for input, which stays there for the next run. The Python that runs this must have numpy, and those of duckdb,
polars and chdb that are to be measured. mrrun and wordcount.c are whole commands; the engines' clock starts when their
library is loaded. Each makes all counts, in the order of count and then word (wordcount.c: of count alone), or all
sums. Peak memory is the largest sum of the PSS of all processes, in a run of its own. It prints Markdown tables.
"""
import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time

ENGINES = ("duckdb", "polars", "chdb")


def children(pid):
    """All processes below one, whichever of its threads has started them."""
    direct = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as f:
                direct += map(int, f.read().split())
    except OSError: # it has ended
        pass
    return direct + [p for child in direct for p in children(child)]


def pss(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) << 10
    except OSError:
        return 0


def run(argv, stdout):
    """Seconds of a whole command."""
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=stdout)
    return time.perf_counter() - began


def peak(argv):
    """The largest sum of the PSS of a command and its children, in bytes."""
    with open(os.devnull, "w") as null:
        command = subprocess.Popen(argv, stdout=null)
        most, ended = 0, threading.Event()
        threading.Thread(target=lambda: (command.wait(), ended.set())).start()
        while not ended.wait(0.01):
            most = max(most, sum(pss(p) for p in [command.pid] + children(command.pid)))
    if command.returncode:
        raise SystemExit(f"{argv}: status {command.returncode}")
    return most


class Contest:
    """The programs that do one piece of work: name, command, and how to read seconds and answer."""

    def __init__(self, args):
        self.args, self.programs = args, {}

    def mrrun(self, name, *words, answer):
        """answer makes the answer of the file that standard output was."""
        argv = (self.args.mrrun, *words)
        path = f"{self.args.data}/answer.txt"

        def once():
            with open(path, "w") as out:
                seconds = run(argv, out)
            return seconds, answer(path)
        self.programs[name] = argv, once

    def c(self, path):
        argv = (f"{self.args.data}/wordcount", path)

        def once():
            out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
            seconds = json.loads(out.encode("utf-8", "replace"))["seconds"]
            words, different, top = map(int, re.search(r"words=(\d+) distinct=(\d+) .*=(\d+)", out).groups())
            return seconds, (words, different, top)
        self.programs["wordcount.c, one thread"] = argv, once

    def engine(self, name, work, path, answer):
        argv = (sys.executable, f"{self.args.peers}/bench_engines.py", "--framework", name, "--work", work, "--file", path,
                "--procs", "2", "--repeat", "1")

        def once():
            out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
            figure = json.loads(out.splitlines()[-1])
            return figure["seconds"], answer(str(figure["check"]))
        self.programs[name] = argv, once

    def hold(self, title, size):
        """Run all in turn, compare their answers and print a table."""
        times, answers = {name: [] for name in self.programs}, {}
        for _ in range(self.args.rounds):
            for name, (_, once) in self.programs.items():
                seconds, answers[name] = once()
                times[name].append(seconds)
        if len(set(answers.values())) != 1:
            raise SystemExit(f"{title}: the answers differ: {answers}")
        first = next(iter(self.programs))
        base = statistics.median(times[first])
        print(f"\n### {title}\n\nInput {size / 1e6:.0f} MB, answer {answers[first]}, medians of {self.args.rounds}.\n\n"
              f"| | s | least, most | time of {first} | peak MB |\n|---|---|---|---|---|")
        for name, (argv, _) in self.programs.items():
            t = statistics.median(times[name])
            print(f"| {name} | {t:.2f} | {min(times[name]):.2f}, {max(times[name]):.2f} | ×{t / base:.2f} | {peak(argv) / 1e6:.0f} |", flush=True)
        os.remove(f"{self.args.data}/answer.txt")


def words_shown(path):
    """Words, different ones, and the count of the first, of lines COUNT WORD."""
    total = different = top = 0
    with open(path, "rb") as f:
        for line in f:
            n = int(line[:line.index(b" ")])
            top = top or n
            total += n
            different += 1
    return total, different, top


def words_said(check):
    """The same, of what an engine reports."""
    numbers = [int(n) for n in re.findall(r"(?<![\w'])\d+(?!\w)", re.sub(r"'[^']*'", "", check))]
    return numbers[0], numbers[1], numbers[2]


def groups_shown(path):
    groups = total = 0
    with open(path) as f:
        next(f)
        for line in f:
            total += int(line.rsplit(",", 1)[1])
            groups += 1
    return groups, total


def groups_said(check):
    return tuple(int(n) for n in re.findall(r"\d+", check)[:2])


def made(path, *argv):
    """The size of a file, which is made if it is not there."""
    if not os.path.exists(path):
        subprocess.run(argv, check=True)
    return os.path.getsize(path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("mrrun")
    p.add_argument("peers")
    p.add_argument("data")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--words", type=float, default=5e7)
    p.add_argument("--rows", type=float, default=1e7)
    p.add_argument("--part", default="words,groupby,growth")
    args = p.parse_args()
    args.mrrun, parts = os.path.abspath(args.mrrun), args.part.split(",")
    engines = [e for e in ENGINES if importlib.util.find_spec(e)]
    groups = (sys.executable, f"{args.peers}/make_groups.py")

    def text(different, words):
        path = f"{args.data}/words-{words:.0e}-{different:.0e}.txt"
        return path, made(path, *groups, "words", path, str(words), str(different))

    def kjv(times):
        path = f"{args.data}/kjv{times}.txt"
        return path, made(path, "bash", f"{args.peers}/make_data.sh", args.data)

    if "words" in parts:
        made(f"{args.data}/wordcount", "gcc", "-O2", "-o", f"{args.data}/wordcount", f"{args.peers}/wordcount.c")
        for title, (path, size) in (("Few different words: the King James text, 100 times", kjv(100)),
                                    (f"Many different words: {args.words:.0e} words, {args.words / 5:.0e} to choose from", text(args.words / 5, args.words))):
            c = Contest(args)
            c.mrrun("mrrun, two processes", "wordcount", "--top", "0", "--procs", "2", "--quiet", path, answer=words_shown)
            c.mrrun("mrrun, one process", "wordcount", "--top", "0", "--procs", "1", "--quiet", path, answer=words_shown)
            c.c(path)
            for e in engines:
                c.engine(e, "words", path, words_said)
            c.hold(title, size)
    if "groupby" in parts:
        path = f"{args.data}/groups-{args.rows:.0e}.csv"
        size = made(path, *groups, "csv", path, str(args.rows), "1e5")
        c = Contest(args)
        c.mrrun("mrrun, two processes", "groupby", "--key", "k", "--sum", "v", "--procs", "2", "--quiet", path, answer=groups_shown)
        for e in engines:
            c.engine(e, "groupby", path, groups_said)
        c.hold(f"groupby: {args.rows:.0e} rows, 1e+05 groups", size)
    if "growth" in parts:
        print("\n### How cost grows\n\n| input | MB | words | s | ns a word | peak MB | bytes a word |\n|---|---|---|---|---|---|---|")
        for name, (path, size) in ([(f"King James ×{n}", kjv(n)) for n in (1, 10, 100)] +
                                   [(f"{d:.0e} different words", text(d, args.words / 5)) for d in (1e4, 1e5, 1e6, 1e7)]):
            argv = (args.mrrun, "wordcount", "--top", "0", "--procs", "2", "--quiet", path)
            times = []
            for _ in range(args.rounds):
                with open(f"{args.data}/answer.txt", "w") as out:
                    times.append(run(argv, out))
            words, _, _ = words_shown(f"{args.data}/answer.txt")
            t, most = statistics.median(times), peak(argv)
            print(f"| {name} | {size / 1e6:.0f} | {words} | {t:.2f} | {t / words * 1e9:.1f} | {most / 1e6:.0f} | {most / words:.1f} |", flush=True)
        os.remove(f"{args.data}/answer.txt")


if __name__ == "__main__":
    main()
