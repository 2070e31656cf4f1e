// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The kernel's freezer of a container, asked without containerd.
public struct Freezer: Sendable {
    private let directory: String

    /// The freezer of the container that a process is in.
    public init(process: UInt32) {
        let groups = (try? String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8)) ?? ""
        var directory = ""
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1] == "freezer" {
                directory = "/sys/fs/cgroup/freezer\(fields[2])"
            } else if fields[1] == "", directory.isEmpty {
                directory = "/sys/fs/cgroup\(fields[2])"
            }
        }
        self.directory = directory
    }

    /// Whether all processes of the container are frozen.
    public var isFrozen: Bool {
        guard let state = try? String(contentsOfFile: "\(directory)/freezer.state", encoding: .utf8) else {
            let state = try? String(contentsOfFile: "\(directory)/cgroup.freeze", encoding: .utf8)
            return state?.hasPrefix("1") == true
        }
        return state.hasPrefix("FROZEN")
    }
}
