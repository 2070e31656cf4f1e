// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import SandboxModels
public import SnapshotStore

public import struct Foundation.Date

/// Where the server's sandboxes live: one machine, or a cluster.
///
/// Every method throws `SandboxError` for what its caller can act on; any other error is told to clients as an internal
/// one, without its text. Identifiers come straight from request paths: an implementation answers `notFound` for any
/// string that is not one of its own. A method may be called again after its answer was lost.
public protocol SandboxRuntime: Sendable {
    /// What of that which not all runtimes have this one gives. The API refuses the rest.
    var features: Set<SandboxFeature> { get }

    /// Creates a sandbox and answers when it runs, or when it is certain that it will be started.
    ///
    /// - Parameters:
    ///   - spec: What to run. Quantities and the image's reference are the runtime's to check (`invalidParameter`). Instead
    ///     of an image it may name a snapshot, or a template of the runtime's own.
    ///   - credentials: For this image's registry; not kept after the pull.
    ///   - expiresAt: When the sandbox is deleted, or what else `spec.timeout` says, or nil for never.
    /// - Returns: The sandbox, with the identity that the runtime gave it.
    /// - Throws: `invalidParameter`, `imageUnavailable`, `startFailed`, `unsupported`, `runtimeUnavailable`;
    ///   `snapshotNotFound`, `snapshotNotReady`; for volumes `hostPathNotAllowed`, `invalidHostPath`,
    ///   `hostPathUnavailable`, `invalidSubPath`, `invalidMountPath`, `volumeNotFound`.
    func create(_ spec: SandboxSpec, credentials: ImageCredentials?, expiresAt: Date?) async throws -> Sandbox

    /// What the image of a snapshot says about how to run it, for a request that leaves that out.
    ///
    /// - Parameter credentials: For this image's registry.
    /// - Returns: Nil if it is no snapshot's.
    /// - Throws: `invalidParameter`, `imageUnavailable`.
    func restoreDefaults(ofImage image: String, credentials: ImageCredentials?) async throws -> RestoreDefaults?

    /// One sandbox as it is now.
    ///
    /// - Throws: `notFound`.
    func sandbox(_ id: String) async throws -> Sandbox

    /// What a sandbox was asked for with, its environment and limits included, which ``sandbox(_:)`` may leave out.
    ///
    /// - Throws: `notFound`.
    func specification(of id: String) async throws -> SandboxSpec

    /// All sandboxes as they are now, newest first (by creation, then identity); the API filters and pages them.
    func sandboxes() async throws -> [Sandbox]

    /// Begins to delete a sandbox in whatever state it is. Its compute may end after the answer.
    ///
    /// - Throws: `notFound`.
    func delete(_ id: String) async throws

    /// Begins to pause a sandbox; its status tells how it goes on.
    ///
    /// - Throws: `notFound`; `invalidState` unless it runs; `unsupported` if it can never be paused here.
    func pause(_ id: String) async throws

    /// Begins to resume a sandbox; its status tells how it goes on.
    ///
    /// - Throws: `notFound`; `invalidState` unless it is paused; `unsupported` if it can never be resumed here.
    func resume(_ id: String) async throws

    /// Makes a sandbox expire at another time, earlier or later, in whatever state it is.
    ///
    /// - Parameter date: In the future.
    /// - Throws: `notFound`; `neverExpires` if it was created without a time to live.
    func renew(_ id: String, until date: Date) async throws

    /// Sets metadata of a sandbox in whatever state it is, and removes the keys whose value is nil.
    ///
    /// - Returns: The sandbox as it is then.
    /// - Throws: `notFound`.
    func patchMetadata(_ id: String, _ patch: [String: String?]) async throws -> Sandbox

    /// Begins to take a snapshot of a running sandbox; the snapshot's status tells how it goes on.
    ///
    /// - Parameter name: What its owner calls it, not empty and not necessarily unique.
    /// - Throws: `notFound`; `snapshotSourceNotRunning` unless it runs and is not being captured; `unsupported`.
    func createSnapshot(of id: String, name: String?) async throws -> Snapshot

