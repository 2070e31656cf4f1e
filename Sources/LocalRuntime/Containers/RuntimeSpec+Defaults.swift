// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension RuntimeSpec.Capabilities {
    /// What a sandbox's root may do: Docker's default set without `CAP_NET_RAW` (forged packets on the bridge that
    /// sandboxes share) and `CAP_AUDIT_WRITE` (the machine's own audit log). Device nodes can be made, as package managers
    /// do; the devices cgroup keeps them from being opened.
    ///
    /// Nothing is inheritable or ambient, so another user than root starts without any.
    static let sandbox: Self = {
        let names = [
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
            "CAP_NET_BIND_SERVICE",
            "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
        ]
        return Self(bounding: names, effective: names, permitted: names)
    }()
}

extension RuntimeSpec.Mount {
    /// The file systems that every program expects. There is no tmpfs on `/run` or `/tmp`: what a sandbox writes there
    /// belongs to its root filesystem and survives a pause.
    static let system: [Self] = [
        Self(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
        Self(
            destination: "/dev",
            type: "tmpfs",
            source: "tmpfs",
            options: ["nosuid", "strictatime", "mode=755", "size=65536k"]
        ),
        Self(
            destination: "/dev/pts",
            type: "devpts",
            source: "devpts",
            options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
        ),
        Self(
            destination: "/dev/shm",
            type: "tmpfs",
            source: "shm",
            options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]
        ),
        Self(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]),
        Self(destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]),
        // Language runtimes read their memory and CPU limits here.
        Self(
            destination: "/sys/fs/cgroup",
            type: "cgroup",
            source: "cgroup",
            options: ["nosuid", "noexec", "nodev", "relatime", "ro"]
        ),
    ]

    /// A volume. What is mounted within its source is left out: it would not be read-only with it. Devices in it are none.
    static func volume(_ source: String, at destination: String, isReadOnly: Bool) -> Self {
        Self(
            destination: destination,
            type: "bind",
            source: source,
            options: ["bind", "rprivate", isReadOnly ? "ro" : "rw", "nosuid", "nodev"]
        )
    }

    /// A file of the machine in the place of a file of the sandbox.
    static func file(_ source: String, at destination: String) -> Self {
        Self(destination: destination, type: "bind", source: source, options: ["bind", "rprivate", "rw", "nosuid"])
    }
}

extension RuntimeSpec.Linux {
    /// Files that tell about the machine or act on it, hidden.
    static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
        "/sys/devices/virtual/powercap", "/sys/firmware",
    ]

    /// Files that act on the machine, not writable.
    static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// Settings of the sandbox's own network namespace: any user may ping and listen on low ports, which replaces the
    /// capabilities that would otherwise be needed for it.
    static let sysctl = [
        "net.ipv4.ip_unprivileged_port_start": "0",
        "net.ipv4.ping_group_range": "0 2147483647",
    ]
}

extension RuntimeSpec.Seccomp {
    private static let errno = "SCMP_ACT_ERRNO"
    private static let notPermitted: UInt32 = 1
    private static let notImplemented: UInt32 = 38
    private static let newUserNamespace: UInt64 = 0x1000_0000

    /// Refuses the system calls that need no capability and yet reach parts of the kernel that namespaces do not
    /// separate or that have a record of escapes: user namespaces, key rings, BPF, performance events, user fault
    /// handling and io_uring.
    ///
    /// It is a list of refusals and no list of permissions: what needs a capability is refused for want of it already,
    /// and a list of permissions has to follow each new kernel and C library.
    static func sandbox(architecture: String) -> Self {
        let newNamespace = RuntimeSpec.Seccomp.Argument(
            index: 0,
            value: newUserNamespace,
            valueTwo: newUserNamespace,
            op: "SCMP_CMP_MASKED_EQ"
        )
        return Self(
            defaultAction: "SCMP_ACT_ALLOW",
            architectures: architectures(architecture),
            syscalls: [
                Rule(
                    names: [
                        "add_key", "bpf", "fanotify_init", "io_uring_enter", "io_uring_register", "io_uring_setup",
                        "keyctl", "kcmp", "lookup_dcookie", "perf_event_open", "request_key", "setns", "userfaultfd",
                    ],
                    action: errno,
                    errnoRet: notPermitted
                ),
                Rule(names: ["clone", "unshare"], action: errno, errnoRet: notPermitted, args: [newNamespace]),
                // Its flags are in memory, where a filter cannot look; C libraries then fall back to clone.
                Rule(names: ["clone3"], action: errno, errnoRet: notImplemented),
            ]
        )
    }

    private static func architectures(_ architecture: String) -> [String] {
        switch architecture {
        case "amd64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        case "arm64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        default: []
        }
    }
}
