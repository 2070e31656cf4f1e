// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import KubeClient
import KubeModels
import Synchronization

/// Who may read metrics: those whom the cluster lets get `/metrics`. Answers are remembered for a while.
final class MetricsAccess: Sendable {
    enum Verdict: Sendable, Hashable {
        case allowed
        /// The token is nobody's.
        case unknown
        /// Its user may not.
        case refused
    }

    private struct Memory {
        let verdict: Verdict
        let until: ContinuousClock.Instant
    }

    private let tokens: ResourceClient<TokenReview>
    private let accesses: ResourceClient<SubjectAccessReview>
    /// By the token's hash: a token is nothing to keep.
    private let memories = Mutex<[SHA256.Digest: Memory]>([:])

    private static let memoryLimit = 1000
    /// No longer than a token that was withdrawn may go on being taken.
    private static let memoryDuration = Duration.seconds(60)

    init(_ client: KubeClient) {
        tokens = client.resource()
        accesses = client.resource()
    }

    /// Judges who has a token.
    ///
    /// - Throws: What the API server did not answer.
    func judge(_ token: String) async throws -> Verdict {
        let hash = SHA256.hash(data: Array(token.utf8))
        let now = ContinuousClock.now
        if let known = memories.withLock({ $0[hash] }), known.until > now { return known.verdict }
        let verdict = try await ask(token)
        memories.withLock { memories in
            if memories.count >= Self.memoryLimit { memories = memories.filter { $0.value.until > now } }
            if memories.count >= Self.memoryLimit { memories = [:] }
            memories[hash] = Memory(verdict: verdict, until: now + Self.memoryDuration)
        }
        return verdict
    }

    private func ask(_ token: String) async throws -> Verdict {
        let review = try await tokens.create(.with { $0.spec.token = token })
        guard let status = review.status, status.authenticated else { return .unknown }
        let access = try await accesses.create(
            .with {
                $0.spec.user = status.user.username
                $0.spec.uid = status.user.uid
                $0.spec.groups = status.user.groups
                $0.spec.nonResourceAttributes.path = "/metrics"
                $0.spec.nonResourceAttributes.verb = "get"
            }
        )
        return access.status?.allowed == true ? .allowed : .refused
    }
}