    /// One snapshot as it is now, whether its sandbox still exists or not.
    ///
    /// - Throws: `snapshotNotFound`.
    func snapshot(_ id: String) async throws -> Snapshot

    /// All snapshots as they are now, in any order; the API filters, sorts and pages them.
    func snapshots() async throws -> [Snapshot]

    /// Begins to delete a snapshot. Sandboxes that were created from it live on.
    ///
    /// - Throws: `snapshotNotFound`; `snapshotBusy` while it is being taken.
    func deleteSnapshot(_ id: String) async throws

    /// The end of what a sandbox has printed, in whole lines; an empty log while there is none.
    ///
    /// - Parameter bytes: How much at most.
    /// - Throws: `notFound`.
    func log(of id: String, atMost bytes: Int) async throws -> SandboxLog

    /// What happened to a sandbox, oldest first; how far back is the runtime's to say.
    ///
    /// - Throws: `notFound`.
    func events(of id: String) async throws -> [SandboxEvent]

    /// Where a port of a running sandbox is reached. Nobody checks that something listens there.
    ///
    /// - Parameter port: 1 to 65535.
    /// - Throws: `notFound`; `addressUnavailable` while it is paused, resuming or not up yet, so that clients ask again
    ///   instead of using a stale address.
    func endpoint(_ id: String, port: Int) async throws -> SandboxEndpoint

    /// The headers that a client has to send along to a port of a sandbox, in whatever state it is.
    ///
    /// - Throws: `notFound`.
    func endpointHeaders(_ id: String, port: Int) async throws -> [String: String]

    /// One sandbox as it is now, and then after each change of it; a change of its address counts as one. Of several changes
    /// that nobody has read only the newest is kept. The stream ends when the sandbox is gone.
    ///
    /// - Throws: `notFound`.
    func changes(of id: String) async throws -> AsyncStream<Sandbox>

    /// Hears that a sandbox is used, not more than about once a second for each. It answers soon: the next one waits for it.
    ///
    /// - Parameter date: When it was used.
    func recordAccess(_ id: String, at date: Date) async

    // MARK: Owners and templates

    /// The sandboxes of one owner as they are now, in any order.
    func sandboxes(of owner: String) async throws -> [Sandbox]

    /// What sandboxes can be created from by a name that the runtime itself knows; see `SandboxSpec.template`. A spec with
    /// such a name has no image: what it leaves empty is the template's.
    func templates() async throws -> [SandboxTemplateSummary]

    // MARK: Timeouts

    // What these three change is one durable write, and what happens by itself is decided from what was written before: of a
    // pause, a deletion, a timeout's end and a change of it at once, one is first, and the others are told so.

