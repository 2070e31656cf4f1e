// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// The requests of an upload session, and what to do when one of them fails on the way.
struct UploadExchange: Sendable {
    let repository: RegistryRepository

    private var transport: RegistryTransport { repository.transport }
    private var retry: RetryPolicy { transport.configuration.retry }

    /// How far a session is.
    private struct Progress {
        var session: WebAddress
        var received: Int64
    }

    /// Sends one chunk by PATCH.
    ///
    /// - Parameter offset: where in the blob the chunk begins.
    /// - Returns: where the session goes on.
    func send(_ chunk: ByteBuffer, at offset: Int64, to session: WebAddress) async throws -> WebAddress {
        let end = offset + Int64(chunk.readableBytes)
        var progress = Progress(session: session, received: offset)
        var attempt = 1
        while progress.received < end {
            let before = progress.received
            do {
                let rest = try remainder(of: chunk, at: offset, from: progress.received)
                progress = try await patch(rest, at: progress.received, to: progress.session)
            } catch let failure as TransientFailure {
                guard attempt < retry.attempts else { throw failure.error }
                try await transport.pause(after: failure, attempt: attempt)
                progress = try await status(of: progress, after: failure)
            }
            guard progress.received >= offset, progress.received <= end else {
                throw fault("it has \(progress.received) bytes, not between \(offset) and \(end)")
            }
            attempt = progress.received > before ? 1 : attempt + 1
            guard attempt <= retry.attempts else { throw fault("it takes no more bytes after \(progress.received)") }
        }
        return progress.session
    }

    /// Completes a session of which nothing was sent yet, with all its bytes in one PUT; if that breaks, in a new
    /// session.
    func complete(_ session: WebAddress, digest: Digest, whole: ByteBuffer) async throws {
        var session = session
        var attempt = 1
        while true {
            do {
                return try await put(session, digest: digest, body: whole)
            } catch let failure as TransientFailure {
                guard attempt < retry.attempts else { throw failure.error }
                try await transport.pause(after: failure, attempt: attempt)
                if try await repository.blobSize(digest) == Int64(whole.readableBytes) { return }
                await abandon(session)
                session = try await repository.startSession().session
                attempt += 1
            }
        }
    }

    /// Completes a session whose bytes have all been sent. An answer that got lost is made up for by looking.
    func complete(_ session: WebAddress, digest: Digest, total: Int64) async throws {
        var attempt = 1
        while true {
            do {
                return try await put(session, digest: digest, body: ByteBuffer())
            } catch let failure as TransientFailure {
                guard attempt < retry.attempts else { throw failure.error }
                try await transport.pause(after: failure, attempt: attempt)
                if try await repository.blobSize(digest) == total { return }
                attempt += 1
            }
        }
    }

    /// Ends a session by DELETE. That it fails is of no consequence: registries drop forgotten sessions.
    func abandon(_ session: WebAddress) async {
        guard var request = try? request("cancel an upload to", .DELETE, session) else { return }
        request.accepts = [200, 202, 204]
        request.isRepeatable = false
        guard let response = try? await transport.send(request) else { return }
        await transport.drain(response)
    }

    // MARK: Requests

    private func patch(_ bytes: ByteBuffer, at offset: Int64, to session: WebAddress) async throws -> Progress {
        let end = offset + Int64(bytes.readableBytes)
        var request = try request("send bytes \(offset)-\(end - 1) of an upload to", .PATCH, session)
        request.headers = ["Content-Type": "application/octet-stream", "Content-Range": "\(offset)-\(end - 1)"]
        request.body = bytes
        // 416 says that our idea of the offset is wrong; that is what asking for the status is for.
        request.accepts = [202, 416]
        let response = try await sendOnce(request)
        await transport.drain(response)
        guard response.status == .accepted else {
            throw TransientFailure(
                error: request.fault(.unexpectedAnswer, "the registry has another offset", status: 416)
            )
        }
        let next = try repository.uploadSession(response, to: request)
        return Progress(session: next, received: Self.received(response.headers, atLeast: 1) ?? end)
    }

