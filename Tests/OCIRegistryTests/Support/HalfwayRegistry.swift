// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import OCIRegistry
import Synchronization
import TestSupport

/// A registry whose upload sessions can be gone on with from within a chunk, as the specification has it and
/// docker-registry has not. Each first attempt at a chunk keeps only a part of it.
final class HalfwayRegistry: Sendable {
    private struct State {
        var received: [UInt8] = []
        var refusals: Set<Int> = []
        var committed: Digest?
    }

    private let state = Mutex(State())
    /// How a chunk is refused: the status, or `nil` for 202 with a `Range` that ends early.
    private let refusal: HTTPResponseStatus?
    /// How many bytes of a chunk's first attempt are kept.
    private let kept: Int

    init(refusal: HTTPResponseStatus?, kept: Int) {
        self.refusal = refusal
        self.kept = kept
    }

    var received: [UInt8] { state.withLock { $0.received } }
    var committed: Digest? { state.withLock { $0.committed } }

    func answer(_ request: TestWebServer.Request) -> TestWebServer.Response {
        state.withLock { state in
            func session(_ status: HTTPResponseStatus) -> TestWebServer.Response {
                var headers: HTTPHeaders = ["Location": "/upload?at=\(state.received.count)"]
                headers.add(name: "Range", value: "0-\(max(state.received.count - 1, 0))")
                return .init(status, headers)
            }
            switch request.method {
            case .POST:
                return session(.accepted)
            case .GET:
                return session(.noContent)
            case .PATCH:
                let start = request.headers.first(name: "Content-Range")?.split(separator: "-").first
                guard start.flatMap({ Int($0) }) == state.received.count else { return .init(.rangeNotSatisfiable) }
                if state.refusals.insert(state.received.count).inserted {
                    state.received += request.body.readableBytesView.prefix(kept)
                    return refusal.map { TestWebServer.Response($0) } ?? session(.accepted)
                }
                state.received += request.body.readableBytesView
                return session(.accepted)
            case .PUT:
                state.committed = .sha256(of: state.received)
                return .init(.created)
            default:
                return .init(.notFound)
            }
        }
    }
}
