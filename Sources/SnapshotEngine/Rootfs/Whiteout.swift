// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a layer says that a name of the image is gone (OCI image specification, "Whiteouts").
enum Whiteout {
    /// Followed by the name that is gone.
    static let prefix: [UInt8] = Array(".wh.".utf8)
    /// In a directory: everything the layers below have in it is gone.
    static let opaqueMarker: [UInt8] = Array(".wh..wh..opq".utf8)

    /// `a/b` becomes `a/.wh.b`.
    static func entry(for path: [UInt8]) -> [UInt8] {
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        let start = slash.map { $0 + 1 } ?? 0
        return path[..<start] + prefix + path[start...]
    }
}
