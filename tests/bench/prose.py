"""The words of the page that do not depend on a figure, and those that depend on which figures there are."""

from __future__ import annotations

import textwrap

from bench.figures import Report

PAGE_WIDTH = 140

BUSY_CORES = 0.25
"""More than this in other hands, and the page says so."""

INTRODUCTION = """
# Performance

What the operator costs and how long it takes, measured end to end by `make bench`. This page is generated from
`tests/bench/results/latest.json`; edit `tests/bench/`, not the page. The figures describe, nothing passes or fails by them, and they
compare with no other product.
"""

HOW = """
## What is measured, and how

The control plane is a real one: etcd, kube-apiserver and kube-controller-manager with the usual admission, RBAC, priority and fairness,
and the audit log. The operator is a process of its own with the rights of `deploy/rbac.yaml`, watches all namespaces, logs at its default
level, and has its default settings except for the polling interval. Connect is `onepassword-operator dev-connect`, also a process of its
own, with generated items of four fields in ten vaults. Every case starts with an empty control plane and goes through five phases:

1. **Cold start.** The resources exist, each naming its item by title; no Secret does. Then the operator is started. A watch on the Secrets
   (metadata only) and one on the resources note when each one gets there. Times count from the start of the process, so they include the
   start of Python and all imports. CPU and peak RSS are read when the last resource is Ready.
2. **Settling.** What is left to do after the last Ready: passes that the operator's own writes woke, for example. Two polls long.
3. **Idle.** Nothing changes, and nobody asks the operator for anything. The CPU includes everything that happens between two polls, not
   the poll alone.
4. **Restart.** SIGTERM, the wait for the end of the process, and a new process. Readiness is asked for every 50 ms. CPU and requests run
   until the second poll, when everything that the first one led to is done.
5. **Rotation.** One password each in ten items is edited, in ten different vaults where there are as many items, at moments that are spread
   evenly between two polls. The time runs from the edit until the watch shows the Secret at the new version, so half an interval is spent
   waiting for the poll, on average. Requests are counted until one poll after the last Secret.

CPU is user and system time of the operator's process by the kernel's CPU clock. RSS is `VmRSS`, its peak `VmHWM`. Connect requests are
counted by the Connect server. Kubernetes requests are counted twice: by the operator's metric `onepassword_operator_requests_total`, which
does not have the watches and the discovery that kopf makes, and by the API server's audit log, which has everything.
"""

LIMITS = """
## Known limits

- The operator, Connect, the control plane and the observer share the cores of one machine. During a cold start all of them are busy, so
  the times say how long it takes when everything runs there; CPU seconds depend on that much less.
- All connections are loopback, and there is no TLS to Connect. Latency is a delay in front of each Connect reply; the API server has none.
- etcd does not wait for the disk (`--unsafe-no-fsync`), so writes are quicker than in a cluster that keeps its data.
- There are no nodes and no Deployments: restarts of workloads are not measured.
- The embedded Connect server is Python. It keeps everything in memory and is not a model of how fast a real Connect server answers.
- RSS is that of a young process: no figure here speaks of days.
"""


def busy(report: Report) -> str:
    """Whether the machine was shared while it measured."""
    runs = [run for case in report.cases for run in case.runs]
    others = max(run.surroundings.others_cores + run.surroundings.stolen_cores for run in runs)
    load = max(run.surroundings.load_before for run in runs)
    cores = report.machine.get("Cores", "?")
    if others <= BUSY_CORES:
        return f"The machine did little else: at most {others:.2f} of {cores} cores were in other hands during a run."
    return textwrap.fill(
        f"**The machine was shared**: up to {others:.2f} of its {cores} cores were in other hands during a run, and the load average was "
        f"up to {load:.1f} before one. How much of the spread comes from that is not known: "
        "the last table averages over whole runs, and a cold start is a small part of one.",
        PAGE_WIDTH,
    )


def reproduce(report: Report) -> str:
    """The command that makes the same figures."""
    sizes = ",".join(str(size) for size in dict.fromkeys(case.items for case in report.cases))
    latencies = ",".join(str(latency) for latency in dict.fromkeys(case.latency_ms for case in report.cases))
    runs = max(len(case.runs) for case in report.cases)
    return f"""
    make bench                                    # the default: sizes 200 and 1,000, latencies 0 and 20 ms, one run each

    .venv/bin/python tests/bench/run.py --sizes {sizes} --latencies {latencies} --runs {runs}    # what this page shows
    .venv/bin/python tests/bench/run.py --page-only    # this page again, from the figures that are there
    .venv/bin/python tests/bench/run.py --help

A run takes between one and two minutes for each size and latency; give it a machine with nothing else to do. The figures go to
`tests/bench/results/latest.json`.
"""
