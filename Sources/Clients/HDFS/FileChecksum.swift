// The checksum of a file, asked for block by block at the datanodes, the next one where one fails.
import Base
import HadoopNet
import HadoopWire
import NetKit

extension HDFSFileSystem {
    /// Throws BlockMissing if no datanode of a block can tell its checksum.
    package func checksum(_ path: String, _ combination: FileChecksum.Combination = .md5) async throws -> FileChecksum {
        try await FileChecksum.of(try await namenode.locations(path).blocks, combination) { try await ask($0, $1, path) }
    }

    private func ask(_ request: BlockChecksumRequest, _ located: LocatedBlock, _ path: String) async throws -> BlockChecksumAnswer {
        do { return try await TransferClient.checksum(request, fromAnyOf: connections.ordered(located.locations)) } catch let failure
            as TransferFailure
        { throw BlockMissing(block: located.block, path: path, reason: failure.description) }
    }
}
