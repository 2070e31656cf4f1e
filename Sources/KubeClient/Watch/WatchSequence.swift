// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
import Logging
import NIOCore

/// What happens to objects, from some state on.
///
/// A stream that ends, breaks or falls silent is followed by another one from the state that has been reached, so that nothing
/// is missed or told twice. It ends in an error when that has failed several times in a row, or when that state is too old: a
/// `KubeError` of kind `expired`, after which one has to list again.
///
/// Events are read when they are asked for: a slow reader slows the server down. The stream is closed when the iterator goes, or
/// its task is cancelled.
public struct WatchSequence<Object: KubeObject>: AsyncSequence, Sendable {
    let client: ResourceClient<Object>
    let options: ListOptions

    /// Goes through the events.
    public struct Iterator: AsyncIteratorProtocol {
        private struct Stream {
            var body: AnswerBody.Iterator
            var lines: LineSplitter
            /// When it must have ended by itself.
            let end: ContinuousClock.Instant
            let isShortUntil: ContinuousClock.Instant
            var request: KubeRequest
        }

        private let client: ResourceClient<Object>
        private let options: ListOptions
        private var progress: WatchProgress
        private var stream: Stream?

        init(_ client: ResourceClient<Object>, _ options: ListOptions) {
            self.client = client
            self.options = options
            progress = WatchProgress(from: options.resourceVersion)
        }

        /// The next event. There is always another one, unless it fails.
        public mutating func next() async throws -> WatchEvent<Object>? {
            while true {
                do {
                    if stream == nil { stream = try await connect() }
                    if let event = try await read() { return event }
                    let isShort = stream.map { .now < $0.isShortUntil } ?? false
                    try await proceed(failure: nil, isShort: isShort)
                } catch let failure as TransientFailure {
                    try await proceed(failure: failure, isShort: true)
                }
            }
        }

        private mutating func proceed(failure: TransientFailure?, isShort: Bool) async throws {
            stream = nil
            let policy = client.transport.configuration.retry
            switch progress.ended(with: failure, isShort: isShort, policy) {
            case .reconnect(let pause):
                if let failure {
                    client.transport.logger.debug(
                        "a watch broke and goes on",
                        metadata: ["watch": "\(client.type.qualifiedPlural)", "error": "\(failure.error)"]
                    )
                }
                if pause > .zero { try await policy.sleep(pause) }
            case .fail(let error): throw error
            }
        }

        private func connect() async throws -> Stream {
            let configuration = client.transport.configuration
            // By chance, so that many watches do not come back together.
            let duration = configuration.watchDuration * Double.random(in: 1...2)
            var request = try client.request("watch")
            var options = options
            options.resourceVersion = progress.resourceVersion
            options.limit = nil
            options.continueToken = nil
            options.apply(to: &request)
            request.answer = .watch
            request.add("watch", "1")
            request.add("allowWatchBookmarks", "true")
            request.add("timeoutSeconds", Swift.max(1, duration.components.seconds))
            let response = try await client.transport.sendOnce(request)
            return Stream(
                body: response.body.makeAsyncIterator(),
                lines: LineSplitter(limit: configuration.lineLimit),
                end: .now + duration + configuration.watchGrace,
                isShortUntil: .now + .seconds(1),
                request: request
            )
        }

        /// The next event of the stream; `nil` at its end.
        private mutating func read() async throws -> WatchEvent<Object>? {
            while let line = try await nextLine() {
                guard line.readableBytes > 0, let request = stream?.request else { continue }
                let parsed: WatchLine<Object>
                do {
                    parsed = try line.withUnsafeReadableBytes { bytes in
                        Result { () throws(JSONError) in try WatchLine(json: bytes) }
                    }.get()
                } catch {
                    throw client.transport.malformed(error, line, request)
                }
                switch parsed {
                case .event(.added(let object)): return deliver(.added(client.completed(object)))
                case .event(.modified(let object)): return deliver(.modified(client.completed(object)))
                case .event(.deleted(let object)): return deliver(.deleted(client.completed(object)))
                case .event(let bookmark): return deliver(bookmark)
                case .unknown: continue
                case .error(let status): throw failure(status, request)
                }
            }
            return nil
        }

        private mutating func deliver(_ event: WatchEvent<Object>) -> WatchEvent<Object> {
            progress.advance(to: event.resourceVersion)
            return event
        }

        /// What the server's last word means.
        private func failure(_ status: Status, _ request: KubeRequest) -> any Error {
            var error = KubeTransport.fault(status.code ?? 500, status, request)
            error.status = status
            error.statusCode = status.code
            switch status.code ?? 500 {
            case 410: error.kind = .expired
            case 429, 500...599:
                let seconds = status.details?.retryAfterSeconds
                return TransientFailure(error: error, retryAfter: seconds.map { .seconds($0) })
            default: break
            }
            return error
        }

        private mutating func nextLine() async throws -> ByteBuffer? {
            guard var stream else { return nil }
            // Or there would be two of its buffer, which would then be copied with each change.
            self.stream = nil
            defer { self.stream = stream }
            while true {
                do {
                    if let line = try stream.lines.next() { return line }
                } catch {
                    throw stream.request.fault(
                        .tooLarge,
                        "an event has more than \(stream.lines.limit) bytes",
                        advice: "raise lineLimit if the objects are so large"
                    )
                }
                do {
                    guard let bytes = try await stream.body.next() else { return nil }
                    stream.lines.append(bytes)
                } catch {
                    throw client.transport.failure(error, of: stream.request)
                }
                if .now > stream.end {
                    let error = stream.request.fault(.timeout, "the server does not end it when it should")
                    throw TransientFailure(error: error)
                }
            }
        }
    }

    /// Begins; the first request is sent when the first event is asked for.
    public func makeAsyncIterator() -> Iterator { Iterator(client, options) }
}

extension ResourceClient {
    /// Watches objects.
    ///
    /// - Parameter options: which. From its resourceVersion on, which is best that of a list; without one it begins with all
    ///   objects that are there, as added.
    public func watch(_ options: ListOptions = ListOptions()) -> WatchSequence<Object> {
        WatchSequence(client: self, options: options)
    }
}
