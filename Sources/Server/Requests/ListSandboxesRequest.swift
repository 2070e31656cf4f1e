// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

/// What `GET /sandboxes` asks for: which sandboxes, and which page of them.
struct ListSandboxesRequest: Equatable {
    /// States in lower case, any of which will do; empty: all.
    var states: Set<String>
    /// Metadata that must all be there.
    var metadata: [String: String]
    var page: PageRequest

    /// Reads the query.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400, `INVALID_METADATA_FORMAT`).
    init(_ query: QueryParameters) throws {
        var issues: [ValidationIssue] = []
        page = PageRequest(query, &issues)
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        states = Set(query.all("state").map { $0.lowercased() })
        metadata = [:]
        // The pairs were encoded once each and then once more as the value of one parameter; the query undid the latter.
        if let text = query.all("metadata").last, !text.isEmpty {
            do {
                for pair in try QueryParameters(strict: text).pairs { metadata[pair.name] = pair.value }
            } catch {
                throw APIError(
                    .badRequest,
                    "INVALID_METADATA_FORMAT",
                    "Invalid metadata format: '\(error.text)' is not of the form key=value."
                )
            }
        }
    }

    /// Whether every sandbox belongs to the list.
    var isForAll: Bool { states.isEmpty && metadata.isEmpty }

    /// Whether a sandbox belongs to the list.
    func matches(_ sandbox: Sandbox) -> Bool {
        (states.isEmpty || states.contains(sandbox.status.state.rawValue.lowercased()))
            && metadata.allSatisfy { sandbox.spec.metadata[$0.key] == $0.value }
    }
}

/// A page of a list.
struct PageRequest: Equatable {
    /// Counted from 1.
    var number: Int
    /// Items a page, 1 to 200.
    var size: Int

    init(_ query: QueryParameters, _ issues: inout [ValidationIssue]) {
        number = query.field("page").integer(.optional, in: 1...Int.max, &issues) ?? 1
        size = query.field("pageSize").integer(.optional, in: 1...200, &issues) ?? 20
    }

    /// What of a list is on the page; nothing if the page is behind the last one.
    func items<Item>(of list: [Item]) -> ArraySlice<Item> {
        let (skipped, overflow) = (number - 1).multipliedReportingOverflow(by: size)
        return overflow ? [] : list.dropFirst(skipped).prefix(size)
    }
}
