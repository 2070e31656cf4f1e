// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date
import struct Foundation.UUID

/// Moving sandboxes to other servers, and taking part in moves to this one.
struct MoveRoutes {
    let mover: Mover
    let maximumBodyBytes: Int
    let now: @Sendable () -> Date

    /// What the keys of moves begin with. Others cannot be refused.
    private static let keyPrefix = "stasis-move-"

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/sandboxes/:id/move", start)
        routes.add(.get, "/sandboxes/:id/move", get)
        routes.add(.delete, "/sandboxes/:id/move", cancel)
        routes.add(.post, "/sandboxes/:id/move/taking", take)
        routes.add(.post, "/sandboxes/:id/move/arrival", report)
        routes.add(.delete, "/arrivals/:key", refuse)
    }

    // MARK: - Here

    @Sendable private func start(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let asked = try MoveRequest(try await request.jsonBody(upTo: maximumBodyBytes))
        let (tenant, id) = (try context.movingTenant, context.pathParameter("id"))
        let runtime = tenant.runtime
        let luggage = try await runtime.luggage(of: id)
        if case .server = asked.target, !mover.configuration.allowsOtherTargets {
            throw APIError.notSupported(
                "This server lets sandboxes move only to targets that it has names for (move.allow_other_targets)."
            )
        }
        let target = try mover.configuration.target(of: asked.target)
        try luggage.check(asked, target)
        if let target {
            let known = try await runtime.editMove(of: id) { move, _ in move }
            // One that is under way may have a target that is away for a moment.
            if known?.isOpen != true, let obstacle = try await MoveTarget(server: PeerServer(target)).obstacle() {
                throw APIError(.badGateway, "MOVE::TARGET_UNREACHABLE", "The target cannot be asked: \(obstacle)")
            }
        }
        let moveID = UUID().uuidString.lowercased()
        let date = now().inMilliseconds
        let move = try await runtime.editMove(of: id) { known, sandbox in
            if let known, known.isOpen, known.target == asked.target, known.source == asked.source { return known }
            var move = try Move(asked, moveID, known, sandbox, luggage, at: date)
            move.requestID = RequestID.current?.text
            return move
        }
        await mover.follow(tenant)
        return try await answer(.accepted, move, id, tenant)
    }

    @Sendable private func get(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (tenant, id) = (try context.movingTenant, context.pathParameter("id"))
        let move = try await tenant.runtime.editMove(of: id) { move, _ in
            guard var move, move.phase == .leaving, move.source == .delete, !move.isRead else { return move }
            move.isRead = true
            return move
        }
        if move?.phase == .leaving { await mover.kick(tenant, id) }
        return try await answer(.ok, move, id, tenant)
    }

    @Sendable private func cancel(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryParameters(query: request.uri.query ?? "")
        let (tenant, id) = (try context.movingTenant, context.pathParameter("id"))
        let withdrawn = query.all("withdrawn").last
        if query.all("anyway").last != "true" { try await expectGone(tenant.runtime, id) }
        let date = now().inMilliseconds
        let move = try await tenant.runtime.editMove(of: id) { move, _ in
            guard let move else { throw Self.noMove(id) }
            return try move.calledOff(withdrawn: withdrawn, id, at: date)
        }
        guard let move else { return Response(.noContent) }
        await mover.kick(tenant, id)
        return try await answer(.accepted, move, id, tenant)
    }

    /// Checks that what was kept here of a sandbox that has moved can be used without its running twice: that its target has it no more.
    private func expectGone(_ runtime: any SandboxRuntime, _ id: String) async throws {
        let move = try await runtime.editMove(of: id) { move, _ in move }
        guard let move, move.phase == .moved, let arrival = move.arrival else { return }
        let advice = "If you know that it must run here, send anyway=true."
        guard let target = try? mover.configuration.target(of: move.target) else {
            throw APIError(
                .conflict,
                "MOVE::TARGET_UNKNOWN",
                "The sandbox '\(id)' was taken to \(arrival.server) as '\(arrival.sandboxID)', which this server cannot ask. Delete "
                    + "it there. \(advice)"
            )
        }
        switch try await MoveTarget(server: PeerServer(target)).presence(of: arrival.sandboxID) {
        case .gone: return
        case .there:
            throw APIError(
                .conflict,
                "MOVE::STILL_THERE",
                "The sandbox '\(id)' has moved to \(arrival.server) as '\(arrival.sandboxID)', is still there, and must not run "
                    + "twice. Delete it there, or move it back. \(advice)"
            )
        case .unknown(let obstacle):
            throw APIError(
                .badGateway,
                "MOVE::TARGET_UNREACHABLE",
                "Nobody knows whether the sandbox '\(id)' still runs elsewhere: \(obstacle). Try again. \(advice)"
            )
        }
    }

    @Sendable private func take(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        struct Taken: Encodable {
            var moveId: String
            var requestKey: String
            var request: ArrivalRequest
        }
        let (tenant, id) = (try context.movingTenant, context.pathParameter("id"))
        let runtime = tenant.runtime
        let luggage = try await runtime.luggage(of: id)
        let date = now().inMilliseconds
        let move = try await runtime.editMove(of: id) { move, _ in
            guard let move else { throw Self.noMove(id) }
            guard move.target == .handover, move.phase == .ready || move.phase == .arriving else {
                throw SandboxError(
                    .invalidState,
                    "The sandbox '\(id)' cannot be taken now: its move is \(move.phase.rawValue), \(move.target.told)."
                )
            }
            return move.after(.offered, at: date) ?? move
        }
        guard let move, let image = move.image else { throw Self.noMove(id) }
        let arrival = ArrivalRequest(move, of: id, luggage, image: image, at: date)
        return try Response(.ok, json: Taken(moveId: move.id, requestKey: move.requestKey, request: arrival))
    }

    @Sendable private func report(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let report = try ArrivalReport(try await request.jsonBody(upTo: maximumBodyBytes))
        let (tenant, id) = (try context.movingTenant, context.pathParameter("id"))
        let date = now().inMilliseconds
        let move = try await tenant.runtime.editMove(of: id) { move, _ in
            guard let move, move.id == report.moveID, move.target == .handover else { throw Self.noMove(id) }
            if move.arrival == report.arrival { return move }
            guard let next = move.after(.arrived(report.arrival), at: date) else {
                throw SandboxError(
                    .invalidState,
                    "The sandbox '\(id)' was not taken: its move is \(move.phase.rawValue)."
                )
            }
            return next
        }
        await mover.kick(tenant, id)
        return try await answer(.ok, move, id, tenant)
    }

    private func answer(
        _ status: HTTPResponse.Status,
        _ move: Move?,
        _ id: String,
        _ tenant: Tenant
    ) async throws -> Response {
        guard let move else { throw Self.noMove(id) }
        let sandbox = try await tenant.runtime.sandbox(id)
        return try Response(status, json: MoveResource(move, of: sandbox))
    }

    private static func noMove(_ id: String) -> APIError {
        APIError(.notFound, "MOVE::NOT_FOUND", "The sandbox '\(id)' is not moving, and has not moved.")
    }

    // MARK: - There

    /// Promises that a creation has no sandbox here and never will, or says which it has.
    @Sendable private func refuse(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        struct Found: Encodable { var sandboxId: String }
        let query = QueryParameters(query: request.uri.query ?? "")
        let key = context.pathParameter("key")
        guard key.hasPrefix(Self.keyPrefix), key.utf8.count <= 255 else {
            throw APIError.invalidParameter(
                "Only the arrival of a move can be refused: its key begins with \(Self.keyPrefix)."
            )
        }
        let found = try await context.runtime.refuse(request: key, chosenID: query.all("sandboxId").last)
        guard let found else { return Response(.noContent) }
        return try Response(.ok, json: Found(sandboxId: found.id))
    }
}

