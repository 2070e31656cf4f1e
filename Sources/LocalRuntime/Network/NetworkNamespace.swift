// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

/// A hold on the network namespace of a sandbox, for as long as this object lives.
///
/// A process number alone is not enough: when the process dies its number may soon be another process's, and then
/// "remove eth0" would hit the machine's own network. An open descriptor keeps its meaning.
final class NetworkNamespace: Sendable {
    private let descriptor: CInt

    /// Opens the network namespace of a process. The caller makes sure afterwards that the process was still the one
    /// that was meant.
    ///
    /// - Throws: `SandboxError` if there is no such process, or if it is in the network namespace of this very process.
    init(processID: UInt32) throws(SandboxError) {
        let path = "/proc/\(processID)/ns/net"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SandboxError(
                .startFailed,
                "The network namespace \(path) could not be opened: \(String(cString: strerror(errno)))."
            )
        }
        // The link's text names the namespace: net:[4026531840].
        let theirs = Self.linkTarget("/proc/self/fd/\(descriptor)")
        let ours = Self.linkTarget("/proc/self/ns/net")
        guard let theirs, let ours, theirs != ours else {
            close(descriptor)
            throw SandboxError(
                .startFailed,
                "The process \(processID) is in the machine's own network namespace and in no sandbox's."
            )
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func linkTarget(_ path: String) -> [UInt8]? {
        let capacity = 256
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink(path, start, capacity)
            guard length > 0, length < capacity else { return nil }
            return buffer.prefix(length).map { UInt8(bitPattern: $0) }
        }
    }

    /// By this path other programs reach the namespace while this object lives.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }
}
