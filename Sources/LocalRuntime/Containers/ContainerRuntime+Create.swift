// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
public import SandboxModels
import SnapshotEngine

import struct Foundation.Data
import struct Foundation.Date
import class Foundation.JSONEncoder
import struct Foundation.URL

extension ContainerRuntime {
    /// Makes a sandbox's container from an image and starts it.
    ///
    /// Remains of an earlier attempt are cleared away first. If anything fails, or the task is cancelled, nothing of the
    /// new container is left.
    ///
    /// - Parameters:
    ///   - id: the sandbox's identity.
    ///   - sandbox: what its owner asked for; the image named there is not looked at.
    ///   - image: the image to start from.
    /// - Throws: `SandboxError`: `invalidParameter` if the request cannot be carried out by anybody, `invalidState` if
    ///   the sandbox has a container already, `imageUnavailable` if the image cannot be run, `startFailed` with the
    ///   runtime's words if the container does not come up, `runtimeUnavailable` if containerd cannot be reached.
    ///   `CancellationError`.
    public func create(_ id: String, _ sandbox: SandboxSpec, from image: LocalImage) async throws -> RunningContainer {
        let specification = try ContainerSpecification(id: id, sandbox: sandbox, image: image.config)
        return try await locks.withLock(id) {
            do {
                guard try await status(of: id) == .absent else {
                    throw SandboxError(.invalidState, "The sandbox \(id) has a container already. Remove it first.")
                }
                if files(of: id).exists { try await clearAway(id) }
            } catch {
                throw SandboxError.telling(error, .startFailed, "The sandbox \(id) could not be prepared.")
            }
            do {
                return try await bringUp(specification, from: image)
            } catch {
                await undo(id)
                throw SandboxError.telling(error, .startFailed, "The sandbox \(id) could not be started.")
            }
        }
    }

    private func bringUp(
        _ specification: ContainerSpecification,
        from image: LocalImage
    ) async throws -> RunningContainer {
        let id = specification.id
        let files = files(of: id)
        try await BlockingWork.run {
            let resolver = (try? Data(contentsOf: URL(filePath: "/etc/resolv.conf"))) ?? Data()
            do {
                try files.prepare(
                    hostname: specification.hostname,
                    resolver: String(decoding: resolver, as: UTF8.self)
                )
            } catch {
                throw SandboxError(
                    .startFailed,
                    "The files of the sandbox \(id) cannot be written to \(files.path): look whether there is no space "
                        + "left on that disk, or who may write there.",
                    cause: error
                )
            }
        }
        let log = URL(filePath: files.logPath).absoluteString
        let processID = try await withMounts(of: specification) { mounts in
            let rootfs = try await prepare(specification, from: image, mounts: mounts)
            // Broken off in the middle, containerd would forget the task and leave its processes behind.
            return try await change {
                try await client.createTask(id, rootfs: rootfs, standardOutput: log, standardError: log)
            }
        }
        let address = try await attach(id, processID: processID)
        try await change { try await client.setContainerLabels([Self.addressLabel: address], of: id) }
        try await BlockingWork.run { try files.setAddress(address, hostname: specification.hostname) }
        try await change { try await client.startTask(id) }
        return RunningContainer(id: id, processID: processID, address: address)
    }

    private func withMounts<Value: Sendable>(
        of specification: ContainerSpecification,
        _ body: ([RuntimeSpec.Mount]) async throws -> Value
    ) async throws -> Value {
        guard !specification.volumes.isEmpty else { return try await body([]) }
        guard let volumes else { throw SandboxError(.unsupported, "This runtime mounts no volumes.") }
        return try await volumes.withMounts(of: specification.volumes, for: specification.id, body)
    }

    /// Makes the snapshot and writes the container down. Until its record refers to the snapshot, a lease keeps that from
    /// being collected.
    private func prepare(
        _ specification: ContainerSpecification,
        from image: LocalImage,
        mounts: [RuntimeSpec.Mount]
    ) async throws -> [SnapshotMount] {
        let id = specification.id
        let lease = Self.lease(of: id)
        let client = client
        let leased = client.with(lease: lease)
        try await change { try await client.createLease(lease, expiresAt: Date(timeIntervalSinceNow: 3600)) }
        let rootfs = try await change {
            try await leased.prepareSnapshot(
                id,
                parent: image.chainID?.description ?? "",
                labels: [Self.sandboxLabel: id],
                snapshotter: image.snapshotter
            )
        }
        let user = try await user(of: specification, rootfs: rootfs)
        let record = try record(of: specification, user: user, image: image, mounts: mounts)
        try await change { try await leased.createContainer(record) }
        try await change { try await client.deleteLease(lease) }
        return rootfs
    }

    /// Makes a call that changes something, and only then looks whether the task was cancelled.
    @discardableResult
    private func change<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result
    {
        try Task.checkCancellation()
        let result = try await uncancelled(body)
        try Task.checkCancellation()
        return result
    }

    private func attach(_ id: String, processID: UInt32) async throws -> String {
        let namespace = try NetworkNamespace(processID: processID)
        // The number could be another process's by now if this one has died; then containerd knows that it has.
        guard try await client.task(id).status == .created else {
            throw SandboxError(.startFailed, "The first process of the sandbox \(id) ended before it was started.")
        }
        return try await network.attach(containerID: id, namespace: namespace)
    }

    /// The user in numbers, by the image's own files.
    private func user(of specification: ContainerSpecification, rootfs: [SnapshotMount]) async throws -> ContainerUser {
        guard let mount = rootfs.first, rootfs.count == 1 else {
            throw SandboxError(
                .runtimeUnavailable,
                "The snapshotter wants \(rootfs.count) mounts for one root filesystem."
            )
        }
        let mountPoint = files(of: specification.id).mountPoint
        return try await BlockingWork.run {
            let tree = try ConfinedTree(snapshot: mount, mountPoint: mountPoint)
            func text(_ path: String) throws -> String {
                String(decoding: try tree.contents(of: path, limit: 1 << 20) ?? [], as: UTF8.self)
            }
            let accounts = AccountFiles(passwd: try text("/etc/passwd"), group: try text("/etc/group"))
            return try ContainerUser(specification.user, accounts: accounts)
        }
    }

    private func record(
        of specification: ContainerSpecification,
        user: ContainerUser,
        image: LocalImage,
        mounts: [RuntimeSpec.Mount]
    ) throws -> ContainerRecord {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let spec = specification.runtimeSpec(
            user: user,
            mounts: files(of: specification.id).mounts + mounts,
            machine: machine
        )
        return ContainerRecord(
            id: specification.id,
            image: image.name,
            snapshotKey: specification.id,
            specification: TypedValue(
                typeURL: TypedValue.runtimeSpecification,
                bytes: [UInt8](try encoder.encode(spec))
            ),
            labels: [Self.sandboxLabel: specification.id],
            snapshotter: image.snapshotter
        )
    }

    /// Clears away what a failed attempt has made, although the task may be cancelled. What cannot be cleared away now
    /// is found by `list` and by the next attempt.
    private func undo(_ id: String) async {
        do {
            try await uncancelled { try await clearAway(id) }
        } catch {
            logger.warning(
                "remains of a sandbox that did not start",
                metadata: ["sandbox": "\(id)", "error": "\(error)"]
            )
        }
    }
}
