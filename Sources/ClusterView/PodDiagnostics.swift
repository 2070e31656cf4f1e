// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import KubeClient
package import KubeModels
import NIOCore
package import SandboxModels

package import struct Foundation.Date

/// What the pods of one namespace have printed, and what happened to objects in it.
package struct PodDiagnostics: Sendable {
    private let pods: ResourceClient<Pod>
    private let events: ResourceClient<CoreEvent>

    /// How many events of one object are asked for.
    private static let mostEvents = 500

    /// Creates them for a namespace.
    package init(_ client: KubeClient, namespace: String) {
        pods = client.resource(Pod.self, in: .named(namespace))
        events = client.resource(CoreEvent.self, in: .named(namespace))
    }

    /// A pod; nil if there is none of the name.
    package func pod(_ name: String) async throws -> Pod? { try await pods.find(name) }

    /// The end of what a container of a pod has printed, in whole lines; an empty log while there is none.
    ///
    /// - Parameters:
    ///   - container: Its name; the first one's if there is none so called.
    ///   - bytes: How much at most.
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    package func log(of pod: Pod, container: String, atMost bytes: Int, now: Date) async throws -> SandboxLog {
        let container = pod.spec.containers.first { $0.name == container } ?? pod.spec.containers.first
        do {
            let log = try await pods.log(
                of: pod.metadata.name,
                LogOptions(container: container?.name, tailLines: 10_000)
            )
            var text = ByteBuffer()
            var isTruncated = false
            for try await part in log {
                text.writeImmutableBuffer(part)
                // The end is what is asked for.
                if text.readableBytes > 2 * bytes {
                    text.moveReaderIndex(forwardBy: text.readableBytes - bytes)
                    text.discardReadBytes()
                    isTruncated = true
                }
            }
            if text.readableBytes > bytes {
                text.moveReaderIndex(forwardBy: text.readableBytes - bytes)
                isTruncated = true
            }
            var lines = String(buffer: text)
            if isTruncated, let end = lines.firstIndex(of: "\n") { lines = String(lines[lines.index(after: end)...]) }
            return SandboxLog(text: lines, isTruncated: isTruncated, lastWrittenAt: lines.isEmpty ? nil : now)
        } catch let error as KubeError where error.kind == .invalid || error.isNotFound {
            // It has not begun, or has just gone.
            return SandboxLog()
        } catch let error as KubeError {
            throw SandboxError(error, doing: "read the log")
        }
    }

    /// What happened to the objects of some names, as long as the cluster remembers.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    package func events(about names: [String]) async throws -> [SandboxEvent] {
        var found: [SandboxEvent] = []
        for name in names {
            found += try await telling("read the events") { try await events(about: name) }
        }
        return found
    }

    private func events(about name: String) async throws -> [SandboxEvent] {
        let query = FieldQuery().and("involvedObject.name", equals: name)
        return try await events.list(ListOptions(fields: query, limit: Self.mostEvents)).items.map { event in
            let at =
                event.series?.lastObservedTime?.date ?? event.lastTimestamp?.date ?? event.eventTime?.date
                ?? event.firstTimestamp?.date ?? event.metadata.creationTimestamp?.date
                ?? Date(timeIntervalSince1970: 0)
            return SandboxEvent(
                at: at,
                event.reason ?? "Unknown",
                event.message ?? "",
                kind: event.type == "Warning" ? .warning : .normal
            )
        }
    }
}