extension APIRequestContext {
    /// The tenant whose sandboxes move.
    fileprivate var movingTenant: Tenant {
        get throws(APIError) {
            guard let tenant else { throw .missingKey }
            return tenant
        }
    }
}

extension Move {
    /// A move that was asked for.
    ///
    /// - Throws: `SandboxError` with `invalidState` if it cannot begin now.
    fileprivate init(
        _ asked: MoveRequest,
        _ id: String,
        _ known: Move?,
        _ sandbox: Sandbox,
        _ luggage: Luggage,
        at date: Date
    ) throws(SandboxError) {
        if let known, known.isOpen || known.phase == .moved {
            throw SandboxError(
                .invalidState,
                """
                The sandbox '\(sandbox.id)' \(known.isOpen ? "is moving" : "has moved") already \
                (\(known.phase.rawValue)). Delete that move first.
                """
            )
        }
        let unable: Set<SandboxStatus.State> = [.failed, .stopping, .terminated]
        guard !unable.contains(sandbox.status.state) else {
            throw SandboxError(
                .invalidState,
                "The sandbox '\(sandbox.id)' is \(sandbox.status.state.rawValue), so there is nothing to move."
            )
        }
        let isPaused = sandbox.status.state == .paused || sandbox.status.state == .pausing
        self.init(
            id: id,
            target: asked.target,
            source: asked.source,
            keepsID: asked.keepsID,
            wasRunning: !isPaused,
            leftBehind: luggage.leftBehind,
            at: date
        )
    }

