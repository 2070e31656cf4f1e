// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file below `/proc`. It says that it is empty, so it is read until nothing more comes.
enum ProcessFile {
    /// What is in it; nil if it cannot be read.
    static func contents(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count > 0 { contents += buffer[..<count] }
            if count == 0 { return contents }
            if count < 0, errno != EINTR { return nil }
        }
    }
}
