"""A pod as a sandbox has it: two containers with their environment, volumes, a probe, and a full status."""


def sandbox_pod(number: int, part: int) -> dict:
    """What is created. Nobody schedules it, so no node has to do with it."""
    identity = f"{number:08x}-5b1f-4c3e-9d27-{number * 7919:012x}"
    variables = {
        "SANDBOX_ID": identity,
        "SANDBOX_API": "http://stasis-server.stasis-system.svc.cluster.local:8080/v1",
        "AGENT_LISTEN": "0.0.0.0:44772",
        "WORKSPACE": "/workspace",
    }
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(number),
            "labels": {
                "app.kubernetes.io/name": "sandbox",
                "sandbox.example.com/id": identity,
                "sandbox.example.com/pool": f"pool-{number % 20}",
                "part": str(part),
            },
            "annotations": {
                "sandbox.example.com/created-by": "team-agents",
                "sandbox.example.com/metadata": '{"session": "' + identity + '", "purpose": "code interpreter"}',
                "sandbox.example.com/expires-at": "2030-01-01T00:00:00Z",
            },
        },
        "spec": {
            "schedulerName": "nobody",
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 30,
            "containers": [
                _container("sandbox", environment, command=["/agent/bootstrap", "sleep", "infinity"]),
                _container("egress", environment[:1], command=["/egress"]),
            ],
            "securityContext": {"fsGroup": 1000, "runAsNonRoot": True, "runAsUser": 1000},
            "volumes": [
                {"name": "agent", "emptyDir": {}},
                {"name": "workspace", "emptyDir": {"sizeLimit": "10Gi"}},
            ],
        },
    }


def running_status(number: int) -> dict:
    """What a kubelet would have written of it, as a patch of its status."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    time = "2026-01-01T00:00:00Z"
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": time}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    return {
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": time,
            "qosClass": "Burstable",
            "containerStatuses": [_container_status(name, number, time) for name in ("sandbox", "egress")],
        }
    }


def pod_name(number: int) -> str:
    return f"sandbox-{number:05}"


def _container(name: str, environment: list[dict], command: list[str]) -> dict:
    probe = {"httpGet": {"path": "/healthz", "port": 44772}, "periodSeconds": 10}
    probes = {"readinessProbe": probe} if name == "sandbox" else {}
    return {
        "name": name,
        "image": f"registry.example.com/sandboxes/{name}:2026.1",
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "env": environment,
        "resources": {"limits": {"cpu": "2", "memory": "2Gi"}},
        "volumeMounts": [
            {"name": "agent", "mountPath": "/agent"},
            {"name": "workspace", "mountPath": "/workspace"},
        ],
        **probes,
    }


def _container_status(name: str, number: int, time: str) -> dict:
    return {
        "name": name,
        "image": f"registry.example.com/sandboxes/{name}:2026.1",
        "imageID": f"registry.example.com/sandboxes/{name}@sha256:{0xA5:064x}",
        "containerID": f"containerd://{number * 104729:064x}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": time}},
        "lastState": {},
    }