    /// The move after somebody has called it off, or nil if it is forgotten.
    ///
    /// - Parameter withdrawn: The identity of the move, if whoever has taken the sandbox gives their word that it does not run
    ///   where they have taken it, and never will.
    /// - Throws: `SandboxError` with `invalidState`.
    fileprivate func calledOff(withdrawn: String?, _ sandboxID: String, at date: Date) throws(SandboxError) -> Move? {
        guard isOpen else { return nil }
        if phase == .leaving {
            throw SandboxError(
                .invalidState,
                "The sandbox '\(sandboxID)' has arrived at \(arrival?.server ?? "its target"), so its move cannot be called off."
            )
        }
        guard target == .handover, phase == .arriving || phase == .withdrawing else {
            return after(.cancelled, at: date) ?? self
        }
        guard withdrawn == id else {
            throw SandboxError(
                .invalidState,
                """
                The sandbox '\(sandboxID)' was taken and may run elsewhere. Whoever has taken it has to have that server refuse \
                it, and say so.
                """
            )
        }
        let withdrawing = after(.cancelled, at: date) ?? self
        return withdrawing.after(.withdrawn, at: date) ?? withdrawing
    }
}

extension Move.Target {
    /// Where to, for people.
    fileprivate var told: String {
        switch self {
        case .named(let name): "to \(name)"
        case .server(let url, _): "to \(url)"
        case .handover: "to whoever takes it"
        }
    }
}

extension Luggage {
    /// Checks that it can travel.
    ///
    /// - Throws: `SandboxError` with `invalidState`.
    fileprivate func check(_ asked: MoveRequest, _ target: ServerConfiguration.Moving.Target?) throws(SandboxError) {
        if let obstacle = obstacles.first { throw SandboxError(.invalidState, "It cannot move. \(obstacle)") }
        if !isImageShared, target?.pushTo == nil {
            throw SandboxError(.invalidState, "It cannot move. \(MoveImages.noRegistry)")
        }
        if !asked.allowsLoss, !leftBehind.isEmpty {
            throw SandboxError(
                .invalidState,
                """
                Not all of it can move: \(leftBehind.joined(separator: ", ")). Send allowLoss to leave that behind.
                """
            )
        }
    }
}

extension Date {
    /// In whole milliseconds, so that what is written is what is read.
    fileprivate var inMilliseconds: Date {
        Date(timeIntervalSince1970: (timeIntervalSince1970 * 1000).rounded() / 1000)
    }
}
