// Passwords from files: never from flags, which every user of the machine can read.
import Base
import Foundation

enum PasswordFile {
    /// The first line of a file; `-` is stdin.
    static func read(_ path: String, setting: String) throws(CommandFailure) -> String {
        guard !path.isEmpty else {
            throw CommandFailure(
                .configuration, "no password", why: "\(setting) is not given", next: "name a file whose first line is the password")
        }
        let text: String
        if path == "-" {
            text = readLine() ?? ""
        } else {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(
                    .configuration, "no password", why: "\(path) cannot be read", next: "check the path and the mode of the file")
            }
            text = String(decoding: bytes, as: UTF8.self)
        }
        guard let line = text.split(separator: "\n", omittingEmptySubsequences: false).first, !line.isEmpty else {
            throw CommandFailure(.configuration, "no password", why: "the first line of \(path) is empty", next: "write the password there")
        }
        return String(line)
    }
}
