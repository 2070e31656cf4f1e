// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// One thing to do about a sandbox: it names what to do and carries no template.
///
/// An action is asked for again and again until an observation shows that it is done, so whoever carries it out makes
/// it idempotent: begun already, it is not begun a second time; done already, nothing happens. It may also come late,
/// from a process that was cut off: its number or uid keeps it from touching anything but what it was meant for.
public enum Action: Sendable, Hashable {
    /// Create the compute of this attempt, from the artifact or else as the sandbox's specification says. Only while
    /// no compute of any attempt exists, and only while the record that led here still stands.
    case createCompute(attempt: Int, from: Artifact?)
    /// Delete the compute of this attempt, whatever its state, frozen or not, and no other one.
    case deleteCompute(attempt: Int)
    /// Check in the store that the artifact can be restored, once for this attempt.
    case verifyArtifact(Artifact, attempt: Int)
    /// Freeze, capture, make durable, and keep the sandbox frozen until it is sealed, abandoned, or this date, after
    /// which nothing is frozen any more. A uid that was thawed before is not frozen again: the capture has failed.
    /// No two captures give artifacts of the same digest, so the uid is part of what is stored.
    case capture(uid: String, until: Date)
    /// Ask the holder of the freeze for the point of no return, which it records before it answers.
    case seal(uid: String)
    /// End the capture and thaw. Never asked for once `seal` was, unless the holder answered that it thawed.
    case abandon(uid: String)
    /// Delete the compute of this attempt so that nothing restarts it, and kill its processes while they are frozen.
    case release(uid: String, attempt: Int)
    /// End what may still run of this capture, remove its traces, and keep it from being begun again. It is the
    /// last that is heard of this uid.
    case forgetCapture(uid: String)
    /// This sandbox needs the artifact no more: delete it from the store, unless something else refers to it.
    case deleteArtifact(Artifact)
}
