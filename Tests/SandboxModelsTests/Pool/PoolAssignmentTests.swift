// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// Which pool a sandbox gets that has left the choice to the controller. The first cases are those of upstream's end-to-end tests.
struct PoolAssignmentTests {
    /// A pool whose template has a container with an image and requests.
    static func pool(
        _ name: String,
        image: String? = "python",
        requests: [String: JSONValue] = [:],
        labels: [String: String] = [:],
        nodeSelector: [String: JSONValue] = [:],
        taken: (allocated: Int, total: Int)? = nil
    ) -> Pool {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = labels
            $0.spec.template = image.map { template($0, requests: requests, nodeSelector: nodeSelector) }
            $0.spec.capacitySpec.poolMax = 10
            if let taken {
                $0.status = .with {
                    $0.allocated = taken.allocated
                    $0.total = taken.total
                }
            }
        }
    }

    static func template(
        _ image: String,
        requests: [String: JSONValue] = [:],
        nodeSelector: [String: JSONValue] = [:],
        nodeTerms: [JSONValue]? = nil
    ) -> RawJSON {
        let container: JSONValue = [
            "name": "main", "image": .string(image), "resources": ["requests": .object(requests)],
        ]
        var spec: JSONValue = ["containers": [container], "nodeSelector": .object(nodeSelector)]
        if let nodeTerms {
            let required: JSONValue = ["nodeSelectorTerms": .array(nodeTerms)]
            spec["affinity"] = ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": required]]
        }
        return RawJSON(["spec": spec] as JSONValue)
    }

    static func sandbox(_ template: RawJSON? = nil, labels: [String: String] = [:]) -> BatchSandbox {
        .with {
            $0.metadata.name = "box"
            $0.metadata.labels = labels
            $0.spec.poolRef = "*"
            $0.spec.template = template
        }
    }

    static func expression(_ key: String, _ operation: String, _ values: String...) -> JSONValue {
        [
            "matchExpressions": [
                ["key": .string(key), "operator": .string(operation), "values": .array(values.map { .string($0) })]
            ]
        ]
    }

    private static func chosen(
        _ sandbox: BatchSandbox,
        _ pools: [Pool],
        _ profile: PoolAssignmentProfile = .standard
    ) throws -> String? {
        guard case .pool(let name) = try PoolAssignment.choose(for: sandbox, among: pools, profile) else { return nil }
        return name
    }

    @Test func theOnlyPool() throws {
        #expect(try Self.chosen(Self.sandbox(), [Self.pool("only")]) == "only")
        #expect(try Self.chosen(Self.sandbox(Self.template("python")), [Self.pool("only")]) == "only")
        // What upstream's server writes for a template that is not there.
        let null = try BatchSandbox(json: #"{"metadata":{"name":"box"},"spec":{"poolRef":"*","template":null}}"#)
        #expect(try Self.chosen(null, [Self.pool("only", image: nil)]) == "only")
        #expect(try PoolAssignment.choose(for: Self.sandbox(), among: [], .standard) == .none([]))
    }

    @Test func whatIsPromisedAlready() throws {
        let pools = ["a", "b"].map { Self.pool($0, taken: (allocated: 1, total: 4)) }
        func chosen(_ promised: [String: Int]) throws -> PoolAssignment {
            try PoolAssignment.choose(for: Self.sandbox(), among: pools, .standard, promised: promised)
        }
        #expect(try chosen([:]) == .pool("a"))
        // Those who have their pods are counted once.
        #expect(try chosen(["a": 1]) == .pool("a"))
        #expect(try chosen(["a": 2]) == .pool("b"))
        #expect(try chosen(["a": 7, "b": 6]) == .pool("b"), "more than there are")
        let full = PoolAssignmentProfile(predicates: [.capacity], scorers: [])
        guard
            case .none(let refusals) = try PoolAssignment.choose(
                for: Self.sandbox(),
                among: pools,
                full,
                promised: ["a": 10, "b": 12]
            )
        else {
            Issue.record("chosen beyond what there may be")
            return
        }
        #expect(refusals.map(\.predicate) == ["capacity", "capacity"])
    }

    @Test func theImage() throws {
        let pools = [Self.pool("a", image: "node"), Self.pool("b", image: "python"), Self.pool("c", image: nil)]
        #expect(try Self.chosen(Self.sandbox(Self.template("python")), pools) == "b")
        #expect(try Self.chosen(Self.sandbox(Self.template("node")), pools) == "a")
        let none = try PoolAssignment.choose(
            for: Self.sandbox(Self.template("ruby")),
            among: pools.reversed(),
            .standard
        )
        guard case .none(let refusals) = none else {
            Issue.record("\(none)")
            return
        }
        #expect(refusals.map(\.pool) == ["a", "b", "c"])
        #expect(refusals.allSatisfy { $0.predicate == "image" })
        #expect(refusals[0].description == "a (image): it has node, and the sandbox wants ruby")
    }

    @Test func theNodeSelector() throws {
        let pools = [Self.pool("a", nodeSelector: ["zone": "1"]), Self.pool("b", nodeSelector: ["zone": "2"])]
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: ["zone": "2"])), pools) == "b")
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: ["zone": "3"])), pools) == nil)
        let both: [String: JSONValue] = ["zone": "2", "disk": "fast"]
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: both)), pools) == nil)
    }

    @Test func labelsAndTheNodeSelector() throws {
        let pools = [Self.pool("a"), Self.pool("b", labels: ["zone": "2"])]
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: ["zone": "2"])), pools) == "b")
        // Where its pods are to run goes before what the pool is called.
        let contradiction = Self.pool("c", labels: ["zone": "2"], nodeSelector: ["zone": "1"])
        #expect(
            try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: ["zone": "2"])), [contradiction]) == nil
        )
        #expect(
            try Self.chosen(Self.sandbox(Self.template("python", nodeSelector: ["zone": "1"])), [contradiction]) == "c"
        )
    }

    @Test func labelsAndTheNodeAffinity() throws {
        let pools = [Self.pool("a", labels: ["zone": "1"]), Self.pool("b", labels: ["zone": "2"])]
        let wanted = Self.sandbox(Self.template("python", nodeTerms: [Self.expression("zone", "In", "2", "3")]))
        #expect(try Self.chosen(wanted, pools) == "b")
    }

    @Test func theNodeSelectorAndTheNodeAffinity() throws {
        let pools = [Self.pool("a", nodeSelector: ["zone": "1"]), Self.pool("b", nodeSelector: ["zone": "2"])]
        let wanted = Self.sandbox(Self.template("python", nodeTerms: [Self.expression("zone", "In", "2")]))
        #expect(try Self.chosen(wanted, pools) == "b")
        // Any term is enough, and none of no term.
        let either = [Self.expression("zone", "In", "7"), Self.expression("zone", "NotIn", "1")]
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeTerms: either)), pools) == "b")
        #expect(try Self.chosen(Self.sandbox(Self.template("python", nodeTerms: [])), pools) == "a")
    }

    @Test func theRequests() throws {
        let pools = [
            Self.pool("a", requests: ["cpu": "500m", "memory": "1Gi"]),
            Self.pool("b", requests: ["cpu": 2, "memory": "2Gi"]),
        ]
        func chosen(_ requests: [String: JSONValue]) throws -> String? {
            try Self.chosen(Self.sandbox(Self.template("python", requests: requests)), pools)
        }
        #expect(try chosen(["cpu": "0.5", "memory": "1024Mi"]) == "a")
        #expect(try chosen(["cpu": "501m"]) == "b")
        #expect(try chosen(["memory": "1.5Gi"]) == "b")
        #expect(try chosen(["cpu": "2001m"]) == nil)
        #expect(try chosen(["nvidia.com/gpu": 1]) == nil)
        #expect(try chosen(["nvidia.com/gpu": 0]) == "a")
        // Containers count together.
        let half: JSONValue = ["image": "python", "resources": ["requests": ["cpu": "1100m"]]]
        let both = RawJSON(["spec": ["containers": [half, half]]] as JSONValue)
        #expect(try Self.chosen(Self.sandbox(both), pools) == nil)
    }

    @Test(
        arguments: [
            ("In", "5", true), ("In", "6", false), ("NotIn", "6", true), ("NotIn", "5", false), ("Exists", nil, true),
            ("DoesNotExist", nil, false), ("Gt", "4", true), ("Gt", "5", false), ("Gt", "x", false), ("Gt", nil, false),
            ("Lt", "6", true), ("Lt", "5", false), ("Lt", "-1", false), ("Like", "5", false),
        ] as [(String, String?, Bool)]
    )
    func operators(_ operation: String, _ value: String?, _ isMatch: Bool) throws {
        let pools = [Self.pool("a", labels: ["size": "5"])]
        let term: JSONValue = [
            "matchExpressions": [
                ["key": "size", "operator": .string(operation), "values": .array(value.map { [.string($0)] } ?? [])]
            ]
        ]
        let wanted = Self.sandbox(Self.template("python", nodeTerms: [term]))
        #expect(try Self.chosen(wanted, pools) == (isMatch ? "a" : nil))
    }

    @Test(arguments: [
        ("In", false), ("NotIn", true), ("Exists", false), ("DoesNotExist", true), ("Gt", false), ("Lt", false),
    ])
    func operatorsOnALabelThatIsNotThere(_ operation: String, _ isMatch: Bool) throws {
        let wanted = Self.sandbox(Self.template("python", nodeTerms: [Self.expression("size", operation, "5")]))
        #expect(try Self.chosen(wanted, [Self.pool("a")]) == (isMatch ? "a" : nil))
        // A label that is no number compares with none.
        let word = Self.pool("b", labels: ["size": "large"])
        #expect(try Self.chosen(wanted, [word]) == (operation == "NotIn" || operation == "Exists" ? "b" : nil))
    }

    @Test func labelsOfBoth() throws {
        let profile = PoolAssignmentProfile(predicates: [.labelSelector(keys: ["tier", "team"])], scorers: [])
        let pools = [
            Self.pool("a", labels: ["tier": "long", "team": "x"]),
            Self.pool("b", labels: ["tier": "long", "team": "y"]),
            Self.pool("c", labels: ["tier": "long"]),
        ]
        #expect(try Self.chosen(Self.sandbox(labels: ["tier": "long", "team": "y"]), pools, profile) == "b")
        #expect(try Self.chosen(Self.sandbox(labels: ["tier": "long"]), pools, profile) == nil)
        #expect(try Self.chosen(Self.sandbox(labels: ["tier": "short", "team": "y"]), pools, profile) == nil)
    }

    @Test func scores() throws {
        let pools = [
            Self.pool("a", taken: (8, 10)), Self.pool("b", taken: (1, 10)), Self.pool("c", taken: (2, 20)),
            Self.pool("d", taken: (0, 0)), Self.pool("e"),
        ]
        // Equal scores: the first name, in whatever order they come.
        #expect(try Self.chosen(Self.sandbox(), pools) == "b")
        #expect(try Self.chosen(Self.sandbox(), pools.reversed()) == "b")
        let most = PoolAssignmentProfile(predicates: [], scorers: [.init(.resourceBalance(.mostAllocated), weight: 1)])
        #expect(try Self.chosen(Self.sandbox(), pools, most) == "a")
        let against = PoolAssignmentProfile(
            predicates: [],
            scorers: [
                .init(.resourceBalance(.mostAllocated), weight: 1), .init(.resourceBalance(.leastAllocated), weight: 2),
            ]
        )
        #expect(try Self.chosen(Self.sandbox(), pools, against) == "b")
        #expect(try Self.chosen(Self.sandbox(), [pools[4], pools[3]]) == "d")
    }

    @Test func poolsThatAreNone() throws {
        let broken = Self.pool("broken").with { $0.spec.template = RawJSON(["spec": 5] as JSONValue) }
        let ending = Self.pool("ending").with { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        #expect(try Self.chosen(Self.sandbox(), [broken, ending, Self.pool("z")]) == "z")
        guard
            case .none(let refusals) = try PoolAssignment.choose(
                for: Self.sandbox(),
                among: [broken, ending],
                .standard
            )
        else {
            Issue.record("one was chosen")
            return
        }
        #expect(refusals.map(\.predicate) == [nil, nil])
        #expect(refusals[1].description == "ending: it is being deleted")
        #expect(throws: JSONError.self) {
            try PoolAssignment.choose(for: Self.sandbox(RawJSON("text")), among: [Self.pool("a")], .standard)
        }
        let odd = RawJSON(["spec": ["affinity": ["nodeAffinity": 1]]] as JSONValue)
        #expect(throws: JSONError.self) {
            try PoolAssignment.choose(for: Self.sandbox(odd), among: [Self.pool("a")], .standard)
        }
    }

    @Test func onlyThoseThatAsk() {
        #expect(Self.sandbox().awaitsPool)
        #expect(!Self.sandbox().with { $0.spec.poolRef = "python" }.awaitsPool)
        #expect(!Self.sandbox().with { $0.spec.poolRef = nil }.awaitsPool)
        #expect(!Self.sandbox().with { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }.awaitsPool)
    }

    /// The controller's edit is no word of the owner's.
    @Test(arguments: [nil, false, true]) func theAssignmentIsNoWish(_ pause: Bool?) {
        var sandbox = Self.sandbox(Self.template("python"))
        sandbox.metadata.generation = 3
        sandbox.spec.pause = pause
        let before = sandbox.pauseIntent(after: nil)
        sandbox.spec.poolRef = "a"
        sandbox.metadata.generation = 4
        let after = sandbox.pauseIntent(after: before)
        #expect(after.statements == before.statements)
        #expect(after.wantsPaused == before.wantsPaused)
        #expect(after.generation == 4)
    }
}

extension JSONFields {
    fileprivate func with(_ change: (inout Self) -> Void) -> Self {
        var copy = self
        change(&copy)
        return copy
    }
}
