// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import KubeModels
public import Logging
import ServiceLifecycle

public import struct Foundation.Date

/// Sees to it that of several candidates only one works: the one that holds a lease.
///
/// Clocks of different machines are never compared: who waits for a lease counts from when it saw it change, and who holds it
/// counts from before it asked for it. So a leader that cannot renew it stops before anybody else begins, whatever their clocks
/// say, as long as they run at about the same speed.
///
/// What it asks of the API server has connections and a rate limit of its own: renewing does not wait for the work's requests.
public struct LeaderElector: Sendable {
    private let leases: ResourceClient<Lease>
    private let name: String
    private let identity: String
    private let timing: ElectionTiming
    private let timeline: Timeline
    private let wallTime: @Sendable () -> MicroTime
    private let logger: Logger

    /// Creates a candidate.
    ///
    /// - Parameters:
    ///   - leases: the leases of one namespace.
    ///   - name: which of them; the same for all candidates.
    ///   - identity: what tells this candidate from all others, also from itself after a restart: such as the pod's name and
    ///     something random.
    ///   - clock: by which time is measured. It must go on while the process is stopped.
    ///   - wallTime: the time of day, which leases tell to people.
    public init(
        _ leases: ResourceClient<Lease>,
        name: String,
        identity: String,
        timing: ElectionTiming = ElectionTiming(),
        clock: any Clock<Duration> = .continuous,
        wallTime: @escaping @Sendable () -> MicroTime = { MicroTime(Date()) },
        logger: Logger
    ) {
        precondition(!identity.isEmpty, "a candidate without an identity would be taken for nobody")
        // Two requests an attempt, and several attempts between two pauses at the very most.
        self.leases = leases.reserved(RateLimit(requestsPerSecond: 10, burst: 20))
        self.name = name
        self.identity = identity
        self.timing = timing
        timeline = Timeline(clock)
        self.wallTime = wallTime
        self.logger = logger
    }

    /// Waits until it is the leader, and works.
    ///
    /// When the work returns, or the task is cancelled and the work has ended, the lease is released for others. It is renewed
    /// until then: nobody else begins before.
    ///
    /// A service that is told to shut down does not wait for the lease any longer: it is as if its task were cancelled. Work that
    /// has begun is told, too, and is not cancelled.
    ///
    /// - Parameter work: what the leader does. Cancelled when leadership is lost; it should then end at once.
    /// - Returns: what the work does.
    /// - Throws: what the work throws; `LeadershipLost` when the lease was lost and the work has ended, after which one can begin
    ///   anew; `CancellationError`.
    public func run<Result: Sendable>(
        _ work: @escaping @Sendable (Leadership) async throws -> Result
    ) async throws -> Result {
        var (observation, validUntil) = try await cancelWhenGracefulShutdown { try await acquire() }
        let validity = Leadership.Validity(timeline, until: validUntil)
        let term = observation.lease?.spec.leaseTransitions ?? 0
        let leadership = Leadership(identity: identity, term: term, validity: validity)
        logger.info("leading", metadata: ["lease": "\(name)", "identity": "\(identity)", "term": "\(term)"])

        // Not a child task: it goes on until the work has ended, also after this task was cancelled. Then it is ended and awaited.
        let renewal = Task { [observation] in await renew(observation, validity) }
        let outcome = await outcome(of: work, leadership, renewal)
        renewal.cancel()
        let end = await renewal.value
        observation = end.observation

        if outcome.isLost {
            logger.warning("not leading any more", metadata: ["lease": "\(name)", "identity": "\(identity)"])
            throw LeadershipLost(identity: identity, cause: end.failure)
        }
        validity.revoke()
        if !end.isLost { await release(observation) }
        return try outcome.result.get()
    }

    // MARK: Acquiring

    /// Returns when we hold the lease: what we know of it, and until when we may go on.
    private func acquire() async throws -> (LeaseObservation, Duration) {
        var observation = LeaseObservation(identity: identity, timing: timing)
        var lastHolder: String?
        while true {
            let start = timeline.now
            do {
                // No longer than a leader has: what is written later than that says nothing about now.
                let attempt = observation
                let tried = try await timeline.run(until: start + timing.renewDeadline) { try await take(attempt) }
                if let tried {
                    observation = tried.observation
                    if tried.isWritten, timeline.now < start + timing.renewDeadline {
                        return (observation, start + timing.renewDeadline)
                    }
                }
            } catch {
                try Task.checkCancellation()
                logger.warning("could not look at a lease", metadata: ["lease": "\(name)", "error": "\(error)"])
            }
            if let holder = observation.holder, holder != lastHolder {
                logger.info("another one leads", metadata: ["lease": "\(name)", "leader": "\(holder)"])
                lastHolder = holder
            }
            // By chance, so that candidates do not come all at once.
            try await timeline.sleep(for: timing.retryPeriod * Double.random(in: 1...1.2))
        }
    }

    private struct Attempt: Sendable {
        var observation: LeaseObservation
        /// Whether this attempt has made the lease ours, or has renewed it. That it is ours is not enough: others may have seen so
        /// long ago.
        var isWritten: Bool
    }

