// AddArtifacts and ArtifactStatus: uploads into a session, whole or in chunks, each chunk with its CRC-32. Local relations (`cache/...`)
// and job programs are kept; Python files and archives are refused, since no Python runs here.
import Codecs
import Foundation
import GRPCCore
import SparkWire

extension SparkService {
    func addArtifacts(_ messages: RPCAsyncSequence<Spark_Connect_AddArtifactsRequest, any Error>) async throws
        -> Spark_Connect_AddArtifactsResponse
    {
        var response = Spark_Connect_AddArtifactsResponse()
        var session: SparkSession?
        var open: (name: String, expected: Int64, content: [UInt8], isIntact: Bool)?
        for try await message in messages {
            let current =
                try session ?? self.session(message.userContext, message.sessionID, observed: message.clientObservedServerSideSessionID)
            session = current
            response.sessionID = message.sessionID
            response.serverSideSessionID = current.serverSideID
            do {
                switch message.payload {
                case .batch(let batch):
                    for artifact in batch.artifacts {
                        try Self.keep(artifact.name, Array(artifact.data.data), Self.isIntact(artifact.data), current, &response)
                    }
                case .beginChunk(let begin):
                    guard begin.totalBytes >= 0, begin.totalBytes <= Int64(SessionArtifacts.bytesMax) else {
                        throw SparkError.unsupported("an artifact of \(begin.totalBytes) bytes")
                    }
                    open = (begin.name, begin.totalBytes, Array(begin.initialChunk.data), Self.isIntact(begin.initialChunk))
                case .chunk(let chunk):
                    guard var artifact = open else { throw SparkError.invalidPlan("a chunk belongs to no artifact") }
                    artifact.content.append(contentsOf: chunk.data)
                    artifact.isIntact = artifact.isIntact && Self.isIntact(chunk)
                    guard Int64(artifact.content.count) <= artifact.expected else {
                        throw SparkError.invalidPlan("artifact \(artifact.name) is longer than announced")
                    }
                    open = artifact
                case nil: throw SparkError.invalidPlan("an artifact message is empty")
                }
                if let artifact = open, Int64(artifact.content.count) == artifact.expected {
                    try Self.keep(artifact.name, artifact.content, artifact.isIntact, current, &response)
                    open = nil
                }
            } catch {
                throw report(error, in: current)
            }
        }
        return response
    }

    func artifactStatus(_ request: Spark_Connect_ArtifactStatusesRequest) async throws -> Spark_Connect_ArtifactStatusesResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        var response = Spark_Connect_ArtifactStatusesResponse()
        response.sessionID = request.sessionID
        response.serverSideSessionID = session.serverSideID
        for name in request.names {
            var status = Spark_Connect_ArtifactStatusesResponse.ArtifactStatus()
            status.exists = session.artifacts.content(name) != nil
            response.statuses[name] = status
        }
        return response
    }

    private static func keep(
        _ name: String, _ content: [UInt8], _ isIntact: Bool, _ session: SparkSession, _ response: inout Spark_Connect_AddArtifactsResponse
    ) throws {
        guard name.hasPrefix("cache/") || name.hasPrefix("programs/") else { throw SparkError.unsupported("artifacts like \(name)") }
        var summary = Spark_Connect_AddArtifactsResponse.ArtifactSummary()
        summary.name = name
        summary.isCrcSuccessful = isIntact
        if isIntact { try session.artifacts.add(name, content) }
        response.artifacts.append(summary)
    }

    /// A chunk with its checksum, in the wire's form.
    static func artifactChunk(_ bytes: [UInt8]) -> Spark_Connect_AddArtifactsRequest.ArtifactChunk {
        var chunk = Spark_Connect_AddArtifactsRequest.ArtifactChunk()
        chunk.data = Data(bytes)
        chunk.crc = Int64(Crc32.of(bytes))
        return chunk
    }

    private static func isIntact(_ chunk: Spark_Connect_AddArtifactsRequest.ArtifactChunk) -> Bool {
        let bytes = Array(chunk.data)
        return Int64(Crc32.of(bytes)) == chunk.crc
    }
}
