// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The name of an image in a registry: `[domain[:port]/]repository[:tag][@digest]`.
///
/// The grammar is that of the distribution project's `reference` package, with Docker's defaults: no domain means
/// `docker.io`, and a single-part repository there means `library/...`.
public struct ImageReference: Sendable, Hashable {
    /// The registry as people write it, with its port if any: `docker.io`, `localhost:5000`, `[::1]:5000`.
    public let domain: String
    /// The repository within the registry: `library/debian`.
    public let repository: String
    /// The tag, if one was written.
    public var tag: String?
    /// The digest, if one was written. It wins over the tag.
    public var digest: Digest?

    /// Reads a reference.
    ///
    /// - Throws: `RegistryError` of kind `invalidReference` that says what is wrong with it.
    public init(parsing text: String) throws(RegistryError) {
        let grammar = ReferenceGrammar(text: text)
        let parts = try grammar.split()
        domain = parts.domain
        repository = parts.repository
        tag = parts.tag
        digest = parts.digest
    }

    /// Creates a reference from parts that are known to be well formed.
    init(domain: String, repository: String, tag: String? = nil, digest: Digest? = nil) {
        self.domain = domain
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// Where to connect to, with its port if any. Docker Hub's registry has another name than people write.
    public var endpoint: String { domain == Self.dockerHub ? "registry-1.docker.io" : domain }

    /// What to ask the repository for: the digest if there is one, else the tag, else `latest`.
    public var manifestReference: ManifestReference {
        if let digest { return .digest(digest) }
        return .tag(tag ?? "latest")
    }

    /// The reference without tag and digest: `docker.io/library/debian`.
    public var name: String { "\(domain)/\(repository)" }

    /// The same repository at another digest, without a tag.
    public func at(_ digest: Digest) -> ImageReference {
        ImageReference(domain: domain, repository: repository, digest: digest)
    }

    /// The same repository at another tag, without a digest.
    ///
    /// - Throws: `RegistryError` of kind `invalidReference` if the tag is not well formed.
    public func tagged(_ tag: String) throws(RegistryError) -> ImageReference {
        try ReferenceGrammar(text: "\(name):\(tag)").check(tag: tag)
        return ImageReference(domain: domain, repository: repository, tag: tag)
    }

    /// The domain that no written domain means.
    static let dockerHub = "docker.io"
}

extension ImageReference: CustomStringConvertible {
    /// The full form, with domain: `docker.io/library/debian:12`.
    public var description: String {
        name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

extension ImageReference: Codable {
    /// Reads a reference from a string.
    public init(from decoder: any Decoder) throws {
        self = try ImageReference(parsing: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the full form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
