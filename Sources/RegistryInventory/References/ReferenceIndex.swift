// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// Which images the records of installations name, and in which record.
///
/// Whatever a record says is searched for names of images, whichever field they are in: an unknown field that names an image
/// keeps it. A digest counts wherever the image is said to be, since one registry has many names; a tag counts for every
/// repository whose path ends as the record has it.
public struct ReferenceIndex: Sendable {
    /// Where each digest was found first.
    private var digests: [String: String] = [:]
    /// Where each tag was found first: `team/app:1`.
    private var tags: [String: String] = [:]
    private let repositories: Set<String>

    /// Creates an index without references.
    ///
    /// - Parameter repositories: the repositories whose tags matter, as their images tell them.
    public init(repositories: [String]) {
        self.repositories = Set(repositories.map(Self.path))
    }

    /// How many digests there are.
    public var count: Int { digests.count }

    /// Reads a record.
    ///
    /// - Parameter holder: what people call it: `BatchSandbox team-a/notebook of cluster prod`.
    public mutating func add(_ record: String, holder: String) {
        // Some writers of JSON escape slashes.
        let text = record.contains("\\/") ? record.replacing("\\/", with: "/") : record
        for token in text.utf8.split(whereSeparator: { !Self.isPart($0) }) { add(token: Substring(token), holder) }
    }

    /// Everything that another index has.
    public mutating func merge(_ other: ReferenceIndex) {
        digests.merge(other.digests) { first, _ in first }
        tags.merge(other.tags) { first, _ in first }
    }

    /// The record that names a digest.
    public func holder(of digest: Digest) -> String? { digests[digest.description] }

    /// The record that names an image: by its digest, by that of its configuration or of another part, or by a tag.
    public func holder(of image: InventoryImage) -> String? {
        if let holder = digests[image.digest.description] { return holder }
        // Of an index its images are named, and container runtimes name images by their configurations.
        let parts = image.content.filter { $0.mediaType.isManifest || $0.mediaType.isIndex || $0.mediaType.isConfig }
        for part in parts + image.referrers { if let holder = digests[part.digest.description] { return holder } }
        let path = Self.path(image.repository)
        return image.tags.lazy.compactMap { tags["\(path):\($0)"] }.first
    }

    private mutating func add(token: Substring, _ holder: String) {
        // Most of a record is neither.
        let (hasColon, hasSlash) = (token.utf8.contains(UInt8(ascii: ":")), token.utf8.contains(UInt8(ascii: "/")))
        guard hasColon || hasSlash else { return }
        if hasColon { addDigests(in: token, holder) }
        let rest = token.firstIndex(of: "@").map { token[..<$0] } ?? token
        let name = rest.lastIndex(of: "/").map { rest[rest.index(after: $0)...] } ?? rest
        let colon = name.firstIndex(of: ":")
        let tag = colon.map { name[name.index(after: $0)...] } ?? "latest"
        let path = colon.map { rest[..<$0] } ?? rest
        for repository in repositories where path == repository || path.hasSuffix("/\(repository)") {
            tags["\(repository):\(tag)"] = tags["\(repository):\(tag)"] ?? holder
        }
    }

    private mutating func addDigests(in token: Substring, _ holder: String) {
        for algorithm in Digest.Algorithm.allCases {
            for range in token.ranges(of: "\(algorithm.rawValue):") {
                let hex = token[range.upperBound...].prefix(while: \.isHexDigit)
                guard let digest = try? Digest(parsing: "\(algorithm.rawValue):\(hex)") else { continue }
                digests[digest.description] = digests[digest.description] ?? holder
            }
        }
    }

    /// A repository without its registry, which others may know by another name; a folder as it is.
    private static func path(_ repository: String) -> String {
        if repository.hasPrefix("oci:") { return repository }
        return repository.split(separator: "/", maxSplits: 1).last.map(String.init) ?? repository
    }

    /// What names of images are made of.
    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: ":@/._-".utf8.contains(byte)
        }
    }
}
