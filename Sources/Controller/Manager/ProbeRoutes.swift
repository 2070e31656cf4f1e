// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// `/healthz`: the process answers. `/readyz`: it works, or could if it had the lease. `?verbose` tells each check.
enum ProbeRoutes {
    static func router(_ health: ManagerHealth) -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/healthz") { request, _ in answer("healthz", ["ping"], [], request) }
        router.get("/readyz") { request, _ in answer("readyz", ["schema", "shutdown"], health.faults, request) }
        return router
    }

    private static func answer(
        _ name: String,
        _ checks: [String],
        _ faults: [(check: String, fault: String)],
        _ request: Request
    ) -> Response {
        guard !faults.isEmpty || request.uri.queryParameters["verbose"] != nil else {
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "ok")))
        }
        var lines = checks.map { check in
            faults.first { $0.check == check }.map { "[-]\(check) failed: \($0.fault)" } ?? "[+]\(check) ok"
        }
        lines.append("\(name) check \(faults.isEmpty ? "passed" : "failed")")
        return Response(
            status: faults.isEmpty ? .ok : .internalServerError,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: lines.joined(separator: "\n") + "\n"))
        )
    }
}
