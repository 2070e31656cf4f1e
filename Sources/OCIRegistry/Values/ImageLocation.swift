// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where an image is: in a registry, or in an image-layout folder of this machine.
public enum ImageLocation: Sendable, Hashable {
    /// In a registry.
    case registry(ImageReference)
    /// In a folder that has the OCI image layout; without tag and digest, its only image.
    case layout(folder: String, tag: String?, digest: Digest?)

    /// Reads `oci:<folder>[:<tag>|@<digest>]` or an image reference.
    ///
    /// The folder ends at the last `@` or at the last colon after its last slash, so it may itself contain colons
    /// if a tag follows.
    ///
    /// - Throws: `RegistryError` of kind `invalidReference`.
    public init(parsing text: String) throws(RegistryError) {
        guard text.hasPrefix("oci:") else {
            self = .registry(try ImageReference(parsing: text))
            return
        }
        func fault(_ reason: String, cause: (any Error)? = nil) -> RegistryError {
            RegistryError(
                .invalidReference,
                operation: "read the image location",
                subject: "'\(text.prefix(300))'",
                reason: reason,
                advice: "an image layout is written oci:<folder>:<tag> or oci:<folder>@sha256:...",
                cause: cause
            )
        }
        var rest = text.dropFirst("oci:".count)
        var tag: String?
        var digest: Digest?
        if let at = rest.lastIndex(of: "@"), !rest[at...].contains("/") {
            do {
                digest = try Digest(parsing: String(rest[rest.index(after: at)...]))
            } catch {
                throw fault("the digest after '@' is wrong: \(error.reason)")
            }
            rest = rest[..<at]
        } else {
            let name = rest.lastIndex(of: "/").map { rest[rest.index(after: $0)...] } ?? rest
            if let colon = name.lastIndex(of: ":") {
                let written = String(name[name.index(after: colon)...])
                do {
                    try ReferenceGrammar(text: text).check(tag: written)
                } catch {
                    throw fault(error.reason)
                }
                tag = written
                rest = rest[..<colon]
            }
        }
        guard !rest.isEmpty else { throw fault("it names no folder") }
        guard !rest.utf8.contains(0) else { throw fault("the folder's name has a zero byte") }
        self = .layout(folder: String(rest), tag: tag, digest: digest)
    }

    /// The same place at another digest, without a tag.
    public func at(_ digest: Digest) -> ImageLocation {
        switch self {
        case .registry(let reference): .registry(reference.at(digest))
        case .layout(let folder, _, _): .layout(folder: folder, tag: nil, digest: digest)
        }
    }

    /// What to ask the repository for: the digest, else the tag, else for a registry `latest` and for a layout `nil`,
    /// its only image.
    public var manifestReference: ManifestReference? {
        switch self {
        case .registry(let reference): reference.manifestReference
        case .layout(_, let tag, let digest): digest.map { .digest($0) } ?? tag.map { .tag($0) }
        }
    }
}

extension ImageLocation: CustomStringConvertible {
    /// The written form, that can be read again.
    public var description: String {
        switch self {
        case .registry(let reference): reference.description
        case .layout(let folder, let tag, let digest):
            "oci:\(folder)" + (digest.map { "@\($0)" } ?? tag.map { ":\($0)" } ?? "")
        }
    }
}
