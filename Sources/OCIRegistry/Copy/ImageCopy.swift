// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Copies an image, an index or another artifact from one place to another, with everything that belongs to it.
///
/// Blobs are streamed, several at a time, or mounted where source and target are repositories of one registry; manifests are
/// written byte for byte, so digests stay. What the target has is left alone, so a copy that was cut off is finished by
/// calling it again. The name is written last: whoever sees it finds all of the image, its signatures included.
public struct ImageCopy: Sendable {
    /// What a copy came to.
    public struct Outcome: Sendable {
        /// What is at the target now.
        public var descriptor: Descriptor
        /// What refers to it and was copied as well.
        public var referrers: [Descriptor]
        /// What the source lists as referring to it although it is not there, or is about something else.
        public var strays: [Descriptor]
        /// What was moved, and what was there.
        public var progress: ImageCopyProgress
    }

    /// Where images are read. What refers to an image is known only of an `ImageRepository`.
    public var source: any ImageSource
    /// Where they are written.
    public var target: any ImageRepository
    /// How.
    public var options: ImageCopyOptions

    /// Prepares a copy; nothing is asked or sent yet.
    public init(
        from source: any ImageSource,
        to target: any ImageRepository,
        options: ImageCopyOptions = ImageCopyOptions()
    ) {
        self.source = source
        self.target = target
        self.options = options
    }

    /// Reads what belongs to an image. Nothing is written.
    ///
    /// - Throws: `ImageCopyError`, of the kind `tooLarge` if it passes the limits; `CancellationError`.
    public func plan(_ reference: ManifestReference) async throws -> ImageCopyPlan {
        try await ImageCopyError.on(.source) { try await ImageCopyPlanner.plan(reference, from: source, options) }
    }

    /// Copies.
    ///
    /// - Parameters:
    ///   - reference: what to copy.
    ///   - name: what it is to be called at the target; `nil` for the same tag, or for its digest if it was asked for by
    ///     that.
    ///   - progress: told how far it is, from the beginning on and in order. It should return soon.
    /// - Throws: `ImageCopyError`, or `CancellationError`.
    @discardableResult
    public func run(
        _ reference: ManifestReference,
        as name: ManifestReference? = nil,
        progress: @escaping @Sendable (ImageCopyProgress) -> Void = { _ in }
    ) async throws -> Outcome {
        let plan = try await plan(reference)
        var name = name ?? reference
        // Of an index a part may have been chosen, which has a digest of its own.
        if case .digest = name { name = .digest(plan.root.digest) }
        let meter = ImageCopyMeter(plan, tell: progress)
        try await forEach(plan.blobs) { try await copy($0, meter) }
        let descriptor = try await ImageCopyError.on(.target) { try await write(plan, as: name, meter) }
        try await ImageCopyError.on(.target) { try await verify(plan, descriptor) }
        return Outcome(
            descriptor: descriptor,
            referrers: plan.referrers,
            strays: plan.strays,
            progress: meter.now
        )
    }

    private func copy(_ blob: Descriptor, _ meter: ImageCopyMeter) async throws {
        let outcome = try await BlobCopy(source: source, target: target).run(blob) { bytes in
            meter.count { $0.bytesSent += bytes }
        }
        meter.count { progress in
            switch outcome {
            case .present:
                progress.blobsPresent += 1
                progress.bytesSpared += blob.size
            case .mounted:
                progress.blobsMounted += 1
                progress.bytesSpared += blob.size
            case .sent:
                progress.blobsSent += 1
            }
        }
    }

    private func write(
        _ plan: ImageCopyPlan,
        as name: ManifestReference,
        _ meter: ImageCopyMeter
    ) async throws -> Descriptor {
        for content in plan.manifests where content.digest != plan.root.digest {
            try await target.putManifest(content.bytes, mediaType: content.mediaType, as: .digest(content.digest))
            meter.count { $0.manifestsDone += 1 }
        }
        // A registry whose tags are not to be moved refuses to have one written again, even as it is.
        let there = try await target.resolve(name)
        let isThere = there?.digest == plan.root.digest && ReferrerOutline(plan.root.bytes)?.subject == nil
        let descriptor =
            if let there, isThere {
                there
            } else {
                try await target.putManifest(plan.root.bytes, mediaType: plan.root.mediaType, as: name)
            }
        meter.count { $0.manifestsDone += 1 }
        return descriptor
    }

    /// Asks the target for everything by its digest. A registry that has lost something says so now, not when it is needed.
    private func verify(_ plan: ImageCopyPlan, _ root: Descriptor) async throws {
        let content = try await target.manifest(.digest(root.digest))
        guard content.bytes == plan.root.bytes else { throw unverified(root.digest, "it has other bytes there") }
        let others = plan.manifests.filter { $0.digest != plan.root.digest }
        try await forEach(others) { manifest in
            guard try await target.resolve(.digest(manifest.digest)) != nil else {
                throw unverified(manifest.digest, "it was written and is not there")
            }
        }
        try await forEach(plan.blobs) { blob in
            let size = try await target.blobSize(blob.digest)
            guard size == blob.size else {
                throw unverified(
                    blob.digest,
                    size.map { "it has \($0) bytes there" } ?? "it was written and is not there"
                )
            }
        }
    }

    private func unverified(_ digest: Digest, _ reason: String) -> RegistryError {
        RegistryError(
            .notFound,
            operation: "verify the copy",
            subject: "\(target.name)@\(digest)",
            reason: reason,
            advice: "see whether something deletes images there, then copy again"
        )
    }

    /// A few at a time; the first failure ends them all.
    private func forEach<Item: Sendable>(
        _ items: [Item],
        _ body: @escaping @Sendable (Item) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, item) in items.enumerated() {
                if index >= max(options.parallelism, 1) { try await group.next() }
                group.addTask { try await body(item) }
            }
            try await group.waitForAll()
        }
    }
}
