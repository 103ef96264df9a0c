"""The words of the page, and which figures its tables show under which heading."""

from __future__ import annotations

WIDTH = 100

INTRODUCTION = """
# Performance

What the operator costs and how long it takes, measured end to end by `make bench` on a real control
plane, beside 1Password's own operator (the *peer*) with the same variables and flags. This page and
its plots are generated from the JSON files in [performance/](performance); edit `bench/`, not the
page. Nothing passes or fails by a figure.
"""

REPEAT = """
## How to repeat it

    make bench QUICK=1                                     # every scenario, small, in minutes
    make bench PEER=.tools/bin/official-operator           # all of this page
    make bench ONLY=cold,idle SIZES=1000                   # some scenarios, some sizes
    make bench ONLY=steady MINUTES=60                      # the steady state for an hour
    make bench PEER=/path/to/manager CONTENDER=peer ADD=1  # add another operator's figures
    .venv/bin/python bench/run.py --page-only              # this page, from the present figures

`RUNS=3` repeats everything; who comes first alternates. Every scenario has a JSON file of its own,
and the page is made of all of them, so they may be measured one by one. Give it a machine with
nothing else to do. `PEER` may be any command that understands the variables `OP_CONNECT_HOST`,
`OP_CONNECT_TOKEN`, `KUBECONFIG`, `POLLING_INTERVAL` and the flags `--zap-log-level`,
`--health-probe-bind-address` and `--metrics-bind-address`; `PEER_VERSION` is what the page calls
it.
"""

AIMS = """
What we want to reach on two cores, with everything on one machine. A figure that is missed stays in
the table; an empty cell was not measured. Of several runs it is the median that counts. The aim for
broken resources holds once all have been told so; in the seconds before, others wait longer, which
[Isolation](#isolation) shows as *breaking*.
"""

READING = """
N is the number of resources (one Secret each), V that of vaults, *Connect* the delay in front of
each of its replies in milliseconds, and *every* the polling interval in seconds. A cell holds the
median of the runs, and the least and the most in brackets where they differ.
"""

CASES = {
    "items": "N",
    "latency_ms": "Connect, ms",
    "vaults": "V",
    "foreign": "foreign Secrets",
    "interval_seconds": "every, s",
}

SCENARIOS = {
    "cold": (
        "Cold start",
        """
The resources exist, each naming its item by title; no Secret does. Then the process is started.
Times count from there, so they include the start of the program. The *floor* is what the bare API
server takes for the same writes (a Secret, a status and an Event for each resource), sent over 16
connections by a client that does nothing else, in the same run, before the operator is started. The
operator makes fewer Events than one for each resource if many are due, so it can come close to it.
Every Secret is compared with its item afterwards. The polling interval is longer than most starts,
so that no poll falls into them.
""",
    ),
    "idle": (
        "Idle poll",
        """
Nothing changes. Measured from the end of one poll to the end of another, which are told apart by
the silence between them; where polls take longer than their interval there is none, and one round
is counted by the reads of a single item. The CPU includes everything that happens between two
polls. The plots show the worst case of each size.
""",
    ),
    "changed": (
        "Poll with a changed vault",
        """
Before every poll, one item that no resource asks for is edited. So the vault has to be listed and
nothing else has to be done.
""",
    ),
    "rotation": (
        "Rotation",
        """
A password each is edited at moments that are spread evenly over several polls. The time runs from
the edit until a watch shows the Secret at the new version, so half an interval is spent waiting for
the poll, on average.
""",
    ),
    "restart": (
        "Restart with everything in place",
        """
SIGTERM, the wait for the end of the process, and a new process, which is watched until it has been
silent for three seconds, and for twelve at least: ours lists everything once more within them. Then
the same with a resource that was created while no operator ran: how soon it has its Secret. LISTs
are counted by the page.
""",
    ),
    "memory": (
        "Memory",
        """
VmRSS of the process once everything is in place and nothing is left to do, and its peak (VmHWM).
Foreign Secrets hold 10 KiB each and are nobody's business.
""",
    ),
    "failover": (
        "Failover",
        """
Two replicas of ours with `--leader-elect`, twenty Secrets, twenty Deployments that use them, and an
item edited every 0.4 s all the while. The leader, which is whoever has been writing, gets SIGTERM,
SIGKILL or SIGSTOP; the time runs from the signal to the first write of the other by the API
server's audit log. A stopped leader is woken up two seconds after that; *late writes* are those
that it makes then. *Double restarts* are rollouts of a Deployment for revisions that it had been
rolled out for. [Long runs](soak.md) have the same times with other work going on, where they are
longer.
""",
    ),
    "isolation": (
        "Isolation",
        """
Four vaults. Items of three are edited and timed, first with nothing wrong, then while the fourth
refuses (401), takes ten seconds for each answer or never answers and two hundred new resources ask
for items of it, then right after a thousand resources whose items do not exist have been created in
one namespace (*breaking*), and once those have been told so (*broken*). *Missing* is how many edits
never reached their Secret while we waited (50 s after the last of them); they count with that time,
so that the p99 is longer than it says.
""",
    ),
    "fanout": (
        "Two hundred Deployments on one item",
        """
Every Deployment uses the one Secret and opts in to restarts. The item is edited once. A rollout is
a ReplicaSet, counted two polls after the last Deployment has changed.
""",
    ),
    "steady": (
        "Steady state",
        """
Nothing changes for minutes. Renewals of a lease do not count as writes. The slope is that of a
straight line through samples of RSS every ten seconds; over a few minutes it says little.
""",
    ),
}

