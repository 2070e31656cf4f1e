// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What an API asks of a sandbox.
public enum LifecycleRequest: String, Sendable, Hashable, CaseIterable {
    /// To be captured and released.
    case pause
    /// To run again. E2B's connect is this, too.
    case resume
    /// To be deleted.
    case delete
    /// To expire at another time.
    case renew
}

/// The ways of asking, which answer differently.
public enum LifecycleAPI: String, Sendable, Hashable, CaseIterable {
    /// The OpenSandbox Lifecycle API: whatever is not the plain case is 409.
    case openSandboxREST
    /// An edit of a custom resource: nobody is there to be told no, so it is queued if it can come true at all.
    case customResource
    /// The E2B API: what is already so, or about to be, is a success.
    case e2b
}

/// What an API answers to a request.
public enum Admission: Sendable, Hashable {
    /// State the wish: a higher `Intent.generation`, or the new timer.
    case accept
    /// It is so already, or will be without anything being stated: answer success and change nothing.
    case noop
    /// State the wish; it is acted upon when the present transition has ended.
    case queue
    /// Answer no and change nothing.
    case refuse(Refusal)

    /// Why a request is refused.
    public struct Refusal: Sendable, Hashable {
        /// The kinds of refusals that APIs tell apart.
        public enum Code: String, Sendable, Hashable {
            /// There is no such sandbox any more (404).
            case notFound
            /// The sandbox is in a state in which this cannot be asked (409).
            case invalidState
        }

        /// The kind.
        public var code: Code
        /// What to tell.
        public var problem: Problem

        /// Creates a refusal.
        public init(_ code: Code, _ problem: Problem) {
            self.code = code
            self.problem = problem
        }
    }
}

extension Lifecycle {
    /// Says what an API answers to a request, from what is recorded and from what was already asked for.
    ///
    /// The intent counts because a wish may have been stated that the machine has not seen yet: two pauses that arrive
    /// at once are answered as if the second had come later.
    public static func admit(
        _ request: LifecycleRequest,
        intent: Intent,
        recorded: Recorded,
        api: LifecycleAPI
    ) -> Admission {
        admit(request, Standing(intent, recorded.phase.name, acknowledged: recorded.acknowledged), api)
    }

    /// Says what an API answers to a request for all members of an aggregate at once, in the same way.
    public static func admit(
        _ request: LifecycleRequest,
        intent: Intent,
        recorded: AggregateRecord,
        api: LifecycleAPI
    ) -> Admission {
        admit(request, Standing(intent, recorded.phase, acknowledged: recorded.acknowledged), api)
    }

    private static func admit(_ request: LifecycleRequest, _ standing: Standing, _ api: LifecycleAPI) -> Admission {
        switch request {
        case .delete: return standing == .gone ? .refuse(.gone) : standing == .leaving ? .noop : .accept
        case .renew: return standing.isEnding ? .refuse(.gone) : .accept
        case .pause: return admitPause(standing, api)
        case .resume: return admitResume(standing, api)
        }
    }

    private static func admitPause(_ standing: Standing, _ api: LifecycleAPI) -> Admission {
        switch (standing, api) {
        case (.gone, _), (.leaving, _): .refuse(.gone)
        case (.running, _): .accept
        case (.failed, _): .refuse(Admission.Refusal(.invalidState, .nothingToPause))
        case (.paused, .openSandboxREST): .refuse(.cannot("paused", "is paused already"))
        case (.paused, .customResource), (.paused, .e2b): .noop
        case (.pausing, .e2b): .noop
        case (.pausing, .openSandboxREST): .refuse(.cannot("paused", "is being paused already"))
        case (.returning, .openSandboxREST), (.returning, .e2b):
            .refuse(.cannot("paused", "is still going back to running after a pause that did not come about"))
        case (.starting, .openSandboxREST), (.starting, .e2b): .refuse(.cannot("paused", "is still starting"))
        case (.pausing, .customResource), (.returning, .customResource), (.starting, .customResource): .queue
        }
    }

    private static func admitResume(_ standing: Standing, _ api: LifecycleAPI) -> Admission {
        switch (standing, api) {
        case (.gone, _), (.leaving, _): .refuse(.gone)
        case (.paused, _), (.failed, _): .accept
        case (.running, .openSandboxREST): .refuse(.cannot("resumed", "runs already"))
        case (.running, .customResource), (.running, .e2b): .noop
        case (.pausing, .openSandboxREST), (.pausing, .e2b): .refuse(.cannot("resumed", "is being paused"))
        case (.starting, .openSandboxREST), (.returning, .openSandboxREST):
            .refuse(.cannot("resumed", "is on its way to running already"))
        case (.starting, .e2b), (.returning, .e2b): .noop
        case (.pausing, .customResource), (.returning, .customResource), (.starting, .customResource): .queue
        }
    }
}

/// Where a sandbox stands for who asks something of it: its phase, and what it was told and has not begun yet.
private enum Standing {
    case starting, running, pausing, returning, paused, failed, leaving, gone

    var isEnding: Bool { self == .leaving || self == .gone }

    init(_ intent: Intent, _ phase: Phase.Name, acknowledged: Int) {
        let isNew = intent.generation > acknowledged
        switch phase {
        case .deleted: self = .gone
        case .deleting: self = .leaving
        case _ where intent.wish == .deleted: self = .leaving
        case .pending, .resuming: self = .starting
        case .running: self = isNew && intent.wish == .paused ? .pausing : .running
        case .pausing: self = isNew && intent.wish == .running ? .returning : .pausing
        case .sealing, .releasing: self = .pausing
        case .thawing: self = .returning
        case .paused: self = isNew && intent.wish == .running ? .starting : .paused
        case .failed: self = isNew && intent.wish == .running ? .starting : .failed
        }
    }
}

extension Admission.Refusal {
    fileprivate static let gone = Admission.Refusal(
        .notFound,
        Problem("SandboxNotFound", "The sandbox is deleted, or being deleted. Create a new one.")
    )

    fileprivate static func cannot(_ done: String, _ state: String) -> Admission.Refusal {
        Admission.Refusal(
            .invalidState,
            Problem("InvalidState", "The sandbox cannot be \(done) now: it \(state). Look at its state and ask again.")
        )
    }
}
