// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

import struct Foundation.Data
import class Foundation.JSONDecoder

/// What the holder of a freeze says of it: a line of JSON, from `stasis-committer freeze` and in the holder's termination
/// message. docs/committer.md has the states.
struct FreezeAnswer: Decodable, Hashable {
    enum State: String, Decodable, Hashable {
        case unknown, freezing, held, sealed, thawed, killed
    }

    var id: String
    var state: State

    /// Finds what is said of one freeze.
    ///
    /// - Parameters:
    ///   - text: Lines, of which others may be anything.
    ///   - uid: The snapshot's UID.
    init?(_ text: String, of uid: String) {
        let answers = text.split(separator: "\n").compactMap { line in
            try? JSONDecoder().decode(FreezeAnswer.self, from: Data(line.utf8))
        }
        guard let answer = answers.last(where: { $0.id == uid }) else { return nil }
        self = answer
    }
}

extension Pod {
    /// Why a container has to wait for its image. There is none of it then, nor was there one: those of a Job start once.
    private static let imageReasons: Set<String> = [
        "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
        "RegistryUnavailable",
    ]

    /// Whether none of its containers was ever started, because there is no image to start them from.
    var waitsForImages: Bool {
        guard let containers = status?.containerStatuses, containers.count == spec.containers.count else {
            return false
        }
        return containers.allSatisfy { $0.state?.waiting?.reason.map(Self.imageReasons.contains) ?? false }
    }
}

/// Where the holder of a freeze is, as its pod tells it.
enum HolderSighting: Hashable {
    /// It runs, or may: ask it. The pod's name.
    case running(String)
    /// It has not started yet.
    case starting
    /// It has ended, and said how its freeze did. Nil if it never had one.
    case ended(FreezeAnswer.State?)
    /// It is gone without a word; the freeze is what the record on the node says.
    case lost

    /// - Parameters:
    ///   - pod: The pod of the commit Job, if it is there.
    init(_ pod: Pod?, of uid: String) {
        guard let pod else {
            self = .lost
            return
        }
        let state = pod.status?.containerStatuses.first { $0.name == CommitJob.ContainerName.hold }?.state
        if let ended = state?.terminated {
            if let answer = ended.message.flatMap({ FreezeAnswer($0, of: uid) }) {
                self = .ended(answer.state)
            } else {
                // One that ends well without a word has never frozen anything.
                self = ended.exitCode == 0 ? .ended(nil) : .lost
            }
        } else if state?.running != nil {
            self = .running(pod.metadata.name)
        } else {
            self = ["Failed", "Succeeded"].contains(pod.status?.phase) ? .ended(nil) : .starting
        }
    }
}
