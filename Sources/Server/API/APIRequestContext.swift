// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// What the server knows about the request that it is answering.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The client's own name for this request, or one that was made for it.
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }
}
