// Whether two files hold the same bytes, told by their checksums: a file system computes its own, and the other side's form is taken where
// there is a choice.
import Base
import Clients
import HadoopNet
import HadoopWire

enum SameContent {
    /// By length and checksum; nil where the checksums of the two file systems cannot be compared.
    static func compare(_ one: ShellPath, _ other: ShellPath) async throws -> Bool? {
        guard let first = one.status, let second = other.status, first.lengthBytes == second.lengthBytes else { return false }
        guard first.lengthBytes > 0 else { return true }
        switch (one.access as? LocalAccess, other.access as? LocalAccess) {
        case (let local?, nil): return try await compare(local, one.path, other)
        case (nil, let local?): return try await compare(local, other.path, one)
        case (let here?, _?): return try await here.checksum(one.path, .composite) == here.checksum(other.path, .composite)
        case (nil, nil):
            for combination in [FileChecksum.Combination.composite, .md5] {
                guard let sums = try await sums(one, other, combination), sums.0.algorithm == sums.1.algorithm else { continue }
                return sums.0 == sums.1
            }
            return nil
        }
    }

    /// Nil where a datanode cannot tell this form.
    private static func sums(_ one: ShellPath, _ other: ShellPath, _ combination: FileChecksum.Combination) async throws -> (
        FileChecksum, FileChecksum
    )? {
        do {
            return (try await one.access.checksum(one.path, combination), try await other.access.checksum(other.path, combination))
        } catch is TransferFailure { return nil }
    }

    private static func compare(_ local: LocalAccess, _ path: String, _ remote: ShellPath) async throws -> Bool? {
        var told: FileChecksum?
        for combination in [FileChecksum.Combination.composite, .md5] where told == nil {
            do { told = try await remote.access.checksum(remote.path, combination) } catch is TransferFailure { continue }
        }
        guard let told, let status = remote.status else { return nil }
        return try await local.checksum(
            path, like: told, blockBytes: Int64(clamping: status.blockSizeBytes), lengthBytes: Int64(clamping: status.lengthBytes)) == told
    }
}
