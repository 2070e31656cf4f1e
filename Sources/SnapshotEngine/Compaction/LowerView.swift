// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// What a stack of unpacked layers shows, as overlayfs merges them: of each name the topmost directory's that has it.
///
/// The directories are containerd's, and trusted; what is in them is not: no link is followed, no mount is crossed.
struct LowerView: Sendable, Hashable {
    /// The layers' directories, topmost first; absolute paths.
    let directories: [String]

    /// Whether there is something at a path relative to the root. Blocking.
    func shows(_ path: [UInt8]) throws -> Bool {
        var stack = try directories.map { directory in
            let entry = OwnedDescriptor(try SystemCall.result("open", directory) { clinux_open_path(directory) })
            return OpenDirectory(try SystemCall.result("open", directory) { clinux_open_directory(entry.number) })
        }
        let parts = path.split(separator: UInt8(ascii: "/"))
        for (number, part) in parts.enumerated() {
            let (found, next) = try look(up: Array(part), in: stack, path: path)
            guard found else { return false }
            if number == parts.count - 1 { return true }
            guard !next.isEmpty else { return false }
            stack = next
        }
        return true
    }

    /// Looks a name up: whether there is something, and the directories that make up what is seen below it.
    private func look(
        up name: [UInt8],
        in stack: [OpenDirectory],
        path: [UInt8]
    ) throws -> (found: Bool, next: [OpenDirectory]) {
        let name = name.map { CChar(bitPattern: $0) } + [0]
        var next: [OpenDirectory] = []
        for directory in stack {
            let number: Int32
            do {
                number = try SystemCall.result("open", displayed(path)) { clinux_open_entry(directory.number, name) }
            } catch RootfsError.system(_, _, ENOENT) {
                continue
            }
            let entry = OwnedDescriptor(number)
            let status = try FileStatus(of: entry.number, path: displayed(path))
            guard status.kind == .directory else {
                // Something else in the place of the directories below, or they are deleted.
                return (!next.isEmpty || !status.isWhiteoutDevice, next)
            }
            let opened = OpenDirectory(
                try SystemCall.result("open", displayed(path)) { clinux_open_directory(entry.number) }
            )
            next.append(opened)
            if try AttributeSet(descriptor: opened.number, path: displayed(path)).opaque == UInt8(ascii: "y") { break }
        }
        return (!next.isEmpty, next)
    }

    private final class OpenDirectory {
        let number: Int32

        init(_ number: Int32) { self.number = number }

        deinit { close(number) }
    }
}
