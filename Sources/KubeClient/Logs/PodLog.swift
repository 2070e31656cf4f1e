// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import NIOCore

/// What a container has said, and says. It can be gone through once, as bytes or as ``lines``.
///
/// It is read when it is asked for. It ends when the log does, and when it is followed, when the container does. If the
/// connection breaks it ends in a `KubeError`: nobody knows then which bytes come next.
public struct PodLog: AsyncSequence, Sendable {
    let body: AnswerBody
    let request: KubeRequest
    let transport: KubeTransport

    /// Goes through the bytes.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var body: AnswerBody.Iterator
        fileprivate let request: KubeRequest
        fileprivate let transport: KubeTransport

        /// The next bytes; `nil` at the end.
        ///
        /// - Throws: `KubeError`, or `CancellationError`.
        public mutating func next() async throws -> ByteBuffer? {
            do {
                return try await body.next()
            } catch {
                let failure = transport.failure(error, of: request)
                throw (failure as? TransientFailure)?.error ?? failure
            }
        }
    }

    /// Begins.
    public func makeAsyncIterator() -> Iterator {
        Iterator(body: body.makeAsyncIterator(), request: request, transport: transport)
    }

    /// The same as lines.
    public var lines: Lines { Lines(log: self) }

    /// What a container has said, line by line. Bytes that are no UTF-8 are replaced.
    public struct Lines: AsyncSequence, Sendable {
        let log: PodLog

        /// Goes through the lines.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate var bytes: PodLog.Iterator
            fileprivate var splitter: LineSplitter
            fileprivate var isDone = false

            /// The next line, without its end; `nil` after the last one.
            ///
            /// - Throws: `KubeError`, of kind `tooLarge` if a line is longer than the configuration's limit, or
            ///   `CancellationError`.
            public mutating func next() async throws -> String? {
                while true {
                    do {
                        if let line = try splitter.next() { return String(buffer: line) }
                    } catch {
                        throw bytes.request.fault(.tooLarge, "a line has more than \(splitter.limit) bytes")
                    }
                    if isDone { return nil }
                    if let more = try await bytes.next() {
                        splitter.append(more)
                    } else {
                        isDone = true
                        if let rest = splitter.rest() { return String(buffer: rest) }
                    }
                }
            }
        }

        /// Begins.
        public func makeAsyncIterator() -> Iterator {
            let limit = log.transport.configuration.lineLimit
            return Iterator(bytes: log.makeAsyncIterator(), splitter: LineSplitter(limit: limit))
        }
    }
}

extension ResourceClient where Object == Pod {
    /// Begins to read a container's log.
    ///
    /// - Throws: `KubeError`, of kind `invalid` if the container has not begun yet.
    public func log(of pod: String, _ options: LogOptions = LogOptions()) async throws -> PodLog {
        var request = try request("read the log of", name: pod, subresource: "log")
        request.accept = "*/*"
        request.answer = options.isFollowing ? .log : .text
        options.apply(to: &request)
        let response = try await transport.send(request)
        return PodLog(body: response.body, request: request, transport: transport)
    }
}
