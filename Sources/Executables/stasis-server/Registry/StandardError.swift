// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.FileHandle
import struct Foundation.Data

/// Lines for people, where programs that read the output do not look.
enum StandardError {
    static func write(_ line: String) {
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }
}
