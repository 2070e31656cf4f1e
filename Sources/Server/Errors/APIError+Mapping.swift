// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SandboxModels

extension APIError {
    /// The one place where errors become statuses and codes.
    ///
    /// The codes are those of upstream's Kubernetes runtime, whatever runtime is behind this server, because SDKs compare
    /// with exactly these words: `KUBERNETES::POD_IP_NOT_AVAILABLE` is what makes a resuming client ask again.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as SandboxError: self.init(sandbox: error)
        case let error as HTTPError where error.status == .notFound: self = .notFound
        case let error as HTTPError:
            self.init(error.status, Self.unknownCode, error.status.reasonPhrase, headers: error.headers)
        default: self = .internalError
        }
    }

    private init(sandbox error: SandboxError) {
        switch error.code {
        case .notFound: self.init(.notFound, "KUBERNETES::SANDBOX_NOT_FOUND", error.told)
        case .invalidState: self.init(.conflict, "KUBERNETES::INVALID_STATE", error.told)
        case .neverExpires: self.init(.conflict, "DOCKER::INVALID_EXPIRATION", error.told)
        case .snapshotSourceNotRunning: self.init(.conflict, "SNAPSHOT::INVALID_SOURCE_STATE", error.told)
        case .snapshotNotFound: self.init(.notFound, "SNAPSHOT::NOT_FOUND", error.told)
        case .snapshotNotReady: self.init(.conflict, "SNAPSHOT::NOT_READY", error.told)
        case .snapshotNotRestorable: self.init(.conflict, "SNAPSHOT::INVALID_RESTORE_CONFIG", error.told)
        case .snapshotBusy: self.init(.conflict, "SNAPSHOT::INVALID_STATE", error.told)
        case .invalidParameter: self = .invalidParameter(error.told)
        case .hostPathNotAllowed: self.init(.badRequest, "VOLUME::HOST_PATH_NOT_ALLOWED", error.told)
        case .invalidHostPath: self.init(.badRequest, "VOLUME::INVALID_HOST_PATH", error.told)
        case .hostPathUnavailable: self.init(.internalServerError, "VOLUME::HOST_PATH_CREATE_FAILED", error.told)
        case .invalidSubPath: self.init(.badRequest, "VOLUME::INVALID_SUB_PATH", error.told)
        case .invalidMountPath: self.init(.badRequest, "VOLUME::INVALID_MOUNT_PATH", error.told)
        case .volumeNotFound: self.init(.badRequest, "VOLUME::PVC_NOT_FOUND", error.told)
        case .poolNotFound: self.init(.notFound, "KUBERNETES::POOL_NOT_FOUND", error.told)
        case .poolExists: self.init(.conflict, "KUBERNETES::POOL_ALREADY_EXISTS", error.told)
        case .poolsUnsupported: self.init(.notImplemented, "KUBERNETES::POOL_NOT_SUPPORTED", error.told)
        case .poolExhausted:
            self.init(
                .tooManyRequests,
                "KUBERNETES::POOL_CAPACITY_EXHAUSTED",
                error.told,
                headers: [.retryAfter: "5"]
            )
        case .templateNotFound: self.init(.notFound, "SANDBOX::TEMPLATE_NOT_FOUND", error.told)
        case .nameTaken: self.init(.conflict, "KUBERNETES::INVALID_STATE", error.told)
        case .requestKeyReused: self.init(.conflict, "SANDBOX::IDEMPOTENCY_KEY_REUSED", error.told)
        case .quotaExceeded: self.init(.forbidden, "KUBERNETES::QUOTA_EXCEEDED", error.told)
        case .startTimedOut: self.init(.gatewayTimeout, "KUBERNETES::POD_READY_TIMEOUT", error.told)
        case .imageUnavailable: self.init(.internalServerError, "KUBERNETES::POD_FAILED", error.told)
        case .addressUnavailable: self.init(.notFound, "KUBERNETES::POD_IP_NOT_AVAILABLE", error.told)
        case .startFailed: self.init(.internalServerError, "KUBERNETES::POD_FAILED", error.told)
        case .unsupported: self = .notSupported(error.told)
        case .runtimeUnavailable: self.init(.internalServerError, "KUBERNETES::API_ERROR", error.told)
        }
    }
}