_MISSING = [
    (f"{name} missing", f"{name}_missing")
    for name in ("denied", "slow", "hung", "breaking", "broken")
]
_P99 = [
    (f"{label}, p99 s", f"{name}_p99_seconds")
    for label, name in (("nothing wrong", "nothing_wrong"), ("401", "denied"))
]
_P99 += [
    (f"{name}, p99 s", f"{name}_p99_seconds") for name in ("slow", "hung", "breaking", "broken")
]

COLUMNS: dict[str, list[tuple[str, str]]] = {
    "cold": [
        ("first Secret, s", "first_secret_seconds"),
        ("last Secret, s", "last_secret_seconds"),
        ("last Ready, s", "last_ready_seconds"),
        ("floor, s", "floor_seconds"),
        ("floor, writes/s", "floor_writes_per_second"),
        ("CPU, s", "cpu_seconds"),
        ("peak RSS, MiB", "peak_rss_mib"),
        ("Connect requests", "connect_requests"),
        ("Kubernetes writes", "kubernetes_writes"),
        ("wrong Secrets", "wrong_secrets"),
    ],
    "idle": [
        ("Connect requests per poll", "connect_requests_per_poll"),
        ("Kubernetes requests per poll", "kubernetes_requests_per_poll"),
        ("CPU per poll, ms", "cpu_ms_per_poll"),
        ("CPU, % of a core", "cpu_percent"),
        ("fits the interval", "fits_the_interval"),
        ("polls", "polls"),
    ],
    "changed": [
        ("Connect requests per poll", "connect_requests_per_poll"),
        ("CPU per poll, ms", "cpu_ms_per_poll"),
        ("CPU, % of a core", "cpu_percent"),
        ("polls", "polls"),
    ],
    "rotation": [
        ("edits", "edits"),
        ("p50, s", "p50_seconds"),
        ("p99, s", "p99_seconds"),
        ("longest, s", "max_seconds"),
        ("missing", "missing"),
        ("CPU, s", "cpu_seconds"),
    ],
    "restart": [
        ("stop, s", "stop_seconds"),
        ("/readyz, s", "ready_seconds"),
        ("new resource served, s", "new_secret_seconds"),
        ("CPU, s", "cpu_seconds"),
        ("peak RSS, MiB", "peak_rss_mib"),
        ("Connect requests", "connect_requests"),
        ("Kubernetes requests", "kubernetes_requests"),
        ("of them LISTs", "kubernetes_lists"),
        ("Kubernetes writes", "kubernetes_writes"),
    ],
    "memory": [("RSS, MiB", "rss_mib"), ("peak RSS, MiB", "peak_rss_mib")],
    "failover": [
        ("SIGTERM, median s", "sigterm_median_seconds"),
        ("longest, s", "sigterm_max_seconds"),
        ("SIGKILL, median s", "sigkill_median_seconds"),
        ("longest, s", "sigkill_max_seconds"),
        ("SIGSTOP, median s", "sigstop_median_seconds"),
        ("longest, s", "sigstop_max_seconds"),
        ("late writes", "sigstop_late_writes"),
        ("writers before", "writers_before"),
        ("double restarts", "double_restarts"),
        ("wrong Secrets", "wrong_secrets"),
    ],
    "isolation": [*_P99, *_MISSING],
    "fanout": [
        ("Deployments", "deployments"),
        ("rolled out once", "rolled_out_once"),
        ("more than once", "rolled_out_more"),
        ("first, s", "first_seconds"),
        ("last, s", "last_seconds"),
        ("most in one second", "busiest_second"),
    ],
    "steady": [
        ("minutes", "minutes"),
        ("Kubernetes writes", "kubernetes_writes"),
        ("Connect requests", "connect_requests"),
        ("CPU, % of a core", "cpu_percent"),
        ("RSS at first, MiB", "rss_first_mib"),
        ("at last, MiB", "rss_last_mib"),
        ("slope, MiB/h", "rss_slope_mib_per_hour"),
    ],
}

ROUTES = ("cold", "idle", "restart")
"""Scenarios whose requests are told apart."""

HOW = """
## What is measured, and how

The control plane is a real one: etcd, kube-apiserver and kube-controller-manager with the usual
admission, RBAC, priority and fairness, and the audit log; a fresh one for every scene. An operator
is a process of its own that watches all namespaces, logs at `info` and serves no metrics. Ours has
the rights of `deploy/`, and sees nothing that only the tests have installed; the peer may do
anything. Connect is `onepassword-operator dev-connect`, also a process of its own, with generated
items of four fields. Resources are spread over ten namespaces. An unrecorded start of each operator
warms the machine up.

CPU is user and system time of the process by the kernel's CPU clock, which counts what
`/proc/<pid>/stat` counts, in finer steps. Memory is `VmRSS` and `VmHWM` of `/proc/<pid>/status`.
Connect requests are counted by the Connect server, Kubernetes requests by the API server's audit
log, watches included. Secrets, resources and Deployments are seen by watches of the benchmark's
own.
"""

LIMITS = """
## Known limits

- The operator, Connect, the control plane and the observer share the cores of one machine. During a
  cold start all of them are busy, so the times say how long it takes when everything runs there;
  CPU seconds depend on that much less.
- All connections are loopback, and there is no TLS to Connect. Latency is a delay in front of each
  Connect reply; the API server has none.
- etcd does not wait for the disk (`--unsafe-no-fsync`), so writes are quicker than in a cluster
  that keeps its data, and so is the floor.
- There are no nodes and no pods: a rollout ends with its ReplicaSet.
- The embedded Connect server is Python. It keeps everything in memory and is not a model of how
  fast a real Connect server answers.
- The peer is not measured at 5,000 resources and 100 ms, nor at 20,000 resources: at four requests
  for each resource, one after the other, that is more than half an hour. It is not measured in
  failover either: its chart offers replicas without election.
"""
