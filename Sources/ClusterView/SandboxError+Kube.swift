// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import KubeClient
import KubeModels
package import SandboxModels

extension SandboxError {
    /// No sandbox is called so.
    package static func noSandbox(_ id: String) -> SandboxError {
        SandboxError(.notFound, "There is no sandbox '\(id)'.")
    }

    /// No snapshot is called so.
    package static func noSnapshot(_ id: String) -> SandboxError {
        SandboxError(.snapshotNotFound, "There is no snapshot '\(id)'.")
    }

    /// What an error of the Kubernetes API means for whoever asked.
    ///
    /// - Parameter what: What was tried, as the rest of "could not".
    package init(_ error: KubeError, doing what: String) {
        let words = error.status?.message ?? ""
        if error.kind == .forbidden, words.contains("exceeded quota") {
            self.init(.quotaExceeded, "The namespace's quota does not allow it: \(words)", cause: error)
        } else if error.kind == .invalid, !words.isEmpty {
            self.init(.invalidParameter, "The cluster does not take it: \(words)", cause: error)
        } else {
            self.init(
                .runtimeUnavailable,
                "The Kubernetes API could not \(what); the server's log says why.",
                cause: error
            )
        }
    }
}

/// Runs something whose errors of the Kubernetes API become those of sandboxes.
///
/// - Parameter what: What is tried, as the rest of "could not".
package func telling<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
    do {
        return try await body()
    } catch let error as KubeError {
        throw SandboxError(error, doing: what)
    }
}
