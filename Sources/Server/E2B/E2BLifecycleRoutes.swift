// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Timeouts, pausing and connecting. What is asked for has happened when it is answered.
struct E2BLifecycleRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }
    private var configuration: ServerConfiguration.E2B { surroundings.configuration }

    /// How long a request waits for a pause or a resume, which goes on afterwards.
    private static let patience = Duration.seconds(600)
    /// The longest that a refresh may ask for.
    private static let longestRefresh = 3600
    /// What a refresh asks for that says nothing.
    private static let usualRefresh = 15

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.post, "/sandboxes/:id/timeout", setTimeout)
        routes.add(.post, "/sandboxes/:id/refreshes", refresh)
        routes.add(.post, "/sandboxes/:id/pause", pause)
        routes.add(.post, "/sandboxes/:id/connect", connect)
        routes.add(.post, "/sandboxes/:id/resume", resume)
        routes.add(.put, "/sandboxes/:id/network", setNetwork)
    }

    // MARK: - Timeouts

    @Sendable private func setTimeout(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let asked = try E2BTimeout.read(body["timeout"], "timeout", from: 0, to: configuration.maximumTimeout)
        let sandbox = try await surroundings.sandbox(context)
        guard let asked else { throw E2BError.bad("timeout is missing.") }
        return try await end(sandbox, after: asked, onlyIfLater: false)
    }

    @Sendable private func refresh(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let asked = try E2BTimeout.read(body["duration"], "duration", from: 0, to: Self.longestRefresh)
        return try await end(
            try await surroundings.sandbox(context),
            after: min(asked ?? Self.usualRefresh, configuration.maximumTimeout),
            onlyIfLater: true
        )
    }

    private func end(_ sandbox: Sandbox, after seconds: Int, onlyIfLater: Bool) async throws -> Response {
        let date = surroundings.now().later(bySeconds: seconds)
        try await surroundings.about(sandbox.id) {
            try await runtime.setTimeout(sandbox.id, to: date, onlyIfLater: onlyIfLater)
        }
        return Response(.noContent)
    }

    // MARK: - Pausing

    @Sendable private func pause(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        // What is to be kept of it is asked for here; files are what there is.
        _ = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        var retention: PausedRetention?
        if let text = request.headers[.pausedRetention] {
            retention = E2BExtension.retention(text.trimmed)
            guard retention != nil else {
                throw E2BError.bad("\(HTTPField.Name.pausedRetention) must be forever or a duration such as 30m.")
            }
        }
        let id = try await surroundings.sandbox(context).id
        let settled = try await surroundings.about(id) {
            try await runtime.pause(id, keptFor: retention)
            return try await runtime.settled(id, within: Self.patience) { $0 != .pausing }
        }
        guard let settled else { throw Self.tooSlow("paused", id) }
        switch settled.status.state {
        case .running where settled.status.message != nil:
            throw E2BError(.internalServerError, "The sandbox \(id) was not paused and runs on. \(settled.told)")
        case .failed, .terminated:
            throw E2BError(.internalServerError, "The sandbox \(id) ended while it was paused. \(settled.told)")
        // It was paused, also if somebody has resumed it since.
        default: return Response(.noContent)
        }
    }

    // MARK: - Connecting

    @Sendable private func connect(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let asked = try E2BTimeout.read(body["timeout"], "timeout", from: 0, to: configuration.maximumTimeout)
        return try await run(request, context, asked, resumed: .created, running: .ok)
    }

    /// The older word for it, which has one answer.
    @Sendable private func resume(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        let asked = try E2BTimeout.read(body["timeout"], "timeout", from: 0, to: configuration.maximumTimeout)
        return try await run(request, context, asked, resumed: .created, running: .created)
    }

    private func run(
        _ request: Request,
        _ context: APIRequestContext,
        _ asked: Int?,
        resumed: HTTPResponse.Status,
        running: HTTPResponse.Status
    ) async throws -> Response {
        let id = try await surroundings.sandbox(context).id
        let teller = try surroundings.teller(request)
        let timeout = asked ?? min(E2BTimeout.usual, configuration.maximumTimeout)
        let (wasResumed, settled) = try await surroundings.about(id) {
            let wasResumed = try await connect(id, timeout)
            let settled = try await runtime.settled(id, within: Self.patience) { ![.pending, .resuming].contains($0) }
            return (wasResumed, settled)
        }
        guard let settled else { throw Self.tooSlow("resumed", id) }
        switch settled.status.state {
        case .running: break
        case .pausing: throw Self.pausedAgain(id)
        case .paused where settled.status.message == nil: throw Self.pausedAgain(id)
        case .stopping: throw E2BError.noSandbox(id)
        default: throw E2BError(.internalServerError, "The sandbox \(id) was not resumed. \(settled.told)")
        }
        if wasResumed {
            // Its time begins when it is up.
            let end = surroundings.now().later(bySeconds: timeout)
            try? await runtime.setTimeout(id, to: end, onlyIfLater: true)
        }
        return try Response(wasResumed ? resumed : running, json: teller.made(settled))
    }

    /// Asks to connect. A pause that somebody has asked for is not undone, which is 409; but one that came by itself is waited
    /// for: whoever connects then has only come a moment too late.
    private func connect(_ id: String, _ timeout: Int) async throws -> Bool {
        do {
            return try await runtime.connect(id, until: surroundings.now().later(bySeconds: timeout))
        } catch let error as SandboxError where error.code == .invalidState {
            let sandbox = try await runtime.sandbox(id)
            guard let pausesAt = sandbox.pausesAt, pausesAt <= surroundings.now(),
                try await runtime.settled(id, within: Self.patience, { $0 != .pausing }) != nil
            else { throw error }
            return try await runtime.connect(id, until: surroundings.now().later(bySeconds: timeout))
        }
    }

    private static func pausedAgain(_ id: String) -> E2BError {
        E2BError(.conflict, "The sandbox \(id) was paused again.")
    }

    private static func tooSlow(_ done: String, _ id: String) -> E2BError {
        E2BError(
            .gatewayTimeout,
            "The sandbox \(id) was not \(done) within \(patience.components.seconds) s; that goes on. Look at it again."
        )
    }

    // MARK: - The network

    @Sendable private func setNetwork(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.e2bBody(upTo: surroundings.maximumBodyBytes)
        var issues: [ValidationIssue] = []
        let network = try E2BNetwork(body, &issues)
        let hasInternet = body["allow_internet_access"].bool(.nullable, &issues) ?? true
        guard issues.isEmpty else { throw ValidationError(issues: issues) }
        let sandbox = try await surroundings.sandbox(context)
        let limits = E2BNetwork(hasInternet: hasInternet, network).limits
        guard limits == sandbox.spec.options?.networkPolicy else {
            throw E2BError.bad("This server cannot change what a sandbox connects to. Create another one.")
        }
        return Response(.noContent)
    }
}

extension Sandbox {
    /// Why it is as it is, for people.
    fileprivate var told: String { status.message ?? status.reason ?? "" }
}

extension SandboxRuntime {
    /// A sandbox once its state is such; nil if it is not in time.
    ///
    /// - Throws: ``SandboxError`` with `notFound`, also when it goes meanwhile.
    func settled(
        _ id: String,
        within limit: Duration,
        _ isSettled: @escaping @Sendable (SandboxStatus.State) -> Bool
    ) async throws -> Sandbox? {
        try await withThrowingTaskGroup(of: Sandbox?.self) { group in
            group.addTask {
                for await sandbox in try await changes(of: id) where isSettled(sandbox.status.state) { return sandbox }
                throw SandboxError(.notFound, "There is no sandbox '\(id)' any more.")
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
