// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Several sandboxes from one that runs: a snapshot that no list shows, and what is created from it.
struct E2BForkRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    private static let mostForks = 100
    /// How many are created at once.
    private static let atOnce = 4
    private static let patience = Duration.seconds(600)
    /// After how many seconds a snapshot is deleted whose request did not come to its end.
    private static let snapshotLife: Double = 3600

    /// What became of one of them.
    private struct Fork: Encodable {
        struct Failure: Encodable {
            var code: Int
            var message: String
        }

        var sandbox: E2BTeller.Made?
        var error: Failure?
    }

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.post, "/sandboxes/:id/fork", fork)
    }

    @Sendable private func fork(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let longest = surroundings.configuration.maximumTimeout
        let asked = try E2BTimeout.read(body["timeout"], "timeout", from: 0, to: longest) ?? 0
        let timeout = asked > 0 ? asked : min(E2BTimeout.usual, longest)
        var issues: [ValidationIssue] = []
        let count = body["count"].integer(.nullable, in: 1...Self.mostForks, &issues) ?? 1
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        let source = try await surroundings.sandbox(context)
        guard source.status.state == .running else {
            throw E2BError(.conflict, "The sandbox \(source.id) does not run, and only one that runs can be forked.")
        }
        let teller = try surroundings.teller(request)
        let options = SnapshotOptions(owner: source.spec.owner, timeToLive: Self.snapshotLife, isInternal: true)
        let begun: Snapshot
        do {
            begun = try await surroundings.about(source.id) {
                try await runtime.createSnapshot(of: source.id, options: options)
            }
        } catch let error as SandboxError where error.code == .snapshotSourceNotRunning {
            throw E2BError(.conflict, error.told)
        }
        let snapshot = try await runtime.settledSnapshot(begun.id, within: Self.patience)
        guard snapshot.status.state == .ready else {
            let reason = snapshot.status.message ?? snapshot.status.reason ?? ""
            throw E2BError(.internalServerError, "The sandbox \(source.id) was not captured. \(reason)")
        }
        let spec = Self.spec(of: source, from: snapshot)
        let forks = await create(count, of: spec, timeout, teller)
        // The sandboxes live on without it. What cannot be deleted now is when its time is over.
        try? await runtime.deleteSnapshot(snapshot.id)
        return try Response(.created, json: forks)
    }

    /// What each of them is asked to be: what the first one is.
    private static func spec(of source: Sandbox, from snapshot: Snapshot) -> SandboxSpec {
        var spec = E2BSource.spec(from: snapshot, as: source.spec.template ?? snapshot.id)
        spec.owner = source.spec.owner
        spec.team = source.spec.team
        spec.metadata = source.spec.metadata
        spec.timeout = source.spec.timeout
        spec.extensions = source.spec.extensions
        spec.access = source.spec.access
        // Each has a name of its own, and time that ends.
        for name in [E2BExtension.sandboxName, E2BExtension.sandboxGenerateName, E2BExtension.neverTimeout] {
            spec.extensions[name] = nil
        }
        if let policy = source.spec.options?.networkPolicy {
            var options = SandboxOptions()
            options.networkPolicy = policy
            spec.options = options
        }
        return spec
    }

    private func create(_ count: Int, of spec: SandboxSpec, _ timeout: Int, _ teller: E2BTeller) async -> [Fork] {
        await withTaskGroup(of: (Int, Fork).self) { group in
            var forks: [(Int, Fork)] = []
            for number in 0..<count {
                if number >= Self.atOnce, let done = await group.next() { forks.append(done) }
                group.addTask {
                    do {
                        var spec = spec
                        // Who knows one knows none of the others.
                        spec.access = spec.access.map { .random(closesAllPorts: $0.closesAllPorts) }
                        let sandbox = try await E2BSource(surroundings).create(spec, timeout: timeout)
                        return (number, Fork(sandbox: teller.made(sandbox)))
                    } catch {
                        let error = E2BError(error)
                        return (number, Fork(error: .init(code: error.status.code, message: error.message)))
                    }
                }
            }
            for await done in group { forks.append(done) }
            return forks.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
