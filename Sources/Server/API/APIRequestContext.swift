// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// What the server knows about the request that it is answering.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The client's own name for this request, or one that was made for it.
    var requestID = ""
    /// Whose request it is, once that is known.
    var tenant: Tenant?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }

    /// Where the sandboxes of the tenant live.
    ///
    /// - Throws: ``APIError`` (401) if nobody has said whose request it is, as on the open paths.
    var runtime: any SandboxRuntime {
        get throws(APIError) {
            guard let tenant else { throw .missingKey }
            return tenant.runtime
        }
    }
}