    /// Makes the time of a running sandbox end at another date, earlier or later. What happens then is its policy's. One that
    /// has no end is left without.
    ///
    /// - Parameters:
    ///   - date: In the future.
    ///   - onlyIfLater: Whether an end that is later already stays.
    /// - Throws: `notFound`, also when its time is over; `invalidState` unless it runs.
    func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) async throws

    /// Begins to pause a sandbox unless it is paused or being paused already. From then on it is not seen running unless the
    /// pause has failed, and then its status has a message.
    ///
    /// - Parameter retention: For how long it is kept; nil: as its policy says.
    /// - Throws: `notFound`, also when its time is over; `invalidState` if it is on its way to running, or has failed.
    func pause(_ id: String, keptFor retention: PausedRetention?) async throws

    /// Makes sure that a sandbox runs or is on its way, and that it has time at least until a date from then on. From then on
    /// it is not seen paused unless the resume has failed, and then its status has a message.
    ///
    /// - Parameter date: What a resumed one gets, unless its policy gives it more; one that runs only gets more than it has.
    ///   One that has no end is left without.
    /// - Returns: Whether it had to be resumed.
    /// - Throws: `notFound`, also when its time is over; `invalidState` while it is being paused.
    func connect(_ id: String, until date: Date) async throws -> Bool

    // MARK: Snapshots with options

    /// Begins to take a snapshot of a running sandbox; the snapshot's status tells how it goes on.
    ///
    /// - Throws: As ``createSnapshot(of:name:)``; `unsupported` for options that this runtime cannot do.
    func createSnapshot(of id: String, options: SnapshotOptions) async throws -> Snapshot

    /// A snapshot once it is ready or has failed, or as it is when the time is over.
    ///
    /// - Throws: `snapshotNotFound`, also when it goes meanwhile.
    func settledSnapshot(_ id: String, within limit: Duration) async throws -> Snapshot

    /// What a running sandbox uses now; nil if nobody knows.
    ///
    /// - Throws: `notFound`.
    func usage(of id: String) async throws -> SandboxUsage?

    // MARK: Moves

    /// Whether several servers see the moves of this runtime's sandboxes, so that one has to say that it carries a move out.
    var sharesMoves: Bool { get }

    /// The sandboxes that have an open move, and then each that gets one.
    func moves() -> AsyncStream<String>

    /// What of a sandbox travels to another server.
    ///
    /// - Throws: `notFound`; `unsupported`.
    func luggage(of id: String) async throws -> Luggage

    /// Writes down what becomes of a sandbox's move: all at once, durably, and bound to the state of both that `edit` has seen.
    /// From then on the sandbox is not resumed as long as its move forbids it.
    ///
    /// - Returns: The move as it is then.
    /// - Throws: `notFound`; `unsupported`; what `edit` throws.
    func editMove(of id: String, _ edit: @Sendable (Move?, Sandbox) throws -> Move?) async throws -> Move?

    /// Keeps what a paused sandbox would be resumed from for ever, because one of another server starts from it.
    ///
    /// - Throws: `notFound`; `unsupported`.
    func lendImages(of id: String) async throws

    /// Begins to delete a sandbox that has moved away, if it is still the one whose move this was.
    ///
    /// - Throws: `notFound`, also if it is another one; `unsupported`.
    func deleteMoved(_ id: String, by moveID: String) async throws

    /// Makes sure that a creation with this key has no sandbox, and never will. If one is under way, its end is waited for.
    ///
    /// - Parameter chosenID: The identity that it has asked for.
    /// - Returns: The sandbox that it has, if it has one; then nothing was promised.
    /// - Throws: `invalidState` while that sandbox is being deleted; `unsupported`.
    func refuse(request key: String, chosenID: String?) async throws -> Sandbox?

    // MARK: Pools

    /// Creates a pool of ready sandboxes.
    ///
    /// - Parameter template: The pod template of its sandboxes, as Kubernetes writes it.
    /// - Throws: `poolExists`; `poolsUnsupported`; `invalidParameter`; `runtimeUnavailable`.
    func createPool(_ name: String, template: RawJSON, capacity: PoolCapacity) async throws -> SandboxPool

    /// One pool as it is now.
    ///
    /// - Throws: `poolNotFound`; `poolsUnsupported`.
    func pool(_ name: String) async throws -> SandboxPool

    /// All pools as they are now, by name.
    ///
    /// - Throws: `poolsUnsupported`.
    func pools() async throws -> [SandboxPool]

    /// Gives a pool another capacity.
    ///
    /// - Returns: The pool as it is then.
    /// - Throws: `poolNotFound`; `poolsUnsupported`; `invalidParameter`; `runtimeUnavailable`.
    func resizePool(_ name: String, to capacity: PoolCapacity) async throws -> SandboxPool

    /// Deletes a pool and its idle sandboxes.
    ///
    /// - Throws: `poolNotFound`; `poolsUnsupported`; `runtimeUnavailable`.
    func deletePool(_ name: String) async throws
}

/// What a runtime does that has nothing better to do.
extension SandboxRuntime {
    /// Those of the endpoint, and none while there is no endpoint.
    public func endpointHeaders(_ id: String, port: Int) async throws -> [String: String] {
        do {
            return try await endpoint(id, port: port).headers
        } catch let error as SandboxError where error.code == .addressUnavailable {
            return [:]
        }
    }

    /// What it says of itself.
    public func specification(of id: String) async throws -> SandboxSpec { try await sandbox(id).spec }
    /// It says nothing.
    public func restoreDefaults(ofImage image: String, credentials: ImageCredentials?) async throws -> RestoreDefaults?
    {
        nil
    }

