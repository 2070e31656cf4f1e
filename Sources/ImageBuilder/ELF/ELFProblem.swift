// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why a file cannot be read as a program or a library.
public enum ELFProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// It does not begin as ELF files do: a script, an archive, or nothing.
    case notELF
    /// It is ELF, but of a kind that images are not made of here.
    case unsupported(String)
    /// It contradicts itself, or ends too early.
    case malformed(String)

    /// What is wrong with the file, as the end of a sentence.
    public var description: String {
        switch self {
        case .notELF: "it is not an ELF file"
        case .unsupported(let what): "\(what) is not supported: only 64-bit little-endian Linux programs are"
        case .malformed(let detail): "it is damaged: \(detail)"
        }
    }
}
