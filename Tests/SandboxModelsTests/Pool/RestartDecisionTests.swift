// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import SandboxModels
import Testing

/// The containers of a pod are started again before another sandbox gets it.
struct RestartDecisionTests {
    private static let start = Date(timeIntervalSince1970: 1_790_000_000)
    private static let release = PodRelease(sandbox: "box", uid: "uid-1")

    /// A pod with its controller.
    private struct Story {
        var pod = Pod.with {
            $0.spec.containers = ["main", "proxy"].map { name in .with { $0.name = name } }
            $0.status = .with { $0.phase = "Running" }
        }
        var config = RestartConfig(#"{"blacklist":["proxy"],"retryInterval":"20s","maxRetries":2}"#)
        var release = RestartDecisionTests.release
        var now = RestartDecisionTests.start
        /// What was run in which containers.
        var attempts: [[String]] = []

        init() {
            run("main", "containerd://1")
            run("proxy", "containerd://2")
        }

        mutating func set(_ name: String, _ change: (inout ContainerStatus) -> Void) {
            var status = ContainerStatus.with { $0.name = name }
            if let place = pod.status?.containerStatuses.firstIndex(where: { $0.name == name }) {
                status = pod.status?.containerStatuses.remove(at: place) ?? status
            }
            change(&status)
            pod.status?.containerStatuses.append(status)
        }

        mutating func run(_ name: String, _ id: String) {
            set(name) {
                $0.containerID = id
                $0.state = .with { $0.running = ContainerStateRunning() }
            }
        }

        mutating func end(_ name: String) {
            set(name) { $0.state = .with { $0.terminated = ContainerStateTerminated() } }
        }

        /// Decides, and does it.
        mutating func step() -> RestartDecision {
            let decision = RestartDecision(for: pod, in: release, config, now: now)
            if case .attempt(let record, let containers) = decision {
                attempts.append(containers)
                let written = pod.annotations(for: record, of: release)
                for (name, value) in written.object ?? [:] { pod.metadata.annotations[name] = value.string }
            }
            return decision
        }
    }

    @Test func defaults() {
        for text in [
            nil, "", "text", "[]", "{}", #"{"maxRetries":0,"retryInterval":"soon","restartCommand":[],"blacklist":1}"#,
        ] {
            #expect(RestartConfig(text) == RestartConfig())
        }
        let standard = RestartConfig()
        #expect(standard.blacklist.isEmpty && standard.retryInterval == .seconds(30) && standard.maxRetries == 3)
        #expect(standard.restartCommand == ["kill", "1"])
        let own = RestartConfig(
            #"{"blacklist":["a","b"],"retryInterval":"1m30s","maxRetries":5,"restartCommand":["/stop","now"],"x":1}"#
        )
        #expect(own.blacklist == ["a", "b"] && own.retryInterval == .seconds(90) && own.maxRetries == 5)
        #expect(own.restartCommand == ["/stop", "now"])
        #expect(RestartConfig(#"{"maxRetries":7,"retryInterval":5}"#).maxRetries == 7)
        // No container starts in no time.
        #expect(RestartConfig(#"{"retryInterval":"0s"}"#).retryInterval == .seconds(1))
        #expect(RestartConfig(#"{"retryInterval":"-5s"}"#).retryInterval == .seconds(1))
    }

    @Test func theRecordAsItIsWritten() throws {
        var story = Story()
        guard case .attempt(let record, _) = story.step() else {
            Issue.record("nothing was tried")
            return
        }
        #expect(
            record.jsonText
                == #"{"id":"box","startTime":"2026-09-21T14:13:20Z","containers":{"main":"containerd://1"},"lastRetryTime":"2026-09-21T14:13:20Z","retryCount":1}"#
        )
        #expect(try RestartRecord(json: record.jsonText) == record)
        // As upstream writes one before its first attempt.
        let text = #"{"id":"box","startTime":"2026-09-21T14:13:20+08:00","containers":{}}"#
        let first = try RestartRecord(json: text)
        #expect(first.retryCount == 0 && first.lastRetryTime == nil && first.containers.isEmpty)
        #expect(first.jsonText.contains(#""containers":{}"#) && !first.jsonText.contains("retryCount"))
    }

