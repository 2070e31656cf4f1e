// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A container of the testbed as its node sees it, which is this machine.
public struct NodeContainer: Sendable {
    /// containerd's ID.
    public let id: String

    /// - Parameter id: As a pod's status tells it, `containerd://...`.
    public init(_ id: String) {
        self.id = id.split(separator: "/").last.map(String.init) ?? id
    }

    /// The processes in its cgroup.
    public var processes: [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { process in
            let groups = (try? String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8)) ?? ""
            return groups.contains(id)
        }
    }

    /// Whether it is frozen; false if it has no process.
    public var isFrozen: Bool { processes.first.map { Freezer(process: UInt32($0)).isFrozen } ?? false }

    /// Sends all of them a signal.
    public func send(_ signal: Int32) {
        for process in processes { _ = kill(process, signal) }
    }
}
