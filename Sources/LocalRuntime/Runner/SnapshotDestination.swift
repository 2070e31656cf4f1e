// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SandboxModels

/// Where the snapshots of this machine's sandboxes are put.
public enum SnapshotDestination: Sendable, Hashable {
    /// Into an image-layout folder of this machine, by its absolute path.
    case layout(folder: String)
    /// Into a registry, under a prefix `host[:port]/path`.
    case registry(prefix: String)

    /// Reads `oci:<folder>` or a registry's prefix.
    ///
    /// - Throws: `SandboxError` with `invalidParameter` if it is neither.
    public init(parsing text: String) throws(SandboxError) {
        if text.hasPrefix("oci:") {
            let folder = String(text.dropFirst("oci:".count))
            guard folder.hasPrefix("/") else {
                throw SandboxError(.invalidParameter, "the image layout '\(text)' needs an absolute path after 'oci:'")
            }
            self = .layout(folder: folder)
            return
        }
        do {
            let reference = try ImageReference(parsing: "\(text)/sandbox")
            guard text.contains("/"), reference.tag == nil, reference.digest == nil else {
                throw SandboxError(
                    .invalidParameter,
                    "the snapshot store '\(text)' is not a registry's prefix: write host[:port]/path, or oci:<folder>"
                )
            }
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(
                .invalidParameter,
                "the snapshot store '\(text)' is not a registry's prefix",
                cause: error
            )
        }
        self = .registry(prefix: text)
    }

    /// The place of one capture's image, named for people: restores go by digest.
    func target(sandbox: String, container: String, capture uid: String) -> String {
        switch self {
        case .layout(let folder): "oci:\(folder):\(uid)"
        case .registry(let prefix): "\(prefix)/\(sandbox)-\(container):snap-\(uid.suffix(while: { $0 != "-" }))"
        }
    }
}

extension SnapshotDestination {
    /// Removes what captures that have failed or were cut off left half stored. A registry does that by itself.
    ///
    /// - Throws: `RegistryError` if the folder cannot be read or changed.
    func removeUnfinished() async throws {
        guard case .layout(let folder) = self else { return }
        try await ImageLayoutRepository(folder: folder).removeUnfinished()
    }
}

extension StringProtocol {
    fileprivate func suffix(while predicate: (Character) -> Bool) -> String {
        String(reversed().prefix(while: predicate).reversed())
    }
}
