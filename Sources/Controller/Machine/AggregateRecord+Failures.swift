// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What went wrong between one record and the next, for events and metrics. Phases alone do not tell: several are passed at once
/// where nothing has to be waited for.
extension AggregateRecord {
    /// Why a pause did not come about, if that was found out since an earlier record.
    func newPauseFailure(since before: AggregateRecord) -> Problem? {
        pauseFailure == before.pauseFailure ? nil : pauseFailure
    }

    /// Why a resume did not come about, if that was found out since an earlier record.
    func newResumeFailure(since before: AggregateRecord) -> Problem? {
        guard before.phase == .resuming, phase == .paused || phase == .failed else { return nil }
        return replicas.lazy.compactMap(\.recorded.setback).first { $0.transition == .resume }?.problem ?? failure
    }

    /// Why a replica has failed, if one has.
    var failure: Problem? {
        replicas.lazy.compactMap { member in
            if case .failed(let problem) = member.recorded.phase { problem } else { nil }
        }.first
    }
}
