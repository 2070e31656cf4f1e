// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What counts when a pool is chosen.
public struct PoolAssignmentProfile: Sendable, Hashable {
    /// A scorer with its weight.
    public struct WeightedScorer: Sendable, Hashable {
        /// The scorer.
        public var scorer: PoolAssignmentScorer
        /// What its score is multiplied by.
        public var weight: Int

        /// Creates one.
        public init(_ scorer: PoolAssignmentScorer, weight: Int) {
            self.scorer = scorer
            self.weight = weight
        }
    }

    /// The name of the only profile that is used, as upstream has it.
    public static let name = "default"

    /// What a pool must be like, all of it.
    public var predicates: [PoolAssignmentPredicate]
    /// What makes it better; scores are added up.
    public var scorers: [WeightedScorer]

    /// Creates one.
    public init(predicates: [PoolAssignmentPredicate], scorers: [WeightedScorer]) {
        self.predicates = predicates
        self.scorers = scorers
    }

    /// The one that is used where none is written down: upstream's.
    public static let standard = PoolAssignmentProfile(
        predicates: [.image, .resource, .nodeSelector],
        scorers: [WeightedScorer(.resourceBalance(.leastAllocated), weight: 100)]
    )

    /// Reads the profiles that somebody has written down. Whatever is wrong with them, there is one to go on with.
    ///
    /// - Parameter text: The JSON: a list of profiles, of which the one named `default` counts, the last of several. Nil or
    ///   empty for none.
    /// - Returns: The profile, and what is wrong with the text, in sentences.
    public static func reading(_ text: String?) -> (profile: PoolAssignmentProfile, problems: [String]) {
        guard let text, !text.isEmpty else { return (standard, []) }
        do {
            let written = try [Written](json: text)
            guard let profile = written.last(where: { $0.name == name }) else { return (standard, []) }
            return try profile.understood()
        } catch {
            return (standard, ["The profiles cannot be used, and the built-in one is used instead: \(error)."])
        }
    }

    /// A profile as it is written down.
    private struct Written: JSONFields {
        var name = ""
        var plugins = Plugins()
        var pluginConf: [Configuration] = []
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("plugins", &plugins)
            try fields.field("pluginConf", &pluginConf)
        }

        /// The profile, without the names that mean nothing: newer versions of upstream's controller may know them.
        func understood() throws(JSONError) -> (profile: PoolAssignmentProfile, problems: [String]) {
            var profile = PoolAssignmentProfile(predicates: [], scorers: [])
            var unknown: [String] = []
            for name in plugins.predicate {
                if let predicate = try PoolAssignmentPredicate(name, arguments(of: name)) {
                    profile.predicates.append(predicate)
                } else {
                    unknown.append("predicate '\(name.prefix(80))'")
                }
            }
            for score in plugins.score {
                if let scorer = try PoolAssignmentScorer(score.name, arguments(of: score.name)) {
                    profile.scorers.append(WeightedScorer(scorer, weight: score.weight))
                } else {
                    unknown.append("scorer '\(score.name.prefix(80))'")
                }
            }
            return (profile, unknown.map { "There is no \($0); the profile is used without it." })
        }

        private func arguments(of name: String) -> [String: JSONValue] {
            pluginConf.first { $0.name == name }?.args ?? [:]
        }
    }

    private struct Plugins: JSONFields {
        var predicate: [String] = []
        var score: [Score] = []
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("predicate", &predicate)
            try fields.field("score", &score)
        }
    }

    private struct Score: JSONFields {
        var name = ""
        var weight = 0
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("weight", &weight)
        }
    }

    private struct Configuration: JSONFields {
        var name = ""
        var args: [String: JSONValue] = [:]
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("name", &name)
            try fields.field("args", &args)
        }
    }
}
