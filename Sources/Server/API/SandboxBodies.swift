// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import SandboxModels
import Synchronization

/// The JSON of sandboxes, kept from one answer to the next as long as its runtime says that nothing has changed.
///
/// A list of two hundred sandboxes is then two hundred copies of bytes, and not two hundred runs of an encoder.
final class SandboxBodies: Sendable {
    private struct Body {
        var revision: String
        var bytes: ByteBuffer
    }

    private let kept = Mutex<[String: Body]>([:])

    /// How many bodies are kept of sandboxes that may be gone, at most, before those are looked for.
    private static let slack = 1024

    /// A sandbox as the API writes it.
    func body(of sandbox: Sandbox) throws -> ByteBuffer {
        if let revision = sandbox.revision {
            let known = kept.withLock { $0[sandbox.id] }
            if let known, known.revision == revision { return known.bytes }
        }
        let bytes = ByteBuffer(bytes: try JSONBody.encode(SandboxResource(sandbox)))
        if let revision = sandbox.revision {
            kept.withLock { $0[sandbox.id] = Body(revision: revision, bytes: bytes) }
        }
        return bytes
    }

    /// A page of a list as the API writes it.
    ///
    /// - Parameter sandboxes: All there are, newest first.
    func page(_ request: ListSandboxesRequest, of sandboxes: [Sandbox]) throws -> ByteBuffer {
        prune(sandboxes)
        let found = request.matchesAll ? sandboxes : sandboxes.filter(request.matches)
        var body = ByteBuffer()
        let items = request.page.items(of: found)
        body.reserveCapacity(items.count * 800 + 200)
        body.writeStaticString("{\"items\":[")
        for (place, sandbox) in items.enumerated() {
            if place > 0 { body.writeInteger(UInt8(ascii: ",")) }
            body.writeImmutableBuffer(try self.body(of: sandbox))
        }
        body.writeStaticString("],\"pagination\":")
        body.writeBytes(try JSONBody.encode(Pagination(request.page, totalItems: found.count)))
        body.writeInteger(UInt8(ascii: "}"))
        return body
    }

    /// Forgets sandboxes that are gone, when there are many of them.
    private func prune(_ sandboxes: [Sandbox]) {
        kept.withLock { kept in
            guard kept.count > 2 * sandboxes.count + Self.slack else { return }
            let present = Set(sandboxes.map(\.id))
            kept = kept.filter { present.contains($0.key) }
        }
    }
}
