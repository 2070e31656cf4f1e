// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a tar archive that can be read with certainty.
enum TarError: Error, Sendable, Hashable, CustomStringConvertible {
    /// They end in the middle of it.
    case truncated
    /// They break the format's rules.
    case malformed(String)
    /// They follow rules that are not implemented here.
    case unsupported(String)

    var description: String {
        switch self {
        case .truncated: "the tar ends before its end"
        case .malformed(let detail): "the tar is malformed: \(detail)"
        case .unsupported(let detail): "the tar holds what is not read here: \(detail)"
        }
    }
}
