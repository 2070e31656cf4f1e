// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The `index.json` of an image layout. What other writers put there is kept as it is.
struct LayoutIndex: Sendable, Hashable {
    /// The annotation that names an entry.
    static let referenceName = "org.opencontainers.image.ref.name"

    private var document: [String: JSONValue]

    /// The manifests and indexes, in the order of the file.
    private(set) var entries: [Descriptor]

    /// An index without entries.
    init() {
        entries = []
        document = [
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue), "manifests": .array([]),
        ]
    }

    init(parsing bytes: [UInt8], path: String) throws(RegistryError) {
        document = try ImageDocument.decode(from: bytes, subject: path)
        entries = try ImageDocument.decode(ImageIndex.self, from: bytes, subject: path).manifests
    }

    func encoded() throws(RegistryError) -> [UInt8] { try ImageDocument.encode(document) }

    /// The entry of a name.
    func entry(tag: String) -> Descriptor? { entries.first { $0.annotations?[Self.referenceName] == tag } }

    /// The first entry of a digest.
    func entry(digest: Digest) -> Descriptor? { entries.first { $0.digest == digest } }

    /// Gives a name to a manifest. Whatever had it before loses its entry, as other tools do it.
    mutating func set(tag: String, to descriptor: Descriptor) throws(RegistryError) {
        var named = descriptor
        named.annotations = (descriptor.annotations ?? [:]).merging([Self.referenceName: tag]) { $1 }
        if entry(tag: tag) == named { return }
        try replace(where: { $0.annotations?[Self.referenceName] == tag }, with: named)
    }

    /// Lists a manifest without a name, unless it is listed already.
    mutating func list(_ descriptor: Descriptor) throws(RegistryError) {
        guard entry(digest: descriptor.digest) == nil else { return }
        try replace(where: { _ in false }, with: descriptor)
    }

    /// Takes a name away; its manifest stays listed, without a name if it has no other.
    ///
    /// - Returns: whether anything had that name.
    mutating func remove(tag: String) throws(RegistryError) -> Bool {
        guard var entry = entry(tag: tag) else { return false }
        try replace(where: { $0.annotations?[Self.referenceName] == tag }, with: nil)
        entry.annotations?[Self.referenceName] = nil
        if entry.annotations?.isEmpty == true { entry.annotations = nil }
        try list(entry)
        return true
    }

    /// Removes every entry of a manifest.
    mutating func remove(digest: Digest) throws(RegistryError) {
        guard entry(digest: digest) != nil else { return }
        try replace(where: { $0.digest == digest }, with: nil)
    }

    private mutating func replace(
        where isReplaced: (Descriptor) -> Bool,
        with descriptor: Descriptor?
    ) throws(RegistryError) {
        var raw: [JSONValue] = []
        if case .array(let values)? = document["manifests"] { raw = values }
        // Both lists come from one array of the file, so they go in step.
        let kept = zip(entries, raw).filter { !isReplaced($0.0) }
        entries = kept.map(\.0)
        raw = kept.map(\.1)
        if let descriptor {
            let bytes = try ImageDocument.encode(descriptor)
            entries.append(descriptor)
            raw.append(try ImageDocument.decode(JSONValue.self, from: bytes, subject: "a descriptor"))
        }
        document["manifests"] = .array(raw)
    }
}