    private func put(_ session: WebAddress, digest: Digest, body: ByteBuffer) async throws {
        guard let url = session.adding("digest", digest.description) else {
            throw fault("its address cannot be used")
        }
        var request = try request("commit the blob \(digest) to", .PUT, url)
        request.headers = ["Content-Type": "application/octet-stream"]
        request.body = body
        request.accepts = [201, 204]
        let response = try await sendOnce(request)
        await transport.drain(response)
        let confirmed = response.headers.first(name: "Docker-Content-Digest").flatMap { try? Digest(parsing: $0) }
        guard let confirmed, confirmed.algorithm == digest.algorithm, confirmed != digest else { return }
        throw request.fault(.digestMismatch, "the registry confirmed \(confirmed)")
    }

    /// Sends a request to a session, which may be gone: a registry that a connection was cut to may still have answered
    /// for the session and drop it only then.
    private func sendOnce(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        do {
            return try await transport.sendOnce(request)
        } catch let error as RegistryError where error.kind == .notFound {
            throw request.fault(
                .uploadLost,
                "the registry has dropped the upload",
                advice: "start the upload again",
                status: error.status,
                answers: error.answers
            )
        }
    }

    /// Asks how far a session is.
    private func status(of progress: Progress, after failure: TransientFailure) async throws -> Progress {
        var request = try request("resume an upload to", .GET, progress.session)
        request.accepts = [204, 202, 200]
        let response: HTTPClientResponse
        do {
            response = try await transport.send(request)
        } catch let error as RegistryError where error.kind == .notFound || error.kind == .unexpectedAnswer {
            // Docker's registry drops a session that was cut within a chunk. What cut it says more than the 404 here.
            throw request.fault(
                .uploadLost,
                failure.error.reason + ", and the registry has dropped what it had",
                advice: "start the upload again",
                status: failure.error.status,
                answers: failure.error.answers,
                cause: failure.error.cause
            )
        }
        await transport.drain(response)
        let next = try? repository.uploadSession(response, to: request)
        return Progress(
            session: next ?? progress.session,
            received: Self.received(response.headers, atLeast: 2) ?? 0
        )
    }

    private func request(
        _ operation: String,
        _ method: HTTPMethod,
        _ session: WebAddress
    ) throws(RegistryError) -> RegistryRequest {
        var request = try repository.request(
            operation,
            "",
            method,
            "blobs/uploads/",
            scopes: [.push(repository.reference.repository)]
        )
        request.url = session
        return request
    }

    /// How many bytes a `Range: 0-<last>` means.
    ///
    /// - Parameter atLeast: the smallest number that is believed: registries write `0-0` for no bytes as well as for
    ///   one, and a smaller number is taken for none. A wrong guess is found by the digest.
    private static func received(_ headers: HTTPHeaders, atLeast: Int64) -> Int64? {
        guard let text = headers.first(name: "Range") else { return nil }
        guard let dash = text.lastIndex(of: "-"), let last = Int64(text[text.index(after: dash)...]) else { return nil }
        return last + 1 >= atLeast ? last + 1 : 0
    }

    /// What of a chunk that begins at `offset` is still to be sent when `received` bytes of the blob have arrived.
    private func remainder(
        of chunk: ByteBuffer,
        at offset: Int64,
        from received: Int64
    ) throws(RegistryError) -> ByteBuffer {
        var rest = chunk
        guard received >= offset, received <= offset + Int64(chunk.readableBytes) else {
            throw fault("it has \(received) bytes and ours go from \(offset) on")
        }
        rest.moveReaderIndex(forwardBy: Int(received - offset))
        return rest
    }

    private func fault(_ reason: String) -> RegistryError {
        RegistryError(
            .uploadLost,
            operation: "go on with an upload to",
            subject: repository.name,
            reason: reason,
            advice: "start the upload again"
        )
    }
}
