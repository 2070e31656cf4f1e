// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import OCIRegistry
import SandboxModels
import SnapshotProvider

/// Keeps the folder that each sandbox has on this machine, `<folders>/<sandbox>`, as a tarball in another folder.
struct FolderProvider: SnapshotProvider {
    let folders: String
    let store: String
    let image: String
    let name = "folder"
    let capabilities = ProviderCapabilities(canKeepRunning: true, storesImages: false)

    /// Refuses what could not succeed, before anything is begun.
    func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        let folder = "\(folders)/\(request.source.sandbox)"
        if !FileManager.default.fileExists(atPath: folder) {
            throw SnapshotFailure(
                "FolderMissing",
                "\(folder) is not there. Mount it into the sandbox, as its volume work."
            )
        }
    }

    /// Begins what takes long, and is asked again. Whoever has the lock works, so to begin it twice is to begin it once, also after a restart.
    func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        guard request.afterwards == .keepRunning else {
            return .failed(SnapshotFailure("PauseNotSupported", "A folder is copied while its sandbox writes to it."))
        }
        let tarball = "\(store)/\(request.uid).tar"
        do {
            guard let digest = try digest(of: tarball) else {
                let pack = #"tar -C "$1" -cf "$0.part" . && mv "$0.part" "$0""#
                let folder = "\(folders)/\(request.source.sandbox)"
                try start(["flock", "--nonblock", "\(tarball).lock", "sh", "-c", pack, tarball, folder])
                return .waiting(SnapshotProgress("copying"), wakeOn: [.after(.milliseconds(200))])
            }
            let size = try FileManager.default.attributesOfItem(atPath: tarball)[.size] as? Int64 ?? 0
            let parts = request.source.containers.map {
                Artifact.Part(container: $0.name, reference: "\(request.uid).tar", digest: digest, size: size)
            }
            return .done(Artifact(kind: "application/x-tar", provider: name, parts: parts, platform: "linux"))
        } catch {
            return .failed(SnapshotFailure("FolderNotCopied", "\(error)", isRetryable: true))
        }
    }

    /// Nothing is ever frozen, so there is nothing to decide.
    func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        .failed(SnapshotFailure("PauseNotSupported", "The sandbox was never frozen."))
    }
    func release(_ request: SnapshotRequest) async -> Step<Released> { .done(Released()) }
    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> { .done(Abandoned()) }

    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        for trace in ["part", "lock"] {
            try? FileManager.default.removeItem(atPath: "\(store)/\(request.uid).tar.\(trace)")
        }
        return .done(Forgotten())
    }

    /// Asks the store, now: not what was written down before.
    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        for part in artifact.parts where (try? digest(of: "\(store)/\(part.reference)")) != part.digest {
            return .failed(SnapshotFailure("TarballDamaged", "\(part.reference) in \(store) is not what was captured."))
        }
        return .done(Verified())
    }

    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        for part in artifact.parts { try? FileManager.default.removeItem(atPath: "\(store)/\(part.reference)") }
        return .done(Deleted())
    }

    /// A container that unpacks the tarball into the volume `work`, before the sandbox's own begin.
    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        guard let tarball = artifact.parts.first?.reference else { return TemplatePatch() }
        let unpack = Container.with {
            ($0.name, $0.image) = ("unpack", image)
            $0.command = ["tar", "-C", "/work", "-xf", "/store/\(tarball)"]
            $0.volumeMounts = [
                VolumeMount("work", at: "/work"), VolumeMount("folder-store", at: "/store", isReadOnly: true),
            ]
        }
        let volume = Volume("folder-store", ofNode: store, type: "Directory")
        return TemplatePatch(initContainers: [unpack.jsonText], volumes: [volume.jsonText])
    }

    private func digest(of file: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        var digester = Digester()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
        bytes.withUnsafeBytes { digester.update($0) }
        return digester.finalize().description
    }
    private func start(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        try process.run()
    }
}
