// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

/// What people write into the ConfigMap of profiles.
struct PoolAssignmentProfileTests {
    private static let documented = """
        [{"name":"default","plugins":{"predicate":["image","resource","nodeselector","labelselector","capacity"],
        "score":[{"name":"resbalance","weight":7}]},
        "pluginConf":[{"name":"resbalance","args":{"strategy":"MostAllocated"}},
        {"name":"labelselector","args":{"keys":["tier","team"]}}]},
        {"name":"another","plugins":{"predicate":["image"],"score":[]},
        "pluginConf":[{"name":"labelselector","args":{"keys":"no list"}}]}]
        """

    @Test func asDocumented() {
        let (profile, problems) = PoolAssignmentProfile.reading(Self.documented)
        #expect(problems.isEmpty)
        #expect(
            profile
                == PoolAssignmentProfile(
                    predicates: [.image, .resource, .nodeSelector, .labelSelector(keys: ["tier", "team"]), .capacity],
                    scorers: [.init(.resourceBalance(.mostAllocated), weight: 7)]
                )
        )
        #expect(profile.predicates.map(\.name) == ["image", "resource", "nodeselector", "labelselector", "capacity"])
    }

    @Test(arguments: [nil, "", "[]", #"[{"name":"another"}]"#])
    func noneIsTheBuiltInOne(_ text: String?) {
        let (profile, problems) = PoolAssignmentProfile.reading(text)
        #expect(profile == .standard)
        #expect(problems.isEmpty)
        #expect(profile.predicates == [.image, .resource, .nodeSelector])
        #expect(profile.scorers == [.init(.resourceBalance(.leastAllocated), weight: 100)])
    }

    @Test(arguments: [
        "text", "{}", "[", #"[{"name":5}]"#, #"[{"name":"default","plugins":{"predicate":"image"}}]"#,
        #"[{"name":"default","plugins":{"score":[{"name":"resbalance","weight":1.5}]}}]"#,
        #"[{"name":"default","plugins":{"score":[{"name":"resbalance"}]},"pluginConf":[{"name":"resbalance","args":{"strategy":"Most"}}]}]"#,
        #"[{"name":"default","plugins":{"predicate":["labelselector"]},"pluginConf":[{"name":"labelselector","args":{"keys":"tier"}}]}]"#,
    ])
    func anInvalidOneIsToldAndNotUsed(_ text: String) throws {
        let (profile, problems) = PoolAssignmentProfile.reading(text)
        #expect(profile == .standard)
        #expect(try #require(problems.first).contains("the built-in one is used instead"))
    }

    @Test func namesThatMeanNothingAreToldAndLeftOut() {
        let text =
            #"[{"name":"default","plugins":{"predicate":["images","image"],"score":[{"name":"cost","weight":1}]}}]"#
        let (profile, problems) = PoolAssignmentProfile.reading(text)
        #expect(profile == PoolAssignmentProfile(predicates: [.image], scorers: []))
        #expect(problems.count == 2)
        #expect(problems[0].contains("predicate 'images'") && problems[1].contains("scorer 'cost'"))
    }

    @Test func ofTwoTheLastCounts() {
        let text = """
            [{"name":"default","plugins":{"predicate":["image"]}},
            {"name":"default","plugins":{"predicate":["labelselector"],"score":null}}]
            """
        let (profile, _) = PoolAssignmentProfile.reading(text)
        #expect(profile == PoolAssignmentProfile(predicates: [.labelSelector(keys: [])], scorers: []))
    }

    /// Whatever somebody writes, there is a profile, and it chooses a pool or says why not.
    @Test func whateverIsWritten() throws {
        var mutator = Mutator(
            seed: 20_261_130,
            fragments: [
                "null", "[", "}", "\"default\"", "\"labelselector\"", "-1", "1e999", "9223372036854775808", "\u{0}",
                "\"keys\"",
            ]
        )
        let pools = [
            PoolAssignmentTests.pool("a", taken: (1, 2)), PoolAssignmentTests.pool("b", labels: ["tier": "long"]),
        ]
        let sandbox = PoolAssignmentTests.sandbox(PoolAssignmentTests.template("python"), labels: ["tier": "long"])
        var budget = FuzzBudget(4000)
        var understood = 0
        while budget.goesOn() {
            let text = mutator.text(of: [Self.documented])
            let (profile, problems) = PoolAssignmentProfile.reading(text)
            if problems.contains(where: { $0.contains("is used instead") }) {
                #expect(profile == .standard)
            } else {
                understood += 1
            }
            switch try PoolAssignment.choose(for: sandbox, among: pools, profile) {
            case .pool(let name): #expect(name == "a" || name == "b")
            case .none(let refusals): #expect(refusals.map(\.pool) == ["a", "b"])
            }
        }
        // It is no test of the parser of JSON alone.
        #expect(understood > 200)
    }
}
