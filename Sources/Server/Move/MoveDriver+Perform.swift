// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels

import struct Foundation.Date
import class Foundation.JSONEncoder

extension MoveDriver {
    /// Does what is to be done next, once.
    func perform(_ deed: Move.Deed, of move: Move, _ sandbox: Sandbox, failures: Int) async throws -> Outcome {
        switch deed {
        case .end: return .over
        case .note: return .done
        case .wait: return .later(.milliseconds(300))
        case .pause: return try await pause(move)
        case .send: return try await send(move, sandbox)
        case .reach: return try await reach(move)
        case .create: return try await create(move, failures)
        case .withdraw: return try await withdraw(move)
        case .resume: return try await resume(move)
        case .delete: return try await delete(move)
        }
    }

    private func pause(_ move: Move) async throws -> Outcome {
        do {
            try await runtime.pause(id)
            try await write(.pauseAsked, of: move)
        } catch let error as SandboxError where error.code == .unsupported {
            try await write(.givenUp(error.told), of: move)
        } catch let error as SandboxError where error.code == .invalidState {
            try await write(.hindered(error.told), of: move)
        }
        return .later(.milliseconds(100))
    }

    private func send(_ move: Move, _ sandbox: Sandbox) async throws -> Outcome {
        guard let artifact = sandbox.artifact else {
            return try await hindered("Nobody has said yet what it was captured into.", move)
        }
        do {
            let target = try configured(move)
            if target?.pushTo == nil { try await runtime.lendImages(of: id) }
            let image = try await MoveImages(configuration: configuration, logger: logger)
                .send(artifact, of: id, to: target)
            try await write(.sent(image: image), of: move)
            return .done
        } catch let error as SandboxError where error.code == .snapshotNotRestorable {
            try await write(.givenUp(error.told), of: move)
            return .done
        } catch let error as SandboxError where error.code == .notFound {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return try await hindered("Its image could not be brought to where the target can read it: \(error)", move)
        }
    }

    private func reach(_ move: Move) async throws -> Outcome {
        let obstacle: String?
        do {
            obstacle = try await target(move).obstacle()
        } catch {
            obstacle = "\(error)"
        }
        if let obstacle { return try await hindered(obstacle, move) }
        try await write(.offered, of: move)
        return .done
    }

    private func create(_ move: Move, _ failures: Int) async throws -> Outcome {
        guard let image = move.image else { return .over }
        let luggage = try await runtime.luggage(of: id)
        do {
            let target = try configured(move)
            let login = target?.login
            let request = ArrivalRequest(move, of: id, luggage, image: image, login: login, at: now())
            let peer = try self.target(move)
            switch try await peer.create(JSONEncoder.api.encode(request), key: move.requestKey) {
            case .there(let sandboxID):
                try await write(.arrived(Move.Arrival(server: peer.server.url, sandboxID: sandboxID)), of: move)
                return .done
            case .refused(let status, let message):
                let isFinal = (400..<500).contains(status) && ![408, 425, 429].contains(status)
                let told = "The target did not create it: \(message)"
                guard isFinal || failures + 1 >= Self.mostFailures else {
                    try await write(.hindered(told), of: move)
                    return .setback
                }
                try await write(.refused(told), of: move)
                return .done
            case .never: return .setback
            }
        } catch let error as SandboxError where error.code == .notFound {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let told = (try? target(move).server.told(error)) ?? "\(error)"
            if hasWaitedLong(move) {
                try await write(.refused(told), of: move)
            } else {
                try await write(.hindered(told), of: move)
            }
            return .setback
        }
    }

    private func withdraw(_ move: Move) async throws -> Outcome {
        do {
            let peer = try target(move)
            switch try await peer.refuse(key: move.requestKey, chosenID: move.keepsID ? id : nil) {
            case .never:
                try await write(.withdrawn, of: move)
                return .done
            case .there(let sandboxID):
                try await write(.arrived(Move.Arrival(server: peer.server.url, sandboxID: sandboxID)), of: move)
                return .done
            case .refused(_, let message):
                logger.notice(
                    "a target does not promise that a sandbox is not there",
                    metadata: ["answer": "\(message)"]
                )
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            logger.notice("a target does not answer whether a sandbox is there", metadata: ["error": "\(error)"])
        }
        return .setback
    }

    private func resume(_ move: Move) async throws -> Outcome {
        do {
            try await runtime.resume(id)
            try await write(.resumeAsked, of: move)
        } catch let error as SandboxError where error.code == .invalidState {
            logger.debug("a sandbox is not resumed yet", metadata: ["error": "\(error)"])
        }
        return .later(.milliseconds(100))
    }

    private func delete(_ move: Move) async throws -> Outcome {
        let left = Self.farewell - now().timeIntervalSince(move.since)
        if left > 0, !move.isRead { return .later(.seconds(min(left, 1))) }
        try await runtime.deleteMoved(id, by: move.id)
        return .over
    }

    // MARK: -

    /// Notes what hinders it, and gives it up when that has lasted long enough.
    private func hindered(_ why: String, _ move: Move) async throws -> Outcome {
        try await write(hasWaitedLong(move) ? .givenUp(why) : .hindered(why), of: move)
        return .setback
    }

    private func hasWaitedLong(_ move: Move) -> Bool {
        now().timeIntervalSince(move.since) > Double(configuration.patience)
    }

    /// The target that the configuration names; nil for one that came with the request, or for none.
    private func configured(_ move: Move) throws(SandboxError) -> ServerConfiguration.Moving.Target? {
        try configuration.target(of: move.target)
    }

    private func target(_ move: Move) throws -> MoveTarget {
        guard let target = try configured(move) else {
            throw SandboxError(.unsupported, "Somebody else takes it.")
        }
        return MoveTarget(server: try PeerServer(target))
    }
}

extension ServerConfiguration.Moving {
    /// The server that is meant; nil for whoever takes it.
    ///
    /// - Throws: `SandboxError` with `invalidParameter` if there is none of that name.
    func target(of target: Move.Target) throws(SandboxError) -> Target? {
        switch target {
        case .handover: return nil
        case .server(let url, let key):
            var target = Target(url: url)
            target.key = key
            return target
        case .named(let name):
            if let target = targets[name] { return target }
            throw SandboxError(
                .invalidParameter,
                "The configuration of this server names no target '\(name)' (move.targets.\(name))."
            )
        }
    }
}

extension ServerConfiguration.Moving.Target {
    /// What the target pulls with.
    fileprivate var login: ArrivalRequest.Image.Login? {
        guard let pullUsername, let pullPassword else { return nil }
        return ArrivalRequest.Image.Login(username: pullUsername, password: pullPassword)
    }
}
