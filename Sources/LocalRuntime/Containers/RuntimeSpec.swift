// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The parts of an OCI runtime configuration (`config.json`, opencontainers/runtime-spec 1.0) that this runtime sets.
///
/// The property names are those of the JSON. containerd hands the document to runc as it is.
struct RuntimeSpec: Sendable, Hashable, Codable {
    /// The version of the OCI runtime specification that the document follows.
    var ociVersion = "1.0.2"
    var process: Process
    var root: Root
    var hostname: String
    var mounts: [Mount]
    var linux: Linux

    /// The first process.
    struct Process: Sendable, Hashable, Codable {
        var terminal = false
        var user: User
        var args: [String]
        /// `NAME=value` each.
        var env: [String]
        var cwd: String
        var capabilities: Capabilities
        var rlimits: [ResourceLimit]
        var noNewPrivileges: Bool
    }

    /// Who the first process is.
    struct User: Sendable, Hashable, Codable {
        var uid: UInt32
        var gid: UInt32
        var additionalGids: [UInt32]
    }

    /// The five capability sets.
    struct Capabilities: Sendable, Hashable, Codable {
        var bounding: [String]
        var effective: [String]
        var permitted: [String]
    }

    /// A limit of `setrlimit`.
    struct ResourceLimit: Sendable, Hashable, Codable {
        var type: String
        var hard: UInt64
        var soft: UInt64
    }

    /// The root filesystem; the path is relative to the bundle, where containerd mounts the snapshot.
    struct Root: Sendable, Hashable, Codable {
        var path = "rootfs"
        var readonly = false
    }

    /// One mount, in order.
    struct Mount: Sendable, Hashable, Codable {
        var destination: String
        var type: String
        var source: String
        var options: [String]
    }

    /// What is particular to Linux.
    struct Linux: Sendable, Hashable, Codable {
        var namespaces: [Namespace]
        var cgroupsPath: String
        var resources: Resources
        var sysctl: [String: String]
        var seccomp: Seccomp
        var maskedPaths: [String]
        var readonlyPaths: [String]
    }

    /// A namespace, made anew.
    struct Namespace: Sendable, Hashable, Codable {
        var type: String
    }

    /// Limits by control group.
    struct Resources: Sendable, Hashable, Codable {
        var devices: [Device]
        var cpu: CPU?
        var memory: Memory?
        var pids: Processes

        struct Device: Sendable, Hashable, Codable {
            var allow: Bool
            var access: String
        }

        struct CPU: Sendable, Hashable, Codable {
            var shares: UInt64?
            var quota: Int64?
            var period: UInt64?
        }

        struct Memory: Sendable, Hashable, Codable {
            var limit: Int64
            /// Memory and swap together.
            var swap: Int64
        }

        struct Processes: Sendable, Hashable, Codable {
            var limit: Int64
        }
    }

    /// A filter of system calls.
    struct Seccomp: Sendable, Hashable, Codable {
        var defaultAction: String
        var architectures: [String]
        var syscalls: [Rule]

        struct Rule: Sendable, Hashable, Codable {
            var names: [String]
            var action: String
            var errnoRet: UInt32
            var args: [Argument]?
        }

        struct Argument: Sendable, Hashable, Codable {
            var index: UInt32
            var value: UInt64
            var valueTwo: UInt64
            var op: String
        }
    }
}
