// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// What is to be done next so that the containers of a pod that a sandbox gives back are started again.
public enum RestartDecision: Sendable, Hashable {
    /// Nothing: each of them is another one than before, and runs.
    case done
    /// Waiting for them, for so long at most.
    case wait(Duration)
    /// Writing the record down and then running the command in these containers.
    case attempt(RestartRecord, containers: [String])
    /// The pod cannot be used again.
    case delete(reason: String)
}

/// Which release of a pod is meant: a pod is given back many times in its life, also by sandboxes of the same name.
public struct PodRelease: Sendable, Hashable {
    /// The name of the sandbox that gives it back.
    public var sandbox: String
    /// The sandbox's UID.
    public var uid: String

    /// Creates one.
    public init(sandbox: String, uid: String) {
        self.sandbox = sandbox
        self.uid = uid
    }
}

extension RestartDecision {
    /// Decides what to do about a pod.
    ///
    /// - Parameters:
    ///   - pod: The pod with all that is written down in it.
    ///   - release: Who gives it back. A record of another release says nothing about this one.
    ///   - config: How containers are started again.
    ///   - now: The present time.
    public init(for pod: Pod, in release: PodRelease, _ config: RestartConfig, now: Date) {
        guard pod.metadata.deletionTimestamp == nil else {
            self = .delete(reason: "it is being deleted")
            return
        }
        let record = RestartRecord(of: pod).flatMap { pod.isRecord($0, of: release) ? $0 : nil }
        let names = pod.spec.containers.map(\.name).filter { !config.blacklist.contains($0) }
        let states = pod.containerStates
        if let phase = pod.status?.phase, phase == "Succeeded" || phase == "Failed" {
            self = .delete(reason: "its phase is \(phase)")
        } else if names.allSatisfy({ name in states[name].isRestarted(since: record?.containers[name]) }) {
            self = .done
        } else if let record, let last = record.lastRetryTime, now < last.date + config.retryInterval {
            // A clock that was set back does not make it longer.
            self = .wait(min(config.retryInterval, last.date.duration(from: now) + config.retryInterval))
        } else if let record, record.retryCount >= config.maxRetries {
            let missing = names.filter { !states[$0].isRestarted(since: record.containers[$0]) }
            self = .delete(
                reason: "\(missing.joined(separator: ", ")) did not start again in \(record.retryCount) attempts"
            )
        } else {
            var next =
                record
                ?? RestartRecord.with {
                    $0.id = release.sandbox
                    $0.startTime = Timestamp(now)
                }
            for name in names where next.containers[name] == nil {
                next.containers[name] = states[name]?.containerID ?? ""
            }
            next.lastRetryTime = Timestamp(now)
            next.retryCount += 1
            let waiting = names.filter { name in
                states[name]?.state?.running != nil && !states[name].isRestarted(since: next.containers[name])
            }
            self = .attempt(next, containers: waiting)
        }
    }
}

extension Pod {
    /// The annotations that say which release a record is of, and what it says. They are written together.
    public func annotations(for record: RestartRecord, of release: PodRelease) -> JSONValue {
        [
            OpenSandbox.Annotation.restartRecord: .string(record.jsonText),
            OpenSandbox.Annotation.restartRelease: .string(release.uid),
        ]
    }

    fileprivate func isRecord(_ record: RestartRecord, of release: PodRelease) -> Bool {
        record.id == release.sandbox && metadata.annotations[OpenSandbox.Annotation.restartRelease] == release.uid
    }

    fileprivate var containerStates: [String: ContainerStatus] {
        Dictionary(status?.containerStatuses.map { ($0.name, $0) } ?? [], uniquingKeysWith: { $1 })
    }
}

extension ContainerStatus? {
    /// Whether it runs, and is another one than before.
    ///
    /// - Parameter id: Its ID before; nil if none was written down, so that it cannot be.
    fileprivate func isRestarted(since id: String?) -> Bool {
        guard let self, let id, let own = self.containerID else { return false }
        return self.state?.running != nil && own != id
    }
}

extension Date {
    fileprivate static func + (date: Date, duration: Duration) -> Date {
        date.addingTimeInterval(duration / .seconds(1))
    }

    fileprivate func duration(from other: Date) -> Duration { .seconds(timeIntervalSince(other)) }
}
