// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which page of a list this is, and how many there are.
struct Pagination: Encodable, Equatable {
    var page: Int
    var pageSize: Int
    var totalItems: Int
    /// 0 if there is nothing to list.
    var totalPages: Int
    var hasNextPage: Bool

    init(_ request: PageRequest, totalItems: Int) {
        page = request.number
        pageSize = request.size
        self.totalItems = totalItems
        totalPages = totalItems / request.size + (totalItems % request.size == 0 ? 0 : 1)
        hasNextPage = request.number < totalPages
    }
}
