"""Runs busy tasks on a pool of another framework, for mrrun bench metg: python -c THIS FRAMEWORK PROCS CHUNKSIZE.

It first says "ready", or "missing" if the framework is not installed. Then, for each line TASKS ROUNDS of its input, it
says how many seconds that many tasks took, each of which runs that many rounds of a loop. Chunk size 0 is the framework's own.
"""
import contextlib
import multiprocessing
import os
import sys
import time


def busy(rounds):
    for _ in range(rounds):
        pass
    return rounds


@contextlib.contextmanager
def opened(framework, procs, chunksize):
    """Gives a function that maps busy over a list."""
    if framework == "pool":
        with multiprocessing.get_context("fork").Pool(procs) as pool:
            yield lambda items: pool.map(busy, items, chunksize or None)
    elif framework == "ppe":
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(procs, multiprocessing.get_context("fork")) as executor:
            yield lambda items: list(executor.map(busy, items, chunksize=chunksize or 1))
    elif framework == "joblib":
        import joblib
        with joblib.Parallel(n_jobs=procs, batch_size=chunksize or "auto") as parallel:
            yield lambda items: parallel(joblib.delayed(busy)(n) for n in items)
    elif framework == "ray-pool":
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray
        from ray.util.multiprocessing import Pool
        ray.init(num_cpus=procs, include_dashboard=False, log_to_driver=False, object_store_memory=256 << 20)
        with Pool(procs) as pool:
            yield lambda items: pool.map(busy, items, chunksize or None)


def main():
    framework, procs, chunksize = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints is no answer
    with contextlib.ExitStack() as stack:
        try:
            run = stack.enter_context(opened(framework, procs, chunksize))
        except ImportError:
            print("missing", file=answers, flush=True)
            return
        run([1] * 100)
        print("ready", file=answers, flush=True)
        for line in sys.stdin:
            tasks, rounds = map(int, line.split())
            items = [rounds] * tasks
            began = time.perf_counter()
            got = run(items)
            seconds = time.perf_counter() - began
            if got != items:
                raise SystemExit("wrong results")
            print(seconds, file=answers, flush=True)


if __name__ == "__main__":
    main()
