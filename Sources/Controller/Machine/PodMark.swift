// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Which attempt of which member of a sandbox a pod was created for. A pod's name is used again and again, and a cache may
/// be old: with this, nobody takes one pod for another.
struct PodMark: Hashable {
    static let memberAnnotation = "stasis.dev/member"
    static let attemptAnnotation = "stasis.dev/attempt"

    /// The member's identity.
    var member: String
    /// Its attempt.
    var attempt: Int

    /// What an attempt of an earlier member at the same place is to the present one: none of its own.
    private static let earlierMembers = 0

    /// The attempt that the pod belongs to, as a member numbers it.
    func attempt(of member: String) -> Int { member == self.member ? attempt : Self.earlierMembers }

    init(member: String, attempt: Int) {
        self.member = member
        self.attempt = attempt
    }

    /// The mark of a pod; nil if it has none.
    init?(of pod: Pod) {
        guard let member = pod.metadata.annotations[Self.memberAnnotation],
            let attempt = pod.metadata.annotations[Self.attemptAnnotation].flatMap({ Int($0) })
        else { return nil }
        self.init(member: member, attempt: attempt)
    }

    /// Puts the mark on a pod that is to be created.
    func mark(_ pod: inout Pod) {
        pod.metadata.annotations[Self.memberAnnotation] = member
        pod.metadata.annotations[Self.attemptAnnotation] = String(attempt)
    }
}
