// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import KubeModels
import NIOCore
import SandboxModels

/// The protocol of task executors: `/setTasks`, `/getTasks`, `/tasks`, `/health`.
struct TaskRoutes: Sendable {
    let manager: TaskManager

    private static let maximumBody = 1 << 20

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: TaskErrors())
        router.post("/setTasks") { request, _ in
            let wanted: [ExecutorTask] = try await body(of: request, emptyIfNull: [])
            return answer(.ok, try await failing("failed to sync tasks") { try await manager.set(wanted) })
        }
        router.get("/getTasks") { _, _ in answer(.ok, await manager.list) }
        router.post("/tasks") { request, _ in
            let task: ExecutorTask = try await body(of: request, emptyIfNull: ExecutorTask())
            guard !task.name.isEmpty else { throw TaskExecutorError.request("task name is required") }
            return answer(.created, try await failing("failed to create task") { try await manager.create(task) })
        }
        router.get("/tasks/:id") { _, context in answer(.ok, try await manager.task(name(context))) }
        router.delete("/tasks/:id") { _, context in
            let name = name(context)
            try await failing("failed to delete task") { try await manager.delete(name) }
            return Response(status: .noContent)
        }
        router.get("/health") { _, _ in answer(.ok, ["status": "healthy"] as JSONValue) }
        return router
    }

    private func name(_ context: BasicRequestContext) -> String {
        let text = context.parameters.get("id") ?? ""
        return text.removingPercentEncoding ?? text
    }

    private func body<Value: JSONConvertible>(of request: Request, emptyIfNull empty: Value) async throws -> Value {
        let bytes: ByteBuffer
        do {
            bytes = try await request.body.collect(upTo: Self.maximumBody)
        } catch is NIOTooManyBytesError {
            throw TaskExecutorError.request("invalid request body: it has more than \(Self.maximumBody) bytes")
        }
        let json = Array(bytes.readableBytesView)
        do {
            if try JSONValue(json: json) == .null { return empty }
            return try Value(json: json)
        } catch {
            throw TaskExecutorError.request("invalid request body: \(error)")
        }
    }

    /// Says what could not be done.
    private func failing<Result>(
        _ what: String,
        _ work: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await work()
        } catch {
            throw TaskExecutorError.failed("\(what): \(error)")
        }
    }
}

private func answer(_ status: HTTPResponse.Status, _ value: some JSONConvertible) -> Response {
    Response(
        status: status,
        headers: [.contentType: "application/json"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.json()))
    )
}

/// Answers what went wrong as clients read it: `code` is the reason phrase of the status.
private struct TaskErrors: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as TaskExecutorError {
            let status: HTTPResponse.Status =
                switch error {
                case .request, .usage: .badRequest
                case .notFound: .notFound
                case .failed: .internalServerError
                }
            return refusal(status, "\(error)")
        } catch let error as HTTPError {
            return refusal(error.status, error.body ?? error.status.reasonPhrase)
        }
    }

    private func refusal(_ status: HTTPResponse.Status, _ message: String) -> Response {
        answer(status, ["code": .string(status.reasonPhrase), "message": .string(message)] as JSONValue)
    }
}
