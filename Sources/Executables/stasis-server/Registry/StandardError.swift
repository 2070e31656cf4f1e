// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data
import class Foundation.FileHandle

/// Lines for people, where programs that read the output do not look.
enum StandardError {
    static func write(_ line: String) {
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }
}
