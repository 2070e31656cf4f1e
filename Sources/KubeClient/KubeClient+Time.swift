// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension KubeClient {
    /// The time by the clock of the server, or of a proxy that answers in its place, in whole seconds: the rest is cut off.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    public func serverTime() async throws -> Timestamp {
        let request = KubeRequest(operation: "get", subject: "the server's time", path: "/version", isRepeatable: true)
        let response = try await transport.send(request)
        _ = try await transport.body(of: response, to: request)
        guard let header = response.head.first("Date"), let time = Timestamp(httpDate: header) else {
            throw request.fault(.unexpectedAnswer, "the answer does not say when it was given")
        }
        return time
    }
}

extension Timestamp {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Reads the form that HTTP's servers have to write: `Sun, 06 Nov 1994 08:49:37 GMT`.
    init?(httpDate text: String) {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = Self.months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init("\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }
}
