// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
public import OCIRegistry
public import SandboxModels
public import SnapshotEngine

import struct Foundation.Date
import class Foundation.JSONDecoder

/// Brings images into containerd: their content verified, their layers unpacked, a record that keeps both.
///
/// What a pull makes is held by a lease until its image's record stands, so a pull that is cut off at any point leaves
/// only what containerd's garbage collection takes away and what the next pull can use. Pulls of one image, and of one
/// layer of several images, wait for each other and then find the work done.
public struct ImagePuller: Sendable {
    /// Opens the place where an image is.
    public typealias Opener = @Sendable (ImageLocation, ImageCredentials?) throws -> any ImageSource

    /// What the names of the leases begin with under which images are pulled.
    private static let leasePrefix = "stasis-pull"

    /// What images are pulled for.
    public let platform: Platform

    let client: ContainerdClient
    let snapshotter: String
    let locks = KeyedLocks()
    private let open: Opener

    /// Creates a puller.
    ///
    /// - Parameters:
    ///   - client: containerd, in the namespace of the sandboxes.
    ///   - platform: what images are pulled for.
    ///   - snapshotter: containerd's snapshotter to unpack with.
    ///   - open: opens a registry or an image layout, with the owner's credentials if there are any.
    public init(
        client: ContainerdClient,
        platform: Platform = .current,
        snapshotter: String = ContainerdClient.overlayfs,
        open: @escaping Opener
    ) {
        self.client = client
        self.platform = platform
        self.snapshotter = snapshotter
        self.open = open
    }

    /// Sees to it that containerd has an image, and gives it.
    ///
    /// An image that is named by digest and is there already costs no look at where it came from. One that is named by
    /// tag is looked up, and downloaded only as far as it is not there.
    ///
    /// - Parameters:
    ///   - location: where the image is. A restore names it by digest.
    ///   - credentials: the owner's, for this pull only.
    /// - Throws: `SandboxError`: `imageUnavailable` if the image is not there, cannot be fetched, is damaged or is for
    ///   another platform; `runtimeUnavailable` if containerd cannot be reached. `CancellationError`.
    public func ensure(_ location: ImageLocation, credentials: ImageCredentials? = nil) async throws -> LocalImage {
        do {
            if case .digest(let digest)? = location.manifestReference,
                let image = try await present(Self.recordName(of: location, at: digest))
            {
                return image
            }
            let repository = try open(location, credentials)
            let found = try await Self.resolve(location, in: repository)
            let name = Self.recordName(of: location, at: found.digest)
            return try await locks.withLock("image \(name)") {
                if let image = try await present(name) { return image }
                return try await withLease { client in
                    try await ImagePull(
                        puller: self,
                        client: client,
                        location: location,
                        repository: repository,
                        name: name
                    )
                    .run(found.digest)
                }
            }
        } catch {
            throw SandboxError.telling(error, .imageUnavailable, "The image `\(location)` could not be made available.")
        }
    }

    /// Gives up what pulls of an earlier process left unfinished, so that the space is free. For the start of a process,
    /// before the first pull; nothing is lost without it but space, for a day.
    ///
    /// - Throws: `SandboxError` with the code `runtimeUnavailable` if containerd cannot be reached. `CancellationError`.
    public func recover() async throws {
        do {
            for lease in try await client.leases() where lease.id.hasPrefix("\(Self.leasePrefix)-") {
                _ = try await ContainerdError.nilIfNotFound {
                    try await client.deleteLease(lease.id, synchronously: true)
                }
            }
        } catch {
            throw SandboxError.telling(error, .runtimeUnavailable, "Unfinished pulls could not be given up.")
        }
    }

    /// Removes an image that no container uses; the space is free when this returns. An image that is not there is no
    /// error.
    ///
    /// - Throws: `SandboxError` with the code `invalidState` if a container uses it.
    public func remove(_ name: String) async throws {
        do {
            try await locks.withLock("image \(name)") {
                let users = try await client.containers().filter { $0.image == name }.map(\.id)
                guard users.isEmpty else {
                    throw SandboxError(
                        .invalidState,
                        "The image `\(name)` is used by \(users.sorted().joined(separator: ", ")). Remove these first."
                    )
                }
                _ = try await ContainerdError.nilIfNotFound {
                    try await client.deleteImage(name, synchronously: true)
                }
            }
        } catch {
            throw SandboxError.telling(error, .runtimeUnavailable, "The image `\(name)` could not be removed.")
        }
    }

    /// The image of a record, if the record and the unpacked layers are there.
    func present(_ name: String) async throws -> LocalImage? {
        try await ContainerdError.nilIfNotFound {
            let record = try await client.image(name)
            let manifestBytes = try await client.content(record.target.digest)
            let manifest = try JSONDecoder().decode(ImageManifest.self, from: .init(manifestBytes.readableBytesView))
            let configBytes = try await client.content(manifest.config.digest.description)
            let config = try JSONDecoder().decode(ImageConfig.self, from: .init(configBytes.readableBytesView))
            if let chainID = config.chainID {
                _ = try await client.snapshot(chainID.description, snapshotter: snapshotter)
            }
            return LocalImage(
                name: name,
                manifestDigest: try Digest(parsing: record.target.digest),
                manifest: manifest,
                config: config,
                snapshotter: snapshotter
            )
        }
    }

    /// Runs `body` with a client under a lease, and ends the lease. If this process dies the lease lasts for a day.
    private func withLease<Result: Sendable>(_ body: (ContainerdClient) async throws -> Result) async throws -> Result {
        let client = client
        let lease = "\(Self.leasePrefix)-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        try await uncancelled { try await client.createLease(lease, expiresAt: Date(timeIntervalSinceNow: 24 * 3600)) }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(client.with(lease: lease)))
        } catch {
            outcome = .failure(error)
        }
        await end(lease)
        return try outcome.get()
    }

    /// How long it is tried to end a lease while containerd does not answer. Then the next start does it.
    private static let leasePatience: Duration = .seconds(60)

    private func end(_ lease: String) async {
        let client = client
        await uncancelled {
            let deadline = ContinuousClock.now + Self.leasePatience
            while ContinuousClock.now < deadline {
                do {
                    return _ = try await ContainerdError.nilIfNotFound { try await client.deleteLease(lease) }
                } catch {
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
    }

    private static func resolve(_ location: ImageLocation, in repository: any ImageSource) async throws
        -> Descriptor
    {
        let reference: ManifestReference
        if let named = location.manifestReference {
            reference = named
        } else if let layout = repository as? ImageLayoutRepository {
            reference = try await layout.onlyReference()
        } else {
            throw SandboxError(.imageUnavailable, "`\(location)` names no image. Add a tag or a digest.")
        }
        guard let found = try await repository.resolve(reference) else {
            throw SandboxError(
                .imageUnavailable,
                "There is no image `\(location)`. Check its name and tag, and whether it needs credentials."
            )
        }
        return found
    }

    /// The name of the record of an image from a place, by its digest there.
    static func recordName(of location: ImageLocation, at digest: Digest) -> String {
        location.at(digest).description
    }
}
