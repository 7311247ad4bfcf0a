"""Every queue has a worker, every job has a task behind it, and every task is reached."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys

import pytest

from jobs import queues, schedule
from jobs.queues import POLICIES, QUEUES, enqueue_once
from tests.guards.source import ROOT, imports_of, modules, tree, within
from webapp import metrics

TASK = re.compile(r"jobs\.tasks\.\w+\.\w+")


def tasks() -> dict[str, object]:
    """Dotted name to function, of everything in jobs.tasks that runs inside the application."""
    found = {}
    for name in modules():
        if within(name, "jobs.tasks"):
            module = importlib.import_module(name)
            for label, value in vars(module).items():
                if inspect.isfunction(value) and value.__module__ == name and hasattr(value, "__wrapped__"):
                    found[f"{name}.{label}"] = value
    return found


def named_jobs() -> dict[str, str]:
    """Every dotted task name in the source, and where it stands."""
    found = {}
    for module, path in modules().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and TASK.fullmatch(node.value):
                found[node.value] = f"{module}:{node.lineno}"
    return found


def scheduled(connection) -> dict[str, str]:
    return {job.func_name: job.queue_name for job in schedule.build(connection).get_jobs()}


def test_every_queue_has_limits_and_a_name_in_the_code():
    named = {value for name, value in vars(queues).items() if name.isupper() and isinstance(value, str)}
    assert set(QUEUES) <= named
    assert set(POLICIES) == set(QUEUES)
    assert all(0 < policy.job_timeout <= 900 and policy.failure_ttl > 0 for policy in POLICIES.values())


@pytest.mark.parametrize("processes", [1, 2])
def test_every_queue_has_a_worker(valkey, valkey_url, processes):
    for queue in QUEUES:
        enqueue_once(queue, "tests.jobs.processes.work.mark", queue, job_id=f"guard-{queue}", connection=valkey)
    redis = f"redis.Redis.from_url({valkey_url!r})"
    code = f"import redis; from jobs.worker import Pool; Pool({redis}, {processes}).run(burst=True)"
    environ = {**os.environ, "REDIS_URL": valkey_url, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, timeout=60, check=True, capture_output=True)
    assert sorted(valkey.lrange("done", 0, -1)) == sorted(queue.encode() for queue in QUEUES)


def test_every_job_names_a_task():
    known = tasks()
    assert len(known) >= 5
    assert {name: place for name, place in named_jobs().items() if name not in known} == {}


def test_every_job_goes_to_a_queue_of_ours():
    """The first argument is one of the constants, or a choice of them, so that no job waits where nobody looks."""
    constants = {name for name, value in vars(queues).items() if isinstance(value, str) and value in QUEUES}
    for module, path in modules().items():
        if module in ("jobs.queues", "jobs.schedule"):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("enqueue_"):
                if node.func.id not in ("enqueue_once", "enqueue_follow_on"):
                    continue
                chosen = possible(node.args[0], tree(path))
                assert chosen and chosen <= constants, f"{module}:{node.lineno} puts a job on {chosen}"


def possible(value: ast.expr, module: ast.Module) -> set[str]:
    """The names that an expression may stand for; a variable stands for all that the module ever puts into it."""
    if isinstance(value, ast.IfExp):
        return possible(value.body, module) | possible(value.orelse, module)
    if not isinstance(value, ast.Name):
        return {ast.unparse(value).rpartition(".")[2]}
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and value.id in {ast.unparse(target) for target in node.targets}:
            found |= possible(node.value, module)
    return found or {value.id}


def test_the_schedule_uses_our_queues_and_tasks(valkey):
    planned = scheduled(valkey)
    assert set(planned) <= set(tasks())
    assert set(planned.values()) <= set(QUEUES)


def test_every_task_is_reached(valkey):
    idle = set(tasks()) - set(named_jobs()) - set(scheduled(valkey))
    assert idle == set(), "nobody puts these on a queue"


def test_the_worker_loads_every_task_before_it_forks():
    files = {name for name in modules() if within(name, "jobs.tasks") and name != "jobs.tasks"}
    loaded = {found.target for found in imports_of("webapp.cli.processes")}
    assert files - loaded == set()


def test_arguments_of_tasks_are_ids_and_plain_words():
    """They are stored in the queue, where nothing of a person may be."""
    for name, task in tasks().items():
        for parameter in inspect.signature(task).parameters.values():
            assert str(parameter.annotation) in ("<class 'int'>", "<class 'str'>", "<class 'bool'>"), name


def test_the_metrics_show_every_queue(app):
    shown = re.findall(r'crmconnect_queue_jobs\{queue="(\w+)"\}', metrics.render().decode())
    assert sorted(shown) == sorted(QUEUES)
