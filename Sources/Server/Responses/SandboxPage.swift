// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One page of the list of sandboxes.
struct SandboxPage: Encodable {
    var items: [SandboxResource]
    var pagination: Pagination

    /// The page that was asked for, newest sandboxes first. A page behind the last one is empty.
    init(_ request: ListSandboxesRequest, of sandboxes: [Sandbox]) {
        let found = sandboxes.filter(request.matches)
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        pagination = Pagination(request.page, totalItems: found.count)
        items = request.page.items(of: found).map(SandboxResource.init)
    }
}
