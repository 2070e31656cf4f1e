// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How far the process of a task is: one of its fields, or none if nothing is known yet.
public struct ExecutorProcessStatus: JSONFields {
    /// It does not run yet.
    public var waiting: Waiting?
    /// It runs.
    public var running: Running?
    /// It has ended.
    public var terminated: Terminated?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("waiting", &waiting)
        try fields.field("running", &running)
        try fields.field("terminated", &terminated)
    }

    /// Why a process does not run yet.
    public struct Waiting: JSONFields {
        /// In one word.
        public var reason: String?
        /// In a sentence.
        public var message: String?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("reason", &reason)
            try fields.field("message", &message)
        }
    }

    /// Since when a process runs.
    public struct Running: JSONFields {
        /// Since when.
        public var startedAt: Timestamp?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("startedAt", &startedAt)
        }
    }

    /// How a process has ended.
    public struct Terminated: JSONFields {
        /// What it has exited with.
        public var exitCode = 0
        /// The signal that has ended it, if an executor tells that.
        public var signal: Int?
        /// Why, in one word; see `Reason`.
        public var reason: String?
        /// Why, in a sentence.
        public var message: String?
        /// When it was started.
        public var startedAt: Timestamp?
        /// When it ended.
        public var finishedAt: Timestamp?
        /// What this type has no fields for.
        public var unknownFields = UnknownFields()

        /// Creates an empty one.
        public init() {}

        /// Its fields.
        public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("exitCode", &exitCode)
            try fields.field("signal", &signal)
            try fields.field("reason", &reason)
            try fields.field("message", &message)
            try fields.field("startedAt", &startedAt)
            try fields.field("finishedAt", &finishedAt)
        }

        /// The words in which executors say why a process has ended.
        public enum Reason {
            /// It has exited with 0.
            public static let succeeded = "Succeeded"
            /// It has exited with something else.
            public static let failed = "Failed"
            /// It ran for longer than it may, and was ended.
            public static let timeout = "TaskTimeout"
            /// It is gone, and nobody knows what it exited with.
            public static let crashed = "ProcessCrashed"
        }
    }
}