    /// Nothing.
    public func recordAccess(_ id: String, at date: Date) async {}

    /// Those of all whose owner it is.
    public func sandboxes(of owner: String) async throws -> [Sandbox] {
        try await sandboxes().filter { $0.spec.owner == owner }
    }

    /// Looks again and again, ever more rarely.
    public func settledSnapshot(_ id: String, within limit: Duration) async throws -> Snapshot {
        let end = ContinuousClock.now + limit
        var delay = Duration.milliseconds(20)
        while true {
            let snapshot = try await snapshot(id)
            guard snapshot.status.state == .creating, ContinuousClock.now < end else { return snapshot }
            try await Task.sleep(for: min(delay, end - .now))
            delay = min(delay * 2, .milliseconds(500))
        }
    }

    /// One with no more than a name. What else there may be is refused.
    public func createSnapshot(of id: String, options: SnapshotOptions) async throws -> Snapshot {
        guard options == SnapshotOptions(name: options.name) else {
            throw SandboxError(.unsupported, "This server's snapshots have neither owners nor options.")
        }
        return try await createSnapshot(of: id, name: options.name)
    }
}

/// What a runtime answers that has no more than all have.
extension SandboxRuntime {
    /// None.
    public var features: Set<SandboxFeature> { [] }
    /// None.
    public func templates() async throws -> [SandboxTemplateSummary] { [] }
    /// Nobody knows.
    public func usage(of id: String) async throws -> SandboxUsage? {
        _ = try await sandbox(id)
        return nil
    }
    /// It cannot.
    public func setTimeout(_ id: String, to date: Date, onlyIfLater: Bool) async throws {
        throw SandboxError.noTimeouts
    }
    /// It cannot.
    public func pause(_ id: String, keptFor retention: PausedRetention?) async throws { throw SandboxError.noTimeouts }
    /// It cannot.
    public func connect(_ id: String, until date: Date) async throws -> Bool { throw SandboxError.noTimeouts }
    /// It has none.
    public var sharesMoves: Bool { false }
    /// There are none.
    public func moves() -> AsyncStream<String> { AsyncStream { $0.finish() } }
    /// It cannot.
    public func luggage(of id: String) async throws -> Luggage {
        _ = try await sandbox(id)
        throw SandboxError.noMoves
    }
    /// It cannot.
    public func editMove(
        of id: String,
        _ edit: @Sendable (Move?, Sandbox) throws -> Move?
    ) async throws -> Move? {
        _ = try await sandbox(id)
        throw SandboxError.noMoves
    }
    /// It cannot.
    public func deleteMoved(_ id: String, by moveID: String) async throws { throw SandboxError.noMoves }
    /// It cannot.
    public func lendImages(of id: String) async throws { throw SandboxError.noMoves }
    /// It cannot.
    public func refuse(request key: String, chosenID: String?) async throws -> Sandbox? { throw SandboxError.noMoves }
    /// There are none.
    public func createPool(
        _ name: String,
        template: RawJSON,
        capacity: PoolCapacity
    ) async throws -> SandboxPool {
        throw SandboxError.noPools
    }
    /// There are none.
    public func pool(_ name: String) async throws -> SandboxPool { throw SandboxError.noPools }
    /// There are none.
    public func pools() async throws -> [SandboxPool] { throw SandboxError.noPools }
    /// There are none.
    public func resizePool(_ name: String, to capacity: PoolCapacity) async throws -> SandboxPool {
        throw SandboxError.noPools
    }
    /// There are none.
    public func deletePool(_ name: String) async throws { throw SandboxError.noPools }
}

extension SandboxError {
    static let noTimeouts = SandboxError(
        .unsupported,
        "This server's runtime does not know what the E2B API asks of it."
    )
    static let noMoves = SandboxError(.unsupported, "This server's sandboxes cannot move.")
    static let noPools = SandboxError(
        .poolsUnsupported,
        "Pools are a feature of the Kubernetes runtime, which this server does not have."
    )
}
