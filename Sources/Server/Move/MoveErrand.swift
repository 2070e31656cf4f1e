// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONEncoder

/// Moves a sandbox as a client of its server, from beginning to end: what `stasis-server move` does.
///
/// Whatever is interrupted, run it once more: it goes on with the move that is there.
public struct MoveErrand: Sendable {
    /// A server, and what it is sent as its key.
    public struct Place: Sendable {
        /// Its address.
        public var url: String
        /// The key.
        public var key: String?

        /// Creates one from its values.
        public init(url: String, key: String?) {
            self.url = url
            self.key = key
        }
    }

    /// Where to.
    public enum Destination: Sendable {
        /// A target that the source's configuration names.
        case named(String)
        /// A server that the source can reach.
        case server(Place)
        /// A server that only this machine can reach, or that is on it: the sandbox is taken there from here.
        case here(Place)
    }

    /// Why it did not come about.
    public struct Failure: Error, CustomStringConvertible {
        /// What happened, and what to do.
        public var description: String
    }

    private let source: PeerServer
    private let sandboxID: String
    private let destination: Destination
    /// What becomes of it at the source: it is deleted, or kept paused.
    public var deletesSource = false
    /// Whether it is to have its identity there, too.
    public var keepsID = true
    /// Whether what cannot travel may be left behind.
    public var allowsLoss = false

    /// Creates one.
    ///
    /// - Throws: ``Failure`` if an address is none.
    public init(_ sandboxID: String, from source: Place, to destination: Destination) throws {
        self.source = try PeerServer(source)
        self.sandboxID = sandboxID
        self.destination = destination
        if case .here(let place) = destination { _ = try PeerServer(place) }
    }

    private struct Seen: Decodable {
        struct Arrival: Decodable {
            var server: String
            var sandboxId: String
        }
        var id: String
        var phase: String
        var message: String?
        var movedTo: Arrival?
    }

    private var path: String { "/v1/sandboxes/\(sandboxID)/move" }
    private static let lookInterval = Duration.milliseconds(300)

    /// Moves the sandbox.
    ///
    /// - Parameter report: Hears of each phase, and of what hinders it.
    /// - Returns: Where it runs now.
    /// - Throws: ``Failure``.
    public func run(report: (String) -> Void = { _ in }) async throws -> (server: String, sandboxID: String) {
        let started = try await ask(.POST, path, body: body())
        guard started.status == 202 else {
            throw Failure(description: "The sandbox \(sandboxID) does not move: \(started.told)")
        }
        var told = ""
        var arrival: Seen.Arrival?
        while true {
            let answer = try await ask(.GET, path)
            if answer.status == 404, let arrival { return (arrival.server, arrival.sandboxId) }
            guard answer.status == 200, let seen = answer.json(Seen.self) else {
                throw Failure(description: "Nobody knows how the move of \(sandboxID) goes on: \(answer.told)")
            }
            arrival = seen.movedTo ?? arrival
            let line = [seen.phase, seen.message].compactMap(\.self).joined(separator: ": ")
            if line != told { report(line) }
            told = line
            switch (seen.phase, destination) {
            case ("Moved", _):
                if let arrival { return (arrival.server, arrival.sandboxId) }
            case ("Leaving", _): break
            case ("Failed", _), ("Cancelled", _):
                let why = seen.message ?? "it was called off."
                throw Failure(description: "The sandbox \(sandboxID) has not moved, and is where it was: \(why)")
            case ("Ready", .here(let place)), ("Arriving", .here(let place)):
                try await take(to: PeerServer(place), report)
            default: break
            }
            try await Task.sleep(for: Self.lookInterval)
        }
    }

