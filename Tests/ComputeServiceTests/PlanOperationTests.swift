// The response buffer of an operation: streams that break and attach again lose and repeat nothing, what was released is not given again,
// a producer waits for its reader, a cancelled operation ends.
import Foundation
import SparkWire
import Testing

@testable import ComputeService

@Suite struct PlanOperationTests {
    func response(_ number: Int) -> Spark_Connect_ExecutePlanResponse {
        var response = Spark_Connect_ExecutePlanResponse()
        response.responseID = "r\(number)"
        return response
    }

    func filled(_ count: Int) throws -> PlanOperation {
        let operation = PlanOperation(id: "op", tags: [], isReattachable: true, memory: OperationMemory(ComputeMemory(bytesMax: 0)))
        for number in 0..<count { try operation.append(response(number), bytes: 10) }
        operation.finish(.success(()))
        return operation
    }

    /// Reads `limit` responses, or all.
    func read(_ operation: PlanOperation, after id: String?, limit: Int = Int.max) async throws -> [String] {
        let (reader, start) = try operation.attach(after: id)
        var index = start
        var ids: [String] = []
        while ids.count < limit, case .response(let response, let at) = await operation.next(reader, index) {
            ids.append(response.responseID)
            index = at + 1
        }
        operation.detach(reader)
        return ids
    }

    @Test(arguments: 0...6) func aStreamThatBreaksAnywhereContinuesWithoutLossOrRepeat(cut: Int) async throws {
        let operation = try filled(6)
        let before = try await read(operation, after: nil, limit: cut)
        let after = try await read(operation, after: before.last)
        #expect(before + after == (0..<6).map { "r\($0)" })
    }

    @Test func whatWasReleasedIsNotGivenAgain() async throws {
        let operation = try filled(4)
        _ = try await read(operation, after: nil)
        operation.release(until: "r1")
        #expect(try await read(operation, after: "r1") == ["r2", "r3"])
        let error = #expect(throws: SparkError.self) { try operation.attach(after: "r0") }
        #expect(error?.errorClass == "INVALID_CURSOR.POSITION_NOT_AVAILABLE")
    }

    @Test func aSecondStreamReplacesTheFirst() async throws {
        let operation = PlanOperation(id: "op", tags: [], isReattachable: true, memory: OperationMemory(ComputeMemory(bytesMax: 0)))
        let (first, index) = try operation.attach(after: nil)
        async let next = operation.next(first, index)
        _ = try operation.attach(after: nil)
        guard case .replaced = await next else {
            Issue.record("the first stream was not replaced")
            return
        }
    }

    @Test func aProducerWaitsForItsReaderAndEndsWhenCancelled() async throws {
        let operation = PlanOperation(id: "op", tags: [], isReattachable: true, memory: OperationMemory(ComputeMemory(bytesMax: 0)))
        let half = PlanOperation.unreadBytesMax / 2 + 1
        for number in 0..<2 { try operation.append(response(number), bytes: half) }
        let ended = Task.detached { () -> String in
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    do {
                        try operation.append(self.response(2), bytes: half)
                        continuation.resume(returning: "appended")
                    } catch {
                        continuation.resume(returning: SparkError(any: error).errorClass)
                    }
                }
            }
        }
        operation.cancel()
        #expect(await ended.value == "OPERATION_CANCELED")
        let (reader, index) = try operation.attach(after: nil)
        guard case .response = await operation.next(reader, index) else {
            Issue.record("what was computed before stays readable")
            return
        }
    }
}
