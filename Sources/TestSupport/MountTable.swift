// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The kernel's list of what is mounted, as a process sees it.
public enum MountTable {
    /// Reads the list.
    ///
    /// The kernel hands it out in pieces of any size, so a short one is not the end; Foundation takes it for one, and what it
    /// leaves out depends on what others have mounted.
    ///
    /// - Parameter process: Whose; nil for this one.
    /// - Returns: A line of `/proc/<process>/mountinfo` for each mount.
    public static func lines(of process: Int32? = nil) -> [String] {
        let file = open("/proc/\(process.map { String($0) } ?? "self")/mountinfo", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(file, &piece, piece.count), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
