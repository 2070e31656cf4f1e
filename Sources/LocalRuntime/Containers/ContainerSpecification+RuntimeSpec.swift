// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ContainerSpecification {
    /// The OCI runtime configuration of the container.
    ///
    /// An adjustment of the out-of-memory score is left out: it is the machine's business which sandbox dies first, and
    /// without `CAP_SYS_RESOURCE` it could not be lowered anyway.
    ///
    /// - Parameters:
    ///   - user: who the first process is.
    ///   - mounts: files of the machine that stand in the place of files of the sandbox, and volumes.
    ///   - machine: what the machine can do.
    func runtimeSpec(user: ContainerUser, mounts: [RuntimeSpec.Mount], machine: MachineFeatures) -> RuntimeSpec {
        var namespaces = ["pid", "ipc", "uts", "mount", "network"]
        // The first version of control groups has namespaces too, but runc then mounts the groups differently.
        if machine.unifiedControlGroups { namespaces.append("cgroup") }
        return RuntimeSpec(
            process: RuntimeSpec.Process(
                user: RuntimeSpec.User(uid: user.uid, gid: user.gid, additionalGids: user.additionalGroups),
                args: arguments,
                env: environment,
                cwd: workingDirectory,
                capabilities: .sandbox,
                rlimits: [
                    RuntimeSpec.ResourceLimit(
                        type: "RLIMIT_NOFILE",
                        hard: machine.openFiles,
                        soft: min(1024, machine.openFiles)
                    )
                ],
                noNewPrivileges: true
            ),
            root: RuntimeSpec.Root(),
            hostname: hostname,
            mounts: RuntimeSpec.Mount.system + mounts,
            linux: RuntimeSpec.Linux(
                namespaces: namespaces.map(RuntimeSpec.Namespace.init),
                cgroupsPath: Self.controlGroup(id),
                resources: resources,
                sysctl: RuntimeSpec.Linux.sysctl,
                seccomp: .sandbox(architecture: architecture),
                maskedPaths: RuntimeSpec.Linux.maskedPaths,
                readonlyPaths: RuntimeSpec.Linux.readonlyPaths
            )
        )
    }

    /// Where a sandbox's control groups are, below the root of each hierarchy.
    static func controlGroup(_ id: String) -> String { "/stasis/\(id)" }

    private var resources: RuntimeSpec.Resources {
        RuntimeSpec.Resources(
            // runc allows the harmless ones (null, zero, full, random, urandom, tty, pts) by itself.
            devices: [RuntimeSpec.Resources.Device(allow: false, access: "rwm")],
            cpu: limits.cpuQuota.map {
                RuntimeSpec.Resources.CPU(shares: limits.cpuShares, quota: $0, period: ResourceLimits.cpuPeriod)
            },
            // As much memory and swap together as memory: none of it may be swapped out.
            memory: limits.memoryBytes.map { RuntimeSpec.Resources.Memory(limit: $0, swap: $0) },
            pids: RuntimeSpec.Resources.Processes(limit: limits.processes)
        )
    }
}
