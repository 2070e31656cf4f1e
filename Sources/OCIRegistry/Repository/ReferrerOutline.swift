// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What of a manifest or an index matters for those that look for what refers to another one.
struct ReferrerOutline: Decodable {
    private struct Config: Decodable { var mediaType: MediaType }

    /// What it says to be about.
    let subject: Descriptor?
    private let artifactType: String?
    private let config: Config?
    private let annotations: [String: String]?

    /// Reads a manifest's bytes; `nil` if they are none.
    init?(_ bytes: [UInt8]) {
        guard let outline: ReferrerOutline = try? ImageDocument.decode(from: bytes, subject: "a manifest") else {
            return nil
        }
        self = outline
    }

    /// How a list of referrers names the manifest: with its annotations, and with what kind of artifact it is, which the
    /// type of its config says if nothing else does.
    func entry(_ descriptor: Descriptor) -> Descriptor {
        var entry = descriptor
        entry.annotations = annotations
        entry.artifactType = artifactType ?? config?.mediaType.rawValue
        return entry
    }
}
