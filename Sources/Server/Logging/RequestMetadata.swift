// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import SandboxModels

extension Logger.MetadataProvider {
    /// The name of the request that a task works for, as `request_id`.
    public static let request = Logger.MetadataProvider { RequestID.current.map { ["request_id": "\($0)"] } ?? [:] }
}
