// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One page of the list of sandboxes.
struct SandboxPage {
    var items: ArraySlice<Sandbox>
    var pagination: Pagination

    /// The page that was asked for, newest sandboxes first. A page behind the last one is empty.
    init(_ request: ListSandboxesRequest, of sandboxes: [Sandbox]) {
        var found = request.isForAll ? sandboxes : sandboxes.filter(request.matches)
        if !Self.isSorted(found) { found.sort(by: Self.isBefore) }
        pagination = Pagination(request.page, totalItems: found.count)
        items = request.page.items(of: found)
    }

    private static func isBefore(_ left: Sandbox, _ right: Sandbox) -> Bool {
        left.createdAt == right.createdAt ? left.id > right.id : left.createdAt > right.createdAt
    }

    /// Runtimes sort their lists, and to see it is cheaper than to sort once more.
    private static func isSorted(_ sandboxes: [Sandbox]) -> Bool {
        sandboxes.indices.dropFirst().allSatisfy { !isBefore(sandboxes[$0], sandboxes[$0 - 1]) }
    }

    /// The page as the API writes it.
    func json(_ encoded: EncodedSandboxes) throws -> [UInt8] {
        let parts = try encoded.json(of: items)
        var text = JSONText(reserving: parts.reduce(256) { $0 + $1.count + 1 })
        text.raw("{\"items\":[")
        for (place, part) in parts.enumerated() {
            if place > 0 { text.raw(",") }
            text.raw(part)
        }
        text.raw("],\"pagination\":{\"hasNextPage\":")
        text.raw(pagination.hasNextPage ? "true" : "false")
        text.raw(",\"page\":")
        text.integer(pagination.page)
        text.raw(",\"pageSize\":")
        text.integer(pagination.pageSize)
        text.raw(",\"totalItems\":")
        text.integer(pagination.totalItems)
        text.raw(",\"totalPages\":")
        text.integer(pagination.totalPages)
        text.raw("}}")
        return text.bytes
    }
}