    @Test func itIsDoneOnce() {
        var story = Story()
        guard case .attempt = story.step() else {
            Issue.record("nothing was tried")
            return
        }
        #expect(story.step() == .wait(.seconds(20)))
        story.end("main")
        story.now += 5
        #expect(story.step() == .wait(.seconds(15)))
        story.run("main", "containerd://3")
        #expect(story.step() == .done)
        // However often it is asked again, also much later.
        story.now += 10_000
        #expect(story.step() == .done)
        #expect(story.attempts == [["main"]])
    }

    @Test func theOldContainerIsNotTheNewOne() {
        var story = Story()
        _ = story.step()
        story.now += 20
        // It runs on: the command had no effect.
        guard case .attempt(let record, let containers) = story.step() else {
            Issue.record("it was not tried again")
            return
        }
        #expect(record.retryCount == 2 && containers == ["main"])
        #expect(record.startTime == Timestamp(Self.start) && record.lastRetryTime == Timestamp(Self.start + 20))
        story.now += 19
        #expect(story.step() == .wait(.seconds(1)))
        story.now += 1
        #expect(story.step() == .delete(reason: "main did not start again in 2 attempts"))
        #expect(story.attempts.count == 2)
    }

    @Test func anotherReleaseIsAnotherRestart() {
        var story = Story()
        _ = story.step()
        story.run("main", "containerd://3")
        #expect(story.step() == .done)
        for release in [PodRelease(sandbox: "other", uid: "uid-2"), PodRelease(sandbox: "box", uid: "uid-3")] {
            story.release = release
            guard case .attempt(let record, let containers) = story.step() else {
                Issue.record("the restart of another release was taken for that of \(release)")
                return
            }
            #expect(record.id == release.sandbox && record.retryCount == 1 && containers == ["main"])
            let id = "containerd://\(story.attempts.count + 10)"
            story.run("main", id)
            #expect(story.step() == .done)
        }
    }

    @Test func containersThatDoNotRunAreStartedByTheKubelet() {
        var story = Story()
        story.config.blacklist = []
        story.end("main")
        guard case .attempt(let record, let containers) = story.step() else {
            Issue.record("nothing was tried")
            return
        }
        #expect(containers == ["proxy"])
        #expect(record.containers == ["main": "containerd://1", "proxy": "containerd://2"])
        story.run("proxy", "containerd://4")
        #expect(story.step() == .wait(.seconds(20)))
        story.now += 20
        // Only what is still the old one is ended again.
        guard case .attempt(_, let again) = story.step() else {
            Issue.record("nothing was tried")
            return
        }
        #expect(again.isEmpty)
        story.run("main", "containerd://5")
        #expect(story.step() == .done)
    }

    @Test func nothingToRestart() {
        var story = Story()
        story.config.blacklist = ["main", "proxy"]
        #expect(story.step() == .done)
        #expect(story.attempts.isEmpty)
    }

    @Test(arguments: ["Succeeded", "Failed"]) func aPodThatHasEnded(_ phase: String) {
        var story = Story()
        story.pod.status?.phase = phase
        #expect(story.step() == .delete(reason: "its phase is \(phase)"))
        story.pod.status?.phase = "Running"
        story.pod.metadata.deletionTimestamp = Timestamp(Self.start)
        #expect(story.step() == .delete(reason: "it is being deleted"))
    }

    /// Also one that says nothing of which sandbox of the name it is, as upstream's do.
    @Test(arguments: [
        "text", #"{"id":"box","startTime":"2026-09-21T14:13:20Z","containers":{"main":"containerd://0"}}"#,
    ])
    func aRecordThatCannotBeReadIsNone(_ text: String) {
        var story = Story()
        story.pod.metadata.annotations["sandbox.opensandbox.io/restart-record"] = text
        guard case .attempt = story.step() else {
            Issue.record("nothing was tried")
            return
        }
    }

    @Test func aClockThatWasSetBack() {
        var story = Story()
        _ = story.step()
        story.now -= 100_000
        #expect(story.step() == .wait(.seconds(20)))
    }
}
