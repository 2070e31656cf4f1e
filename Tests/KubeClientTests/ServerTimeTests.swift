// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

@testable import KubeClient

/// When an answer was given, as its header says.
struct ServerTimeTests {
    @Test(
        arguments: [
            ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
        ]
    )
    func isRead(_ header: String, _ seconds: Int64) {
        #expect(Timestamp(httpDate: header)?.seconds == seconds)
    }

    @Test(
        arguments: [
            "", "now", "Tue, 14 Nov 2023 22:13:20", "Tue, 14 Nov 2023 22:13:20 CET", "Tue, 14 Non 2023 22:13:20 GMT",
            "Tue, 99 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 25:13:20 GMT", "1700000000",
        ]
    )
    func othersAreNot(_ header: String) {
        #expect(Timestamp(httpDate: header) == nil)
    }
}
