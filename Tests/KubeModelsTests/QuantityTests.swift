// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import TestSupport
import Testing

/// Amounts, as `k8s.io/apimachinery/pkg/api/resource` reads and writes them.
struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("0n", "0"), ("0Ki", "0"), ("-0", "0"), ("1", "1"), ("+5", "5"), ("5.", "5"), (".5", "500m"),
        ("1.5", "1500m"), ("0.1m", "100u"), ("100000000", "100M"), ("1000k", "1M"), ("1E", "1E"),
        ("123456789n", "123456789n"),
        ("1024Mi", "1Gi"), ("0.5Gi", "512Mi"), ("1.5Gi", "1536Mi"), ("-1.5Gi", "-1536Mi"), ("1Ki", "1Ki"),
        ("7Ei", "7Ei"),
        // Below 1024 a binary suffix could only round.
        ("0.9Ki", "921600m"), ("0.1Ki", "102400m"), ("-0.5Ki", "-512"), ("1.1Ki", "1127"), ("1023.5Ki", "1048064"),
        ("12e6", "12e6"), ("1e3", "1e3"), ("1E3", "1e3"), ("1000e3", "1e6"), ("1e2", "100"), ("1e-1", "100e-3"),
        ("1e-9", "1e-9"), ("1.0000000001", "1000000001n"), ("0.0000000001", "1n"), ("-0.0000000001", "-1n"),
        ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9223372036854775807"),
        ("8Ei", "9223372036854775807"), ("1e100", "9223372036854775807"), ("-1e99999", "-9223372036854775807"),
        ("1e-99999", "1e-9"), ("000000000000000000000000000000000001Ki", "1Ki"), ("0.000001Ei", "1152921504607"),
    ])
    func isCanonicalAsTheServerHasIt(_ text: String, _ canonical: String) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.canonical == canonical)
        #expect(
            Quantity(canonical) == quantity || canonical == "1048064" || canonical == "1127" || text == "0.000001Ei"
        )
    }

    @Test(arguments: [
        "", ".", "-", "+", "1.5.5", "1K", "1ki", "1KI", " 1", "1 ", "0x10", "1e", "1e+", "1ee3", "1i", "1mi", "1_000",
        "--1",
        "e3", "Ki", "1,5", "1e3.5", "1e3k", "NaN", "inf", "1\u{0660}", "1e99999999999",
    ])
    func refusesWhatIsNone(_ text: String) { #expect(Quantity(text) == nil, "\(text)") }

    /// The API server takes them and keeps `10e399`; what people ask for is another matter.
    @Test(arguments: ["1e400", "-1e400", "9223372036854775808", "8Ei", "1e19", "9223372036854775807.1", "1e2147483647"])
    func nobodyIsGivenMoreThanThereCanBe(_ text: String) throws {
        #expect(Quantity(text) != nil)
        #expect(try Quantity(json: "\"\(text)\"").json() == Array("\"\(text)\"".utf8))
        #expect(Quantity(withinLimits: text) == nil)
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775807", "7Ei", "1e18", "1e-400", "0e400", "500m"])
    func whatThereCanBeIsGiven(_ text: String) { #expect(Quantity(withinLimits: text) == Quantity(text)) }

    /// What is read the short way is what is read the long way, which a sign makes it go.
    @Test(arguments: ["", "m", "Ki", "Mi", "Gi", "k", "M", "G", "Ti", "u", "n", "e3", "x", "K", "mm"])
    func readsDocumentsAsTexts(_ suffix: String) throws {
        for digits in ["0", "1", "007", "250", "1024", "999999999999999", "1000000000000000", "99999999999999999999"] {
            let text = digits + suffix
            let read = try? Quantity(json: "\"\(text)\"")
            #expect(read == Quantity("+" + text) && read?.format == Quantity("+" + text)?.format, "\(text)")
            #expect(read.map(\.jsonText) ?? "\"\(text)\"" == "\"\(text)\"")
        }
    }

    @Test func countsExactly() throws {
        let tenth = try #require(Quantity("0.1"))
        #expect((0..<10).reduce(Quantity(0)) { sum, _ in sum + tenth } == Quantity(1))
        #expect(try #require(Quantity("1Gi")) - (try #require(Quantity("1Mi"))) == Quantity("1023Mi"))
        #expect(try #require(Quantity("1")) < (try #require(Quantity("1001m"))))
        #expect(Quantity("1500m")?.units == 2)
        #expect(Quantity("-1500m")?.units == -1)
        #expect(Quantity("1.0001")?.milli == 1001)
        #expect(Quantity("1Gi")?.units == 1 << 30)
        #expect(Quantity("9E")?.milli == .max)
    }

    @Test func isWrittenAsItWasRead() throws {
        for text in ["\"1024Mi\"", "\"0.1\"", "2", "1.50"] {
            #expect(try Quantity(json: text).jsonText == text)
        }
        #expect(try Quantity(json: "\"1024Mi\"") == Quantity(json: "\"1Gi\""))
        let sum = try Quantity(json: "\"1000Mi\"") + Quantity(json: "\"24Mi\"")
        #expect(sum.jsonText == "\"1Gi\"")
        #expect(throws: JSONError.self) { try Quantity(json: "true") }
    }

    /// The canonical form means the same, and is its own canonical form.
    @Test func canonicalFormsAreStable() throws {
        var generator = SeededGenerator(seed: 1)
        let suffixes = [
            "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "e-5", "E2",
        ]
        for _ in 0..<20_000 {
            var text = ["", "-", "+"].randomElement(using: &generator) ?? ""
            text += String(
                UInt64.random(in: 0...(1 << UInt64.random(in: 0...62, using: &generator)), using: &generator)
            )
            if Bool.random(using: &generator) {
                text += "." + String(UInt32.random(in: 0 ... .max, using: &generator))
            }
            text += suffixes.randomElement(using: &generator) ?? ""
            let quantity = try #require(Quantity(text), "\(text)")
            let again = try #require(Quantity(quantity.canonical), "\(text)")
            #expect(again.canonical == quantity.canonical, "\(text)")
            if quantity.format != .binarySI { #expect(again == quantity, "\(text)") }
            #expect(again >= quantity || quantity < 0, "\(text) must not be rounded down")
        }
    }

    @Test func comesToAnEnd() {
        for text in [String(repeating: "9", count: 200_000), "0." + String(repeating: "0", count: 200_000) + "1"] {
            #expect(Quantity(text) != nil)
        }
    }
}
