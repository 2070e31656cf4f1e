// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import NIOCore
public import SandboxModels

import struct Foundation.Date

/// What a sandbox has printed, and what happened to it.
extension ClusterRuntime {
    /// How many events of one object are asked for.
    private static let mostEvents = 500

    /// The end of what a sandbox has printed, in whole lines; an empty log while nothing of it runs.
    ///
    /// - Parameter bytes: How much at most.
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        let entry = try await entry(id)
        guard let pod = try await telling("find the pod", { try await self.pod(of: entry.object) }) else {
            return SandboxLog()
        }
        let container = pod.spec.containers.first { $0.name == Execd.container } ?? pod.spec.containers.first
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
            return SandboxLog(text: lines, isTruncated: isTruncated, lastWrittenAt: lines.isEmpty ? nil : now())
        } catch let error as KubeError where error.kind == .invalid || error.isNotFound {
            // It has not begun, or has just gone.
            return SandboxLog()
        } catch let error as KubeError {
            throw SandboxError(error, doing: "read the log")
        }
    }

    /// What happened to a sandbox, to its pod and to its snapshots, oldest first, as long as the cluster remembers.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func events(of id: String) async throws -> [SandboxEvent] {
        let entry = try await entry(id)
        let name = entry.object.metadata.name
        var names = [name]
        for pod in podNames(of: entry.object) { names.append(pod) }
        names.append(SandboxSnapshot.pauseName(of: name))
        var found: [SandboxEvent] = [.created(at: entry.sandbox.createdAt)]
        for name in names {
            found += try await telling("read the events") { try await events(about: name) }
        }
        return found.sorted { $0.at < $1.at }
    }

    private func events(about name: String) async throws -> [SandboxEvent] {
        let events = client.resource(CoreEvent.self, in: .named(configuration.namespace))
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

    private var pods: ResourceClient<Pod> { client.resource(Pod.self, in: .named(configuration.namespace)) }

    /// The pod of a sandbox that runs, if there is one.
    func pod(of object: BatchSandbox) async throws -> Pod? {
        for name in podNames(of: object) {
            if let pod = try await pods.find(name) { return pod }
        }
        return nil
    }

    /// What its pods are called: its own, or those that a pool has given it.
    private func podNames(of object: BatchSandbox) -> [String] {
        let given = (try? object.allocation(OpenSandbox.Annotation.allocStatus).pods) ?? []
        let back = (try? object.allocation(OpenSandbox.Annotation.allocReleased).pods) ?? []
        let kept = given.filter { !back.contains($0) }
        return kept.isEmpty ? [object.podName(0)] : kept
    }
}