    /// Looks at the lease and writes it if we may.
    private func take(_ observation: LeaseObservation) async throws -> Attempt {
        var observation = observation
        observation.observe(try await leases.find(name), at: timeline.now)
        switch observation.step(at: timeline.now, wallTime: wallTime()) {
        case .wait: return Attempt(observation: observation, isWritten: false)
        case .create(var lease):
            lease.metadata.name = name
            return try await write(lease, observation) { try await leases.create($0) }
        case .replace(let lease):
            return try await write(lease, observation) { try await leases.replace($0) }
        }
    }

    private func write(
        _ lease: Lease,
        _ observation: LeaseObservation,
        _ request: (Lease) async throws -> Lease
    ) async throws -> Attempt {
        var observation = observation
        do {
            observation.observe(try await request(lease), at: timeline.now)
            return Attempt(observation: observation, isWritten: true)
        } catch let error as KubeError where error.isConflict || error.isAlreadyExists || error.isNotFound {
            // Somebody else has written it. Or it was we, in this very attempt, and the answer was lost.
            let found = try await leases.find(name)
            observation.observe(found, at: timeline.now)
            return Attempt(observation: observation, isWritten: found?.spec == lease.spec)
        }
    }

    // MARK: Renewing

    private struct RenewalEnd: Sendable {
        var observation: LeaseObservation
        var failure: (any Error)?
        var isLost: Bool
    }

    /// Renews the lease until it is lost or the task is cancelled.
    private func renew(_ first: LeaseObservation, _ validity: Leadership.Validity) async -> RenewalEnd {
        var end = RenewalEnd(observation: first, failure: nil, isLost: false)
        while true {
            do {
                try await timeline.sleep(until: min(timeline.now + timing.retryPeriod, validity.time))
            } catch {
                return end
            }
            // The process may have been stopped meanwhile.
            if validity.isOver {
                end.isLost = true
                return end
            }
            let start = timeline.now
            let last = end.observation
            do {
                let renewed = try await timeline.run(until: validity.time) { try await extend(last) }
                if let renewed {
                    end.observation = renewed.observation
                    if renewed.observation.holder != identity {
                        validity.revoke()
                    } else if renewed.isWritten, !validity.isOver {
                        end.failure = nil
                        validity.extend(to: start + timing.renewDeadline)
                    }
                }
            } catch {
                if Task.isCancelled { return end }
                end.failure = error
                logger.warning("could not renew a lease", metadata: ["lease": "\(name)", "error": "\(error)"])
            }
            if validity.isOver {
                end.isLost = true
                return end
            }
        }
    }

    /// Writes the lease once more, without looking at it first.
    private func extend(_ observation: LeaseObservation) async throws -> Attempt {
        guard case .replace(let lease) = observation.step(at: timeline.now, wallTime: wallTime()) else {
            return try await take(observation)
        }
        let attempt = try await write(lease, observation) { try await leases.replace($0) }
        // Somebody else may have written its labels, or deleted it.
        let isFree = attempt.observation.holder == nil || attempt.observation.holder == identity
        return attempt.isWritten || !isFree ? attempt : try await take(attempt.observation)
    }

    // MARK: Working

    private struct Outcome<Result: Sendable>: Sendable {
        var result: Swift.Result<Result, any Error>
        /// Whether the work was cancelled because leadership was lost.
        var isLost: Bool
    }

    private func outcome<Result: Sendable>(
        of work: @escaping @Sendable (Leadership) async throws -> Result,
        _ leadership: Leadership,
        _ renewal: Task<RenewalEnd, Never>
    ) async -> Outcome<Result> {
        await withTaskGroup(of: Outcome<Result>?.self) { group in
            group.addTask {
                do {
                    return Outcome(result: .success(try await work(leadership)), isLost: false)
                } catch {
                    return Outcome(result: .failure(error), isLost: false)
                }
            }
            group.addTask {
                _ = await renewal.value
                return nil
            }
            guard let first = await group.next() else { preconditionFailure("two tasks end twice") }
            if let outcome = first {
                renewal.cancel()
                group.cancelAll()
                return outcome
            }
            let lostAt = timeline.now
            group.cancelAll()
            guard let second = await group.next(), var outcome = second else {
                preconditionFailure("the work ends once")
            }
            let overrun = timeline.now - lostAt - (timing.leaseDuration - timing.renewDeadline)
            if overrun > .zero {
                logger.critical(
                    "the work ended only after another could lead; it must end sooner when it is cancelled",
                    metadata: ["lease": "\(name)", "by": "\(overrun)"]
                )
            }
            outcome.isLost = true
            return outcome
        }
    }

    // MARK: Releasing

    /// Gives the lease to whoever wants it. If that fails, it runs out by itself.
    private func release(_ observation: LeaseObservation) async {
        // Also when this task was cancelled; awaited, and not for long.
        await Task {
            do {
                let isReleased = try await timeline.run(until: timeline.now + timing.renewDeadline) {
                    var observation = observation
                    while true {
                        // A renewal that was cut off may have been written.
                        observation.observe(try await leases.find(name), at: timeline.now)
                        guard let lease = observation.released(wallTime: wallTime()) else { return true }
                        do {
                            _ = try await leases.replace(lease)
                            return true
                        } catch let error as KubeError where error.isConflict {
                            continue
                        }
                    }
                }
                guard isReleased == true else { return }
                logger.info("released a lease", metadata: ["lease": "\(name)", "identity": "\(identity)"])
            } catch {
                logger.warning(
                    "could not release a lease, which others now have to wait for",
                    metadata: ["lease": "\(name)", "error": "\(error)"]
                )
            }
        }.value
    }
}
