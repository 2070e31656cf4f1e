// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import TestSupport
import Testing

/// Selectors, as `k8s.io/apimachinery/pkg/labels` has them.
struct LabelTests {
    @Test(arguments: [
        ("", ""), ("  ", ""), ("a=b", "a=b"), ("a==b", "a=b"), ("a!=b", "a!=b"), ("a", "a"), ("!a", "!a"),
        ("! a", "!a"),
        ("a in (x,y)", "a in (x,y)"), ("a in (y,x,x)", "a in (x,y)"), ("a notin (x)", "a notin (x)"), ("a>1", "a>1"),
        ("a<1", "a<1"), ("a=,b=", "a=,b="), ("a in (,x)", "a in (,x)"), ("a in (x,)", "a in (,x)"), ("z,a", "a,z"),
        (" a = b , c in ( d , e ) ", "a=b,c in (d,e)"), ("example.com/a=b", "example.com/a=b"),
        ("in=notin", "in=notin"),
        ("a in (in,notin)", "a in (in,notin)"), ("a\tin\n(b)", "a in (b)"), ("x in (a)(", "?"),
    ])
    func readsTexts(_ text: String, _ printed: String) throws {
        if printed == "?" {
            #expect(throws: LabelError.self) { try LabelQuery(parsing: text) }
            return
        }
        let query = try LabelQuery(parsing: text)
        #expect(query.description == printed)
        #expect(try LabelQuery(parsing: printed).description == printed)
    }

    @Test(arguments: [
        ",", "a,", "a,,b", "=b", "a=b=c", "a in", "a in ()", "a in (", "a in (x", "a in x", "a notin ()", "!a=b", "!",
        "!!a",
        "a>b", "a>", "a<1.5", "a b", "(a)", "a in (x))", "-a", "a-", "a=b!", "a=-b", "a/b/c", "/a", "a/", "A_/b", "a=é",
        "a in (x y)", "a in (\u{0})",
    ])
    func refusesWhatTheServerWould(_ text: String) {
        #expect(throws: LabelError.self, "\(text)") { try LabelQuery(parsing: text) }
    }

    @Test(arguments: [
        ("", true), ("app=web", true), ("app=db", false), ("app!=db", true), ("none!=x", true), ("app!=web", false),
        ("app", true), ("none", false), ("!none", true), ("!app", false), ("app in (web,db)", true),
        ("app in (db)", false),
        ("none in (db)", false), ("app notin (db)", true), ("none notin (db)", true), ("app notin (web)", false),
        ("size>4", true), ("size>5", false), ("size<6", true), ("app>1", false), ("none<1", false), ("empty=", true),
        ("empty", true), ("none=", false), ("app=web,size<1", false), ("app=web,size>1", true),
    ])
    func matchesAsTheServerDoes(_ text: String, _ isMatch: Bool) throws {
        #expect(try LabelQuery(parsing: text).matches(["app": "web", "size": "5", "empty": ""]) == isMatch)
    }

    @Test func understandsSelectorsInObjects() throws {
        let selector = try LabelSelector(
            json:
                #"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["d"]},{"key":"e","operator":"Exists"}]}"#
        )
        let query = try LabelQuery(selector)
        #expect(query.description == "a=b,c notin (d),e")
        #expect(query.matches(["a": "b", "e": ""]))
        #expect(!query.matches(["a": "b", "c": "d", "e": ""]))
        #expect(try LabelQuery(LabelSelector()).matches([:]))
        for bad in [
            #"{"key":"a","operator":"In"}"#, #"{"key":"a","operator":"Exists","values":["x"]}"#,
            #"{"key":"a","operator":"Gt","values":["1"]}"#, #"{"key":"","operator":"Exists"}"#,
        ] {
            let selector = LabelSelector.with {
                $0.matchExpressions = [(try? LabelSelectorRequirement(json: bad)) ?? .init()]
            }
            #expect(throws: LabelError.self) { try LabelQuery(selector) }
        }
    }

    @Test func printsAnEmptyValueAlone() throws {
        for text in ["a in (,)", "a notin (,)"] { #expect(try LabelQuery(parsing: text).description == text) }
    }

    @Test func survivesAnything() {
        let examples = ["app=web,tier in (a,b),!old,size>4", "a notin (x,),b=", "example.com/name==value"]
        var mutator = Mutator(
            seed: 4,
            fragments: ["(", ")", ",", "=", "!", "in", "notin", " ", "==", "<", ">", "\u{0}", "é", "/"]
        )
        var budget = FuzzBudget(2000)
        while budget.goesOn() {
            guard let query = try? LabelQuery(parsing: mutator.text(of: examples)) else { continue }
            let printed = query.description
            #expect((try? LabelQuery(parsing: printed))?.description == printed, "\(printed)")
        }
    }

    @Test func escapesFields() {
        #expect(
            FieldQuery.name("web").and("status.phase", differsFrom: "a,b=c\\").description
                == "metadata.name=web,status.phase!=a\\,b\\=c\\\\"
        )
    }

    @Test(
        arguments: [
            (NameRule.label, "a", true), (.label, "a-1", true), (.label, "-a", false), (.label, "a.b", false),
            (.label, "A", false),
            (.label, "", false), (.label, String(repeating: "a", count: 63), true),
            (.label, String(repeating: "a", count: 64), false),
            (.label, "1a", true), (.labelWithLetter, "1a", false), (.labelWithLetter, "a1", true),
            (.subdomain, "a.b-c.1", true),
            (.subdomain, "a..b", false), (.subdomain, ".a", false), (.subdomain, "a.", false),
            (.subdomain, String(repeating: "a", count: 253), true),
            (.subdomain, String(repeating: "a", count: 254), false),
            (.qualifiedName, "example.com/A_b.c", true), (.qualifiedName, "a/b/c", false),
            (.qualifiedName, "/a", false),
            (.qualifiedName, "Ex.com/a", false), (.qualifiedName, "", false), (.labelValue, "", true),
            (.labelValue, "A_b.c-d", true),
            (.labelValue, "_a", false), (.labelValue, "a ", false), (.label, "é", false),
        ] as [(NameRule, String, Bool)]
    )
    func knowsNames(_ rule: NameRule, _ text: String, _ isAllowed: Bool) {
        #expect(rule.allows(text) == isAllowed, "\(text)")
    }
}