    /// Calls the move off, and has a server that it was taken to promise that it does not run there.
    ///
    /// - Throws: ``Failure``.
    public func cancel() async throws {
        var query = ""
        let answer = try await ask(.GET, path)
        guard answer.status == 200, let seen = answer.json(Seen.self) else {
            throw Failure(description: "The move of \(sandboxID) cannot be called off: \(answer.told)")
        }
        if case .here(let place) = destination, seen.phase == "Arriving" || seen.phase == "Withdrawing" {
            try await refuse(at: MoveTarget(server: PeerServer(place)), key: "stasis-move-\(seen.id)", seen.id)
            query = "?withdrawn=\(seen.id)"
        }
        let cancelled = try await ask(.DELETE, path + query)
        guard cancelled.status == 202 || cancelled.status == 204 else {
            throw Failure(description: "The move of \(sandboxID) cannot be called off: \(cancelled.told)")
        }
    }

    // MARK: - Taking it

    private func take(to server: PeerServer, _ report: (String) -> Void) async throws {
        let answer = try await ask(.POST, path + "/taking")
        guard answer.status == 200, case .object(let taking)? = try? JSONParser.parse(answer.body),
            case .string(let moveID)? = taking["moveId"], case .string(let key)? = taking["requestKey"],
            let request = taking["request"]
        else { throw Failure(description: "The sandbox \(sandboxID) cannot be taken: \(answer.told)") }
        let target = MoveTarget(server: server)
        let body = Data(request.text.utf8)
        let created: MoveTarget.Answer
        do {
            created = try await target.create(body, key: key)
        } catch {
            report(server.told(error))
            return
        }
        switch created {
        case .there(let id):
            let arrival = ["moveId": moveID, "server": server.url, "sandboxId": id]
            let told = try await ask(.POST, path + "/arrival", body: JSONEncoder.api.encode(arrival))
            guard told.status == 200 || told.status == 404 else {
                throw Failure(
                    description:
                        "It runs at \(server.url) as \(id), but its source does not take note of that: \(told.told)"
                )
            }
        case .refused(_, let message):
            report("\(server.url) did not create it: \(message)")
            try await refuse(at: target, key: key, moveID)
            _ = try await ask(.DELETE, path + "?withdrawn=\(moveID)")
        case .never: break
        }
    }

    /// Has a server promise that it does not run the sandbox.
    private func refuse(at target: MoveTarget, key: String, _ moveID: String) async throws {
        let answer = try await target.refuse(key: key, chosenID: keepsID ? sandboxID : nil)
        guard answer == .never else {
            throw Failure(
                description: """
                    \(target.server.url) does not promise that it does not run the sandbox \(sandboxID), so it stays paused at its \
                    source. Run the move again.
                    """
            )
        }
    }

    // MARK: -

    private func body() throws -> Data {
        struct Body: Encodable {
            struct Target: Encodable {
                var name: String?
                var url: String?
                var apiKey: String?
                var handover: Bool?
            }
            var target: Target
            var source: String
            var keepId: Bool
            var allowLoss: Bool
        }
        let target =
            switch destination {
            case .named(let name): Body.Target(name: name)
            case .server(let place): Body.Target(url: place.url, apiKey: place.key)
            case .here: Body.Target(handover: true)
            }
        let source: Move.Source = deletesSource ? .delete : .keepPaused
        return try JSONEncoder.api.encode(
            Body(target: target, source: source.rawValue, keepId: keepsID, allowLoss: allowsLoss)
        )
    }

    private func ask(
        _ method: PeerServer.Method,
        _ path: String,
        body: Data? = nil
    ) async throws -> PeerServer.Answer {
        do {
            return try await source.send(method, path, body: body)
        } catch {
            throw Failure(description: "\(source.told(error)). Run the move again: it goes on where it is.")
        }
    }
}

extension PeerServer {
    /// A server that somebody has named.
    fileprivate init(_ place: MoveErrand.Place) throws {
        guard let url = ServerConfiguration.Moving.Target.address(place.url) else {
            throw MoveErrand.Failure(
                description: "'\(place.url)' is no address of a server: write http:// or https:// and a host."
            )
        }
        self.init(url: url, key: place.key, authoritiesFile: nil)
    }
}
