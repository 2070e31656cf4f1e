// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a manifest is asked for within a repository.
public enum ManifestReference: Sendable, Hashable, CustomStringConvertible {
    /// By a name that may be moved.
    case tag(String)
    /// By its content.
    case digest(Digest)

    /// The tag, or the digest's written form.
    public var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): digest.description
        }
    }

    /// How it is appended to a repository's name: `:tag` or `@digest`.
    var suffix: String {
        switch self {
        case .tag(let tag): ":\(tag)"
        case .digest(let digest): "@\(digest)"
        }
    }
}
