// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import Provenance
public import SandboxModels
import SnapshotEngine
public import SnapshotStore

/// Who signs the snapshots of this machine, and whose it believes.
struct SnapshotTrust: Sendable {
    /// Who signs; nil for nobody.
    var signer: SnapshotSigner?
    /// What is demanded of a snapshot before a sandbox is started from it; nil for nothing.
    var policy: ProvenancePolicy?

    /// Reads the keys.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if one of them is not there or is none: without it what was asked
    ///   for would not be done.
    init(_ configuration: LocalRuntimeConfiguration) throws(SandboxError) {
        do {
            signer = try configuration.signingKey.map { (path) throws(ProvenanceError) in
                SnapshotSigner(try SigningKey(file: path))
            }
            policy = try .load(configuration.verification, files: configuration.verificationKeys)
        } catch {
            throw SandboxError(.runtimeUnavailable, error.message)
        }
    }
}

extension LocalRuntime {
    /// What the image of a snapshot says about how to run it; nil if the image is none of a snapshot.
    ///
    /// - Parameter credentials: For the image's registry.
    /// - Throws: `SandboxError` with `invalidParameter` or `imageUnavailable`.
    public func restoreDefaults(
        ofImage image: String,
        credentials: ImageCredentials?
    ) async throws -> RestoreDefaults? {
        let world = try await serving().world
        let location: ImageLocation
        do {
            location = try ImageLocation(parsing: image)
        } catch {
            throw SandboxError(.invalidParameter, error.description)
        }
        let found: RestoreDefaults?
        do {
            let repository = world.openRepository(location, credentials)
            guard let reference = location.manifestReference else {
                throw SandboxError(.invalidParameter, "`\(image)` names no image. Add a tag or a digest.")
            }
            found = RestoreDefaults(try await repository.image(reference))
        } catch let error as RegistryError {
            throw SandboxError(
                .imageUnavailable,
                "The image `\(image)` cannot be read.",
                cause: error,
                tellsCause: true
            )
        }
        // Whatever else a cluster knows, this machine has not.
        guard var defaults = found else { return nil }
        defaults.limits = defaults.limits.filter { ["cpu", "memory"].contains($0.key) }
        defaults.requests = [:]
        for remark in defaults.remarks {
            logger.notice("something in an image is left out: \(remark)", metadata: ["image": "\(image)"])
        }
        return defaults
    }

    /// Refuses the image of a snapshot of which nobody who is trusted says where it comes from, if that is demanded.
    ///
    /// - Returns: What is to be told of it, if the policy is only to warn.
    /// - Throws: `SandboxError` with `snapshotNotRestorable`, or `imageUnavailable` if nobody can be asked.
    func checkProvenance(
        of image: LocalImage,
        at location: ImageLocation,
        credentials: ImageCredentials?
    ) async throws -> String? {
        let world = try await serving().world
        guard let policy = world.trust.policy,
            SnapshotLabels.areOfSnapshot(image.config.config.labels ?? [:], layers: image.manifest.layers.count)
        else { return nil }
        do {
            let remark = try await policy.check(
                image.manifestDigest,
                named: location.description,
                in: world.openRepository(location, credentials)
            )
            if let remark { logger.warning("\(remark)", metadata: ["image": "\(location)"]) }
            return remark
        } catch let error as ProvenanceError {
            throw SandboxError(.snapshotNotRestorable, error.message)
        } catch let error as RegistryError {
            throw SandboxError(
                .imageUnavailable,
                "Nobody can be asked where the image `\(location)` comes from.",
                cause: error,
                tellsCause: true
            )
        }
    }
}
