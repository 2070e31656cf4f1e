// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What belongs to an image and is to be copied with it, as its source says it. Nothing has been moved yet.
public struct ImageCopyPlan: Sendable {
    /// What was asked for.
    public let root: ManifestContent
    /// All manifests and indexes, the root last, and each after what it names and after what refers to it: when a name
    /// appears at the target, all that belongs to it is there.
    public let manifests: [ManifestContent]
    /// All blobs that these name, each digest once. Layers that must not be pushed and can be had elsewhere are left out.
    public let blobs: [Descriptor]
    /// What refers to the image or to a part of it, without the manifests that an index among these names.
    public let referrers: [Descriptor]
    /// What is listed as referring but is not there, or is about something else.
    public let strays: [Descriptor]

    /// How many bytes the blobs have together.
    public var bytes: Int64 { blobs.reduce(0) { $0 + $1.size } }
}

/// Reads what belongs to an image.
struct ImageCopyPlanner {
    private let source: any ImageSource
    private let options: ImageCopyOptions
    private var manifests: [ManifestContent] = []
    private var blobs: [Descriptor] = []
    private var referrers: [Descriptor] = []
    private var strays: [Descriptor] = []
    private var seen: Set<Digest> = []
    private var sizes: [Digest: Int64] = [:]
    private var manifestBytes = 0
    private var blobBytes: Int64 = 0

    private init(_ source: any ImageSource, _ options: ImageCopyOptions) {
        self.source = source
        self.options = options
    }

    static func plan(
        _ reference: ManifestReference,
        from source: any ImageSource,
        _ options: ImageCopyOptions
    ) async throws -> ImageCopyPlan {
        var planner = ImageCopyPlanner(source, options)
        let root: ManifestContent
        if let platform = options.platform {
            root = try await source.manifest(reference, for: platform)
        } else {
            root = try await source.manifest(reference)
        }
        try await planner.add(root, depth: 0)
        return ImageCopyPlan(
            root: root,
            manifests: planner.manifests,
            blobs: planner.blobs,
            referrers: planner.referrers,
            strays: planner.strays
        )
    }

    private mutating func add(_ content: ManifestContent, depth: Int) async throws {
        guard depth <= options.limits.depth else {
            throw tooLarge("it is nested more than \(options.limits.depth) deep")
        }
        guard seen.insert(content.digest).inserted else { return }
        manifestBytes += content.bytes.count
        guard seen.count <= options.limits.manifests else {
            throw tooLarge("it has more than \(options.limits.manifests) manifests with all that belongs to it")
        }
        guard manifestBytes <= options.limits.manifestBytes else {
            throw tooLarge("its manifests have more than \(options.limits.manifestBytes) bytes")
        }
        if content.mediaType.isIndex {
            for entry in try content.imageIndex().manifests { try await add(entry: entry, depth: depth + 1) }
        } else {
            for blob in try content.imageManifest().blobs { try add(blob: blob) }
        }
        if options.includesReferrers { try await addReferrers(of: content.digest, depth: depth + 1) }
        manifests.append(content)
    }

    /// What an index names: as a rule a manifest, but writers of caches name layers there.
    private mutating func add(entry: Descriptor, depth: Int) async throws {
        guard entry.mediaType.isIndex || entry.mediaType.isManifest else { return try add(blob: entry) }
        guard !seen.contains(entry.digest) else { return }
        try await add(try await source.manifest(.digest(entry.digest)), depth: depth)
    }

    private mutating func add(blob: Descriptor) throws {
        if blob.mediaType.isNondistributable, blob.urls?.isEmpty == false { return }
        if let size = sizes[blob.digest] {
            guard size == blob.size else {
                throw fault(
                    .sizeMismatch,
                    "it says of the blob \(blob.digest) that it has \(size) and \(blob.size) bytes"
                )
            }
            return
        }
        sizes[blob.digest] = blob.size
        let (sum, isTooMuch) = blobBytes.addingReportingOverflow(blob.size)
        if isTooMuch || sum > options.limits.blobBytes ?? .max {
            throw tooLarge("its blobs have more than \(options.limits.blobBytes ?? .max) bytes together")
        }
        blobBytes = sum
        blobs.append(blob)
        guard blobs.count <= options.limits.blobs else {
            throw tooLarge("it has more than \(options.limits.blobs) blobs")
        }
    }

    private mutating func addReferrers(of digest: Digest, depth: Int) async throws {
        guard let repository = source as? any ImageRepository else { return }
        for entry in try await repository.referrers(of: digest, artifactType: nil) where !seen.contains(entry.digest) {
            guard let content = try await referrer(entry, of: digest, in: repository) else {
                strays.append(entry)
                continue
            }
            referrers.append(entry)
            try await add(content, depth: depth)
        }
    }

    /// Lists of referrers are not always true: where the registry does not keep them anybody writes them.
    private func referrer(
        _ entry: Descriptor,
        of digest: Digest,
        in repository: any ImageRepository
    ) async throws -> ManifestContent? {
        do {
            let content = try await repository.manifest(.digest(entry.digest))
            return ReferrerOutline(content.bytes)?.subject?.digest == digest ? content : nil
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }

    private func tooLarge(_ reason: String) -> RegistryError {
        fault(.tooLarge, reason, advice: "look at what it is; if it is what you want, raise the limits of the copy")
    }

    private func fault(_ kind: RegistryError.Kind, _ reason: String, advice: String? = nil) -> RegistryError {
        RegistryError(kind, operation: "copy an image of", subject: source.name, reason: reason, advice: advice)
    }
}
