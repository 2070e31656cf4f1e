// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What this machine offers to containers.
struct MachineFeatures: Sendable, Hashable {
    /// Whether control groups are those of the second version only.
    var unifiedControlGroups: Bool
    /// The highest number of open files that a sandbox's process may ask for.
    var openFiles: UInt64

    /// What is given to a sandbox at most, the same as systemd gives a service.
    private static let mostOpenFiles: UInt64 = 524_288

    /// Reads the features of the machine that this process runs on.
    static func current() -> Self {
        var limit = rlimit()
        let known = getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0
        return Self(
            unifiedControlGroups: access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0,
            // Raising a limit takes a privilege, lowering it takes none.
            openFiles: known ? min(UInt64(limit.rlim_max), mostOpenFiles) : 1024
        )
    }
}
