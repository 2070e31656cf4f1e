// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// What is demanded of the image of a snapshot before a sandbox is started from it.
public struct ProvenancePolicy: Sendable {
    /// How strict it is.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Nothing is looked at.
        case off
        /// What cannot be believed is told, and used.
        case warn
        /// What cannot be believed is not used.
        case require
    }

    /// How strict it is.
    public var mode: Mode
    /// Whose statements are believed.
    public var keys: TrustedKeys

    /// Creates a policy.
    public init(_ mode: Mode, trusting keys: TrustedKeys) {
        self.mode = mode
        self.keys = keys
    }

    /// Reads the keys of a policy.
    ///
    /// - Parameter files: PEM files with public keys.
    /// - Returns: Nil if nothing is to be looked at.
    /// - Throws: `ProvenanceError` of kind `badKey`, also if there are no files.
    public static func load(_ mode: Mode, files: [String]) throws(ProvenanceError) -> ProvenancePolicy? {
        guard mode != .off else { return nil }
        guard !files.isEmpty else {
            throw ProvenanceError(
                .badKey,
                "snapshots are to be verified (\(mode.rawValue)), but no public key is named"
            )
        }
        return ProvenancePolicy(mode, trusting: try TrustedKeys(files: files))
    }

    /// The statement about an image that is believed. The config's bytes are read, too: they are what its digest says.
    ///
    /// - Throws: `ProvenanceError` if there is none; `RegistryError` if the store cannot be asked, or what it gives is not
    ///   what was asked for.
    public func statement(about image: Digest, in repository: any ImageRepository) async throws -> SnapshotStatement {
        let content = try await repository.manifest(.digest(image))
        if content.mediaType.isManifest {
            _ = try await repository.blobData(try content.imageManifest().config, limit: ManifestContent.sizeLimit)
        }
        var nearest = ProvenanceError(.unsigned, "nobody has signed a statement about it")
        for envelope in try await ImageAttachments(to: content.descriptor, in: repository).envelopes() {
            do {
                return try SignedEnvelope.statement(in: envelope, about: image, trusting: keys)
            } catch {
                if error.reason.weight > nearest.reason.weight { nearest = error }
            }
        }
        throw nearest
    }

    /// Looks at an image as the policy wants it.
    ///
    /// - Parameter name: What the image is, for sentences.
    /// - Returns: What is to be told, if the policy is only to warn; nil if the image can be believed.
    /// - Throws: `ProvenanceError`; what `statement` throws.
    public func check(_ image: Digest, named name: String, in repository: any ImageRepository) async throws -> String? {
        guard mode != .off else { return nil }
        do {
            _ = try await statement(about: image, in: repository)
            return nil
        } catch let error as ProvenanceError {
            let refusal = ProvenanceError(
                error.reason,
                "the image \(name) (\(image)) cannot be believed to be the snapshot it says to be: \(error.message). "
                    + Self.advice(error.reason)
            )
            guard mode == .require else { return refusal.message }
            throw refusal
        } catch let error as RegistryError {
            guard mode == .require else { return "the image \(name) could not be verified: \(error)" }
            throw error
        }
    }

    private static func advice(_ reason: ProvenanceError.Reason) -> String {
        switch reason {
        case .unsigned:
            "Take the snapshot again with a signing key, copy it with what refers to it, or allow it by the policy warn."
        case .unknownKey:
            "If whoever signed it is to be trusted, add the public key to those for verification; else do not use it."
        case .otherImage, .malformed: "Do not use it; take the snapshot again, or copy it again from where it was made."
        case .badKey: "Look at the keys for verification."
        }
    }
}
