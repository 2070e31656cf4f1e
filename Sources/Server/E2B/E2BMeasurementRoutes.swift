// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// What sandboxes use, and what they have printed.
struct E2BMeasurementRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    /// How many sandboxes may be asked about at once.
    private static let mostSandboxes = 100
    private static let mostLines = 1000

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.get, "/sandboxes/metrics", metricsOfMany)
        routes.add(.get, "/sandboxes/:id/metrics", metrics)
        routes.add(.get, "/sandboxes/:id/logs", in: [""], logs)
        routes.add(.get, "/sandboxes/:id/logs", in: ["/v2"], entries)
    }

    // MARK: - Metrics

    private struct Metric: Encodable {
        var timestamp: String
        var timestampUnix: Int
        var cpuCount: Int
        var cpuUsedPct: Double
        var memUsed: Int64
        var memTotal: Int64
        var memCache: Int64
        var diskUsed: Int64
        var diskTotal: Int64

        init(_ usage: SandboxUsage, of sandbox: Sandbox) {
            timestamp = usage.at.rfc3339
            timestampUnix = Int(usage.at.timeIntervalSince1970)
            cpuCount = E2BSize(sandbox.spec.resourceLimits).cpuCount
            cpuUsedPct = usage.cpuPercent
            memUsed = usage.memoryUsed
            memTotal = usage.memoryTotal
            memCache = usage.memoryCache
            diskUsed = usage.diskUsed
            diskTotal = usage.diskTotal
        }
    }

    /// What it uses now, if it runs: nothing is kept of what it has used before.
    @Sendable private func metrics(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        for name in ["start", "end"] where query.all(name).last.map({ Double($0) == nil }) ?? false {
            throw E2BError.bad("\(name) must be a number of seconds since 1970.")
        }
        let sandbox = try await surroundings.sandbox(context)
        let now = surroundings.now().timeIntervalSince1970
        let isAsked =
            query.all("start").last.flatMap { Double($0) }.map { $0 <= now + 1 } ?? true
            && query.all("end").last.flatMap { Double($0) }.map { $0 >= now - 5 } ?? true
        let usage = isAsked ? try await usage(of: sandbox) : nil
        return try Response(.ok, json: usage.map { [Metric($0, of: sandbox)] } ?? [])
    }

    private func usage(of sandbox: Sandbox) async throws -> SandboxUsage? {
        guard sandbox.status.state == .running else { return nil }
        return try await surroundings.about(sandbox.id) { try await runtime.usage(of: sandbox.id) }
    }

    private struct Metrics: Encodable {
        var sandboxes: [String: Metric]
    }

    @Sendable private func metricsOfMany(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        let ids = Set(query.all("sandbox_ids").flatMap { $0.split(separator: ",") }.map { String($0).trimmed })
        guard (1...Self.mostSandboxes).contains(ids.count) else {
            throw E2BError.bad("sandbox_ids must name from 1 to \(Self.mostSandboxes) sandboxes.")
        }
        var metrics: [String: Metric] = [:]
        for sandbox in try await runtime.sandboxes(of: context.owner) where ids.contains(sandbox.id) {
            // One that has gone meanwhile is not told of.
            if let usage = try? await usage(of: sandbox) { metrics[sandbox.id] = Metric(usage, of: sandbox) }
        }
        return try Response(.ok, json: Metrics(sandboxes: metrics))
    }

    // MARK: - Logs

    private struct Entry: Encodable {
        var timestamp: String
        var message: String
        var level = "info"
        var fields: [String: String] = [:]
    }

    private struct Logs: Encodable {
        struct Line: Encodable {
            var timestamp: String
            var line: String
        }

        var logs: [Line]
        var logEntries: [Entry]
    }

    private struct Entries: Encodable {
        var logs: [Entry]
    }

    @Sendable private func logs(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        let entries = try await Array(read(context).suffix(Self.limit(query)))
        let lines = entries.map { Logs.Line(timestamp: $0.timestamp, line: $0.message) }
        return try Response(.ok, json: Logs(logs: lines, logEntries: entries))
    }

    @Sendable private func entries(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        let limit = try Self.limit(query)
        let direction = query.all("direction").last ?? "forward"
        guard ["forward", "backward"].contains(direction) else {
            throw E2BError.bad("direction must be forward or backward.")
        }
        let search = query.all("search").last ?? ""
        guard search.count <= 256 else { throw E2BError.bad("search is longer than 256 characters.") }
        let level = query.all("level").last ?? "debug"
        guard let rank = ["debug", "info", "warn", "error"].firstIndex(of: level) else {
            throw E2BError.bad("level must be debug, info, warn or error.")
        }
        var entries = rank > 1 ? [] : try await read(context)
        if rank > 1 { _ = try await surroundings.sandbox(context) }
        entries.removeAll { !search.isEmpty && !$0.message.contains(search) }
        let last = Array(entries.suffix(limit))
        return try Response(.ok, json: Entries(logs: direction == "backward" ? last.reversed() : last))
    }

    private static func limit(_ query: QueryParameters) throws(E2BError) -> Int {
        guard let text = query.all("limit").last else { return mostLines }
        guard let limit = Int(text), (0...mostLines).contains(limit) else {
            throw .bad("limit must be from 0 to \(mostLines).")
        }
        return limit
    }

    /// The end of the log. Lines carry no time, so each has that of the last one.
    private func read(_ context: APIRequestContext) async throws -> [Entry] {
        let sandbox = try await surroundings.sandbox(context)
        let log = try await surroundings.about(sandbox.id) {
            try await runtime.log(of: sandbox.id, atMost: DiagnosticsRoutes.maximumLogBytes)
        }
        guard let at = log.lastWrittenAt?.rfc3339 else { return [] }
        return log.text.split(whereSeparator: \.isNewline).map { Entry(timestamp: at, message: String($0)) }
    }
}
