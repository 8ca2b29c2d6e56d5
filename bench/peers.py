"""The counterpart of a job of mrrun in Python: multiprocessing.Pool with the plain loop of a tutorial.

Arguments: the job, its parameters as JSON, the number of processes. Prints {"seconds": ..., "result": ...}.
"""
import collections
import functools
import json
import math
import multiprocessing
import os
import sys
import time


def pi_part(n, parts, i):
    total = 0.0
    for k in range(n * i // parts, n * (i + 1) // parts):
        total += (-1.0 if k & 1 else 1.0) / (2 * k + 1)
    return total


def product(part):
    return math.prod(range(*part))


def words_of(part):
    name, start, end = part
    with open(name, "rb") as f:
        if start > 0:  # a word belongs to the part in which it begins
            f.seek(start - 1)
            rest = f.read(1)
            if not rest.isspace():
                while (c := f.read(1)) and not c.isspace():
                    pass
        at = f.tell()
        text = f.read(max(end - at, 0))
        while text and not text[-1:].isspace() and (c := f.read(1)) and not c.isspace():
            text += c
    return collections.Counter(text.decode("utf-8", "surrogateescape").lower().split())


def main():
    job, params, procs = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    began = time.perf_counter()
    with multiprocessing.Pool(procs) as pool:
        if job == "pi":
            n = int(params["terms"])
            result = 4 * math.fsum(pool.map(functools.partial(pi_part, n, 4 * procs), range(4 * procs), 1))
        elif job == "factorial" and params["range"]:
            first, end = map(int, params["range"].split(":"))
            result = sum(x.bit_length() for x in pool.map(math.factorial, range(first, end)))
        elif job == "factorial":
            n = int(params["number"])
            cuts = [2 + (n - 1) * i // (4 * procs) for i in range(4 * procs + 1)]
            result = math.prod(pool.map(product, zip(cuts, cuts[1:]), 1)).bit_length()
        else:
            parts = []
            for name in params["files"]:
                size = os.path.getsize(name)
                cuts = [size * i // (4 * procs) for i in range(4 * procs + 1)]
                parts += [(name, a, b) for a, b in zip(cuts, cuts[1:])]
            total = collections.Counter()
            for counts in pool.imap_unordered(words_of, parts):
                total.update(counts)
            result = total.most_common(1)
    print(json.dumps({"seconds": time.perf_counter() - began, "result": str(result)}))


if __name__ == "__main__":
    main()
