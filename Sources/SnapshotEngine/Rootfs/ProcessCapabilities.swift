// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What this process may do, from its status file (proc_pid_status(5)).
public struct ProcessCapabilities: Sendable, Hashable {
    /// The effective set, bit by bit as in capability.h.
    public var effective: UInt64
    /// Capabilities count everywhere only in the initial user namespace.
    public var isInInitialUserNamespace: Bool

    /// Creates capabilities from their values.
    public init(effective: UInt64, isInInitialUserNamespace: Bool = true) {
        self.effective = effective
        self.isInInitialUserNamespace = isInInitialUserNamespace
    }

    /// Reads the text of a status file; nil if it has no line `CapEff`.
    public init?(status: String, isInInitialUserNamespace: Bool = true) {
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let digits = line?.dropFirst("CapEff:".count).drop(while: { $0 == "\t" || $0 == " " }),
            let effective = UInt64(digits, radix: 16)
        else { return nil }
        self.init(effective: effective, isInInitialUserNamespace: isInInitialUserNamespace)
    }

    /// This process's, now. Reads /proc.
    ///
    /// - Throws: `RootfsError` if /proc cannot be read.
    public static func current() throws -> ProcessCapabilities {
        let status = String(decoding: try SystemCall.contents(of: "/proc/thread-self/status"), as: UTF8.self)
        // The initial user namespace has this inode in every kernel (PROC_USER_INIT_INO).
        let path = "/proc/thread-self/ns/user"
        let isInitial = try SystemCall.linkTarget(AT_FDCWD, path, path: path) == Array("user:[4026531837]".utf8)
        guard let found = ProcessCapabilities(status: status, isInInitialUserNamespace: isInitial) else {
            throw RootfsError.notPermitted(missing: ["a readable /proc"])
        }
        return found
    }

    /// What a capture needs and is not there. Without CAP_SYS_ADMIN the kernel does not show which directories are
    /// opaque, and says nothing of it; without CAP_DAC_READ_SEARCH (or CAP_DAC_OVERRIDE) private files cannot be read.
    public var missingForCapture: [String] {
        var missing: [String] = []
        if !has(21) { missing.append("CAP_SYS_ADMIN") }
        if !has(2) && !has(1) { missing.append("CAP_DAC_READ_SEARCH") }
        if !isInInitialUserNamespace { missing.append("the initial user namespace") }
        return missing
    }

    private func has(_ bit: UInt64) -> Bool { effective >> bit & 1 == 1 }
}
