// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONEncoder

/// The server that a sandbox moves to, and what is asked of it.
struct MoveTarget: Sendable {
    let server: PeerServer

    /// What a target has answered.
    enum Answer: Sendable, Equatable {
        /// The sandbox is there.
        case there(id: String)
        /// It has promised that there is none and will be none.
        case never
        /// It has answered, and not with what was asked for.
        case refused(status: Int, message: String)
    }

    /// How long an answer may take: a creation is answered when the sandbox runs.
    private static let patience = TimeAmount.seconds(180)

    /// Why it cannot be asked now: it does not answer, or does not take the key. Nil if it can.
    func obstacle() async -> String? {
        do {
            let answer = try await server.send(.GET, "/v1/sandboxes?pageSize=1", timeout: .seconds(10))
            return answer.status == 200 ? nil : "\(server.url) answered \(answer.told)"
        } catch {
            return server.told(error)
        }
    }

    /// Whether a server has a sandbox.
    enum Presence: Sendable, Equatable {
        /// It knows of none.
        case gone
        /// It has it, in whatever state.
        case there
        /// It cannot be asked, and why.
        case unknown(String)
    }

    /// Whether a sandbox is there. One that is being deleted still is.
    func presence(of sandboxID: String) async -> Presence {
        do {
            let answer = try await server.send(.GET, "/v1/sandboxes/\(sandboxID)", timeout: .seconds(10))
            switch answer.status {
            case 200: return .there
            // Not that of a proxy in between, or of another service.
            case 404 where answer.code == "KUBERNETES::SANDBOX_NOT_FOUND": return .gone
            default: return .unknown("\(server.url) answered \(answer.told)")
            }
        } catch {
            return .unknown(server.told(error))
        }
    }

    /// Has a sandbox created; however often, there is one for the key.
    ///
    /// - Parameter request: An ``ArrivalRequest``, as JSON.
    /// - Throws: If there was no answer, so that nobody knows what came of it.
    func create(_ request: Data, key: String) async throws -> Answer {
        struct Created: Decodable { var id: String }
        let answer = try await server.send(
            .POST,
            "/v1/sandboxes",
            body: request,
            idempotencyKey: key,
            timeout: Self.patience
        )
        if (200..<300).contains(answer.status), let created = answer.json(Created.self) {
            return .there(id: created.id)
        }
        return .refused(status: answer.status, message: answer.told)
    }

    /// Asks for the promise that a creation has no sandbox and never will.
    ///
    /// - Throws: If there was no answer.
    func refuse(key: String, chosenID: String?) async throws -> Answer {
        struct Found: Decodable { var sandboxId: String }
        let query = chosenID.map { "?sandboxId=\($0)" } ?? ""
        let answer = try await server.send(.DELETE, "/v1/arrivals/\(key)\(query)", timeout: Self.patience)
        switch answer.status {
        case 204: return .never
        case 200:
            if let found = answer.json(Found.self) { return .there(id: found.sandboxId) }
        default: break
        }
        return .refused(status: answer.status, message: answer.told)
    }
}
