// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Data
import struct Foundation.Date

/// Which sandboxes a client wants to see.
struct E2BListRequest: Equatable {
    /// Each of these has to be there.
    var metadata: [String: String] = [:]
    var states: Set<E2BState> = Set(E2BState.allCases)
    var template: String?
    var startedAfter: Date?
    var isDescending = false
    var limit = 100
    var after: E2BPageToken?

    /// Reads a query.
    ///
    /// - Throws: ``E2BError`` (400).
    init(_ query: QueryParameters) throws(E2BError) {
        for filter in query.all("metadata") {
            for (key, value) in try Self.metadata(filter) { metadata[key] = value }
        }
        let words = query.all("state").flatMap { $0.split(separator: ",") }.map { String($0).trimmed }
        if !words.isEmpty {
            states = []
            for word in words {
                guard let state = E2BState(rawValue: word) else {
                    throw .bad("Invalid state '\(word)': it must be running or paused.")
                }
                states.insert(state)
            }
        }
        template = query.all("template").last
        if let text = query.all("startedAfter").last {
            guard let date = Date(rfc3339: text) else { throw .bad("startedAfter is no date.") }
            startedAfter = date
        }
        switch query.all("order").last {
        case nil, "asc"?: break
        case "desc"?: isDescending = true
        default: throw .bad("Invalid order: it must be asc or desc.")
        }
        limit = try Self.limit(query)
        after = try E2BPageToken(query)
    }

    /// How many may be on a page.
    static func limit(_ query: QueryParameters) throws(E2BError) -> Int {
        guard let text = query.all("limit").last else { return 100 }
        guard let limit = Int(text), (1...100).contains(limit) else {
            throw .bad("Invalid limit: it must be from 1 to 100.")
        }
        return limit
    }

    /// What metadata has to be, from a parameter that is decoded already.
    ///
    /// SDKs encode names and values by themselves, then the pairs as a form, then the whole as a parameter: three times. A
    /// `+` of the innermost one is a plus.
    static func metadata(_ filter: String) throws(E2BError) -> [String: String] {
        guard !filter.isEmpty else { return [:] }
        do {
            return Dictionary(
                try QueryParameters(strict: filter).pairs.map { pair in
                    (QueryParameters.percentDecoded(pair.name.utf8), QueryParameters.percentDecoded(pair.value.utf8))
                },
                uniquingKeysWith: { _, last in last }
            )
        } catch {
            throw .bad("Invalid metadata filter: '\(error.text)' is no name=value.")
        }
    }
}

/// Where a page ends, told in a way that clients do not read.
struct E2BPageToken: Equatable {
    var date: Date
    var id: String

    init(date: Date, id: String) {
        self.date = date
        self.id = id
    }

    /// Reads the token of a query.
    ///
    /// - Returns: Nil if there is none.
    /// - Throws: ``E2BError`` (400).
    init?(_ query: QueryParameters) throws(E2BError) {
        guard let text = query.all("nextToken").last, !text.isEmpty else { return nil }
        let base64 = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let data = Data(base64Encoded: String(base64) + padding),
            let parts = String(data: data, encoding: .utf8)?.split(separator: " ", maxSplits: 1), parts.count == 2,
            let seconds = Double(parts[0]), seconds.isFinite
        else { throw .bad("Invalid nextToken.") }
        self.init(date: Date(timeIntervalSinceReferenceDate: seconds), id: String(parts[1]))
    }

    var text: String {
        let base64 = Data("\(date.timeIntervalSinceReferenceDate) \(id)".utf8).base64EncodedString()
        return String(base64.compactMap { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 == "=" ? nil : $0 })
    }
}

/// One page of an owner's sandboxes, in the order in which they were created.
struct E2BPage {
    var items: [(sandbox: Sandbox, state: E2BState)]
    /// How many of those that were asked for run, on all pages.
    var totalRunning: Int
    /// Where the next page begins; nil if this is the last one.
    var nextToken: String?

    init(_ request: E2BListRequest, of sandboxes: [Sandbox], now: Date) {
        var found = sandboxes.compactMap { sandbox -> (sandbox: Sandbox, state: E2BState)? in
            guard let state = sandbox.e2bState(at: now), request.matches(sandbox) else { return nil }
            return (sandbox, state)
        }
        totalRunning = found.count { $0.state == .running }
        found.removeAll { !request.states.contains($0.state) }
        found.sort { Self.isBefore($0.sandbox, $1.sandbox) != request.isDescending }
        if let after = request.after {
            found.removeAll { item in
                let place = (item.sandbox.createdAt, item.sandbox.id)
                return request.isDescending ? place >= (after.date, after.id) : place <= (after.date, after.id)
            }
        }
        items = Array(found.prefix(request.limit))
        if found.count > items.count, let last = items.last?.sandbox {
            nextToken = E2BPageToken(date: last.createdAt, id: last.id).text
        }
    }

    private static func isBefore(_ left: Sandbox, _ right: Sandbox) -> Bool {
        (left.createdAt, left.id) < (right.createdAt, right.id)
    }
}

extension E2BListRequest {
    /// Whether a sandbox is one of those that are asked for, in whatever state.
    fileprivate func matches(_ sandbox: Sandbox) -> Bool {
        if let template, sandbox.spec.template != template { return false }
        if let startedAfter, sandbox.createdAt <= startedAfter { return false }
        guard !metadata.isEmpty else { return true }
        let has = sandbox.e2bMetadata
        return metadata.allSatisfy { has[$0.key] == $0.value }
    }
}
