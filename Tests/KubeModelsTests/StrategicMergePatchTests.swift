// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

/// Strategic merge patches do what those of API servers do.
struct StrategicMergePatchTests {
    private func patched(_ target: String, _ patch: String, _ rules: MergeRules = .pod) throws -> JSONValue {
        try StrategicMergePatch(JSONValue(json: patch)).applied(to: JSONValue(json: target), rules)
    }

    /// Target, patch, outcome.
    @Test(arguments: [
        // Members: set, replaced, removed, and merged where both are objects.
        (#"{"a":1,"b":{"c":1,"d":2}}"#, #"{"a":2,"b":{"c":null,"e":3},"f":null}"#, #"{"a":2,"b":{"d":2,"e":3}}"#),
        (#"{"a":1}"#, #"{"a":{"b":null,"c":1}}"#, #"{"a":{"c":1}}"#),
        (#"{"a":{"b":1}}"#, #"{"a":1}"#, #"{"a":1}"#),
        // Lists that the API merges, by their keys; elements that are new come last.
        (
            #"{"spec":{"containers":[{"name":"a","image":"1","tty":true},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"name":"c"},{"name":"a","image":"2","tty":null}]}}"#,
            #"{"spec":{"containers":[{"name":"a","image":"2"},{"name":"b"},{"name":"c"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"}],"args":["1"],"ports":[{"containerPort":80}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"2"},{"name":"Y"}],"args":["2"],"ports":[{"containerPort":80,"name":"web"}]}]}}"#,
            #"{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"2"},{"name":"Y"}],"args":["2"],"ports":[{"containerPort":80,"name":"web"}]}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a","volumeMounts":[{"mountPath":"/x","name":"v"}]}],"tolerations":[{"key":"k"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","volumeMounts":[{"mountPath":"/x","readOnly":true}]}],"tolerations":[{"key":"l"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","volumeMounts":[{"mountPath":"/x","name":"v","readOnly":true}]}],"tolerations":[{"key":"l"}]}}"#
        ),
        // Lists of words are united.
        (
            #"{"metadata":{"finalizers":["a","b"]}}"#, #"{"metadata":{"finalizers":["b","c","c"]}}"#,
            #"{"metadata":{"finalizers":["a","b","c"]}}"#
        ),
        (
            #"{"metadata":{"finalizers":["a","b"]}}"#, #"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#,
            #"{"metadata":{"finalizers":["b"]}}"#
        ),
        // Directives.
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}"#,
            #"{"spec":{"containers":[{"name":"b"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            #"{"spec":{"containers":[{"$patch":"replace"},{"name":"c"}]}}"#,
            #"{"spec":{"containers":[{"name":"c"}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a","image":"1","tty":true}]}}"#,
            #"{"spec":{"containers":[{"name":"a","$patch":"replace","image":"2"}]}}"#,
            #"{"spec":{"containers":[{"name":"a","image":"2"}]}}"#
        ),
        (#"{"a":{"b":1}}"#, #"{"a":{"$patch":"replace","c":1}}"#, #"{"a":{"c":1}}"#),
        (#"{"a":{"b":1}}"#, #"{"a":{"$patch":"delete"}}"#, #"{"a":{}}"#),
        (#"{"a":{"b":1}}"#, #"{"a":{"$patch":"merge","c":1}}"#, #"{"a":{"b":1,"c":1}}"#),
        (
            #"{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/p"}}]}}"#,
            #"{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/p"}}]}}"#
        ),
        (
            #"{"spec":{"containers":[{"name":"a"},{"name":"x"},{"name":"b"}]}}"#,
            #"{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"b","tty":true}]}}"#,
            #"{"spec":{"containers":[{"name":"b","tty":true},{"name":"a"},{"name":"x"}]}}"#
        ),
    ])
    func changesWhatItSays(_ target: String, _ patch: String, _ expected: String) throws {
        #expect(try patched(target, patch) == JSONValue(json: expected))
    }

    @Test(arguments: [
        ("[]", ""), ("1", ""), (#"{"spec":{"containers":[{"image":"x"}]}}"#, "spec.containers.0"),
        (#"{"spec":{"containers":["x"]}}"#, "spec.containers.0"), (#"{"a":{"$patch":"burn"}}"#, "a.$patch"),
        (#"{"$retainKeys":["a"],"b":1}"#, "$retainKeys"), (#"{"$retainKeys":1}"#, "$retainKeys"),
        (#"{"$deleteFromPrimitiveList/x":1}"#, "$deleteFromPrimitiveList/x"), (#"{"$unheard/x":[]}"#, "$unheard/x"),
    ])
    func refusesWhatMakesNoSense(_ patch: String, _ place: String) throws {
        let error = try #require(throws: JSONError.self) {
            try patched(#"{"spec":{"containers":[{"name":"a"}]}}"#, patch)
        }
        #expect(error.path.joined(separator: ".") == place)
    }
}
