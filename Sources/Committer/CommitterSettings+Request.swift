// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import SandboxModels

extension CommitterSettings {
    /// Does something in the name of the request that `STASIS_REQUEST_ID` names: so do log lines and registries know it.
    public func inRequest<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        try await RequestID.$current.withValue(requestID) { try await body() }
    }
}

extension Logger.MetadataProvider {
    /// The name of the request that a task works for, as `request_id`.
    public static let request = Logger.MetadataProvider { RequestID.current.map { ["request_id": "\($0)"] } ?? [:] }
}
