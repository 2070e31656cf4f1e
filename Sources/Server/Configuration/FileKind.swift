// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.FileAttributeKey
import struct Foundation.FileAttributeType
import class Foundation.FileManager
import struct Foundation.URL

/// What a path leads to, over links.
enum FileKind {
    case folder
    case socket
    case other

    /// Looks; nil if there is nothing.
    init?(at path: String) {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
        switch attributes[.type] as? FileAttributeType {
        case .typeDirectory: self = .folder
        case .typeSocket: self = .socket
        default: self = .other
        }
    }
}
