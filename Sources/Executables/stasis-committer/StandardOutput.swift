// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Committer
import Glibc

/// Standard output, a line at a time. Nobody reading it is no error.
enum StandardOutput {
    static func print(_ line: String) {
        write(Array("\(line)\n".utf8), to: STDOUT_FILENO)
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}

extension CommitterSettings {
    /// Writes the termination log, if there is a place for it: outside of a pod there is none.
    func writeTerminationLog(_ text: String) {
        let descriptor = open(terminationLog, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        StandardOutput.write(Array(text.utf8), to: descriptor)
    }
}
