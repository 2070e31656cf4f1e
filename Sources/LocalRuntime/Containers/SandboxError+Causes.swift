// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine

extension SandboxError {
    /// The error to tell a sandbox's owner for whatever failed below: a cancellation and an error that has been put
    /// into words already stay what they are.
    ///
    /// - Parameters:
    ///   - code: the code unless the cause knows better: containerd itself unreachable is `runtimeUnavailable`, an image
    ///     that cannot be had is `imageUnavailable`.
    ///   - message: what could not be done.
    static func telling(_ cause: any Error, _ code: Code, _ message: String) -> any Error {
        switch cause {
        case is CancellationError, is SandboxError:
            return cause
        case let error as ContainerdError:
            let unreachable = error.code == .unavailable || error.code == .permissionDenied
            return SandboxError(unreachable ? .runtimeUnavailable : code, message, cause: error, tellsCause: true)
        case let error as RegistryError:
            return SandboxError(.imageUnavailable, message, cause: error, tellsCause: true)
        default:
            return SandboxError(code, message, cause: cause)
        }
    }
}
