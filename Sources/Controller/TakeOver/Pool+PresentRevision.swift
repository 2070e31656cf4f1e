// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension Pool {
    /// The revision that pods have which are of the present template.
    ///
    /// OpenSandbox's own controller makes another digest of a template. What the status tells of the present generation is true
    /// whoever has written it: pods that it has made are not replaced because another controller has come.
    ///
    /// - Throws: `JSONError` if the template is no JSON.
    func presentRevision() throws(JSONError) -> String {
        if let status, !status.revision.isEmpty, status.observedGeneration == metadata.generation {
            return status.revision
        }
        return try revision()
    }
}
