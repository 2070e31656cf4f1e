"""What the numbers were measured on."""

import os
from pathlib import Path


def describe_machine() -> str:
    """Cores, CPU, memory, kernel and load, in one line."""
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in processors if line.startswith("model name")), os.uname().machine)
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB of memory, Linux {os.uname().release}; load average {load}"
