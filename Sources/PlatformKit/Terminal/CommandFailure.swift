// The failure of a command: the fault, its reason, and the next step, with a documented exit code. Every error that reaches the command
// line becomes one of these, in one place.
import Base
import BrokerService
import Clients
import ComputeService
import CoordService
import Foundation
import NetKit
import Replication

/// Documented exit codes. Source: sysexits where it has a fitting one.
enum ExitCode: Int32, Sendable, CaseIterable {
    case ok = 0, failed = 1, usage = 64, corrupt = 65, unreachable = 69, timeout = 75, denied = 77, configuration = 78, interrupted = 130

    var meaning: String {
        switch self {
        case .ok: "done"
        case .failed: "understood, but it could not be done"
        case .usage: "the command line is wrong"
        case .corrupt: "data on disk is damaged or from a newer version"
        case .unreachable: "the server cannot be reached"
        case .timeout: "it took too long"
        case .denied: "not permitted"
        case .configuration: "a setting is wrong"
        case .interrupted: "interrupted from the keyboard"
        }
    }
}

/// A failure for people.
struct CommandFailure: Error, Sendable, CustomStringConvertible {
    var code: ExitCode
    var what: String
    var why: String
    var next: String

    init(_ code: ExitCode, _ what: String, why: String, next: String) {
        self.code = code
        self.what = what
        self.why = why
        self.next = next
    }

    var description: String { "error: \(what)\n  why:  \(why)\n  next: \(next)\n" }

    /// The failure for any error. `doing` names the action, for errors that do not.
    init(_ error: any Error, doing: String) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as ListenError: self.init(listen: error)
        case let error as StorageError: self.init(storage: error)
        case let error as ForeignEnsemble:
            self.init(
                .configuration, doing, why: error.description,
                next:
                    "start it with the --id and --peers that it was first started with, or with another --data-dir; `platform coord export` and `import` carry a tree over"
            )
        case let problem as ConfigurationProblem:
            self.init(
                .configuration, "cannot start", why: problem.description,
                next:
                    "name one with broker.first-user and broker.first-user-password-file, or make one without broker.login-required: `platform broker user set`"
            )
        case let error as RepeatedDeath:
            self.init(
                .corrupt, doing, why: error.description,
                next:
                    "`platform SERVICE repair --refuse \(error.refusal)` on every replica leaves this command out, `--again` tries it once more; please report it (operations.md, \"A command that ends the process\")"
            )
        case let error as StateCorruption:
            self.init(
                .corrupt, doing, why: error.description, next: "restore the data directory from a backup, or start with another --data-dir")
        case let error as ZooKeeperFailure: self.init(zooKeeper: error, doing)
        case let error as HDFSFailure: self.init(hdfs: error, doing)
        case let error as SparkClientError: self.init(spark: error, doing)
        case let error as KafkaFailure: self.init(kafka: error, doing)
        case let error as TLSProblem:
            self.init(
                .unreachable, doing, why: error.description,
                next: "check --server, and that --tls-ca names the authority of the server's certificate")
        case let error as HTTPFailure:
            self.init(
                .unreachable, doing, why: error.description, next: "start the service with `platform up`, or name another with --server")
        case is CancellationError: self.init(.interrupted, doing, why: "interrupted", next: "run it again")
        default: self.init(general: error, doing)
        }
    }

    private init(listen error: ListenError) {
        let next =
            switch error.cause {
            case .inUse: "stop that process, or take other ports with --port-offset N or --ports auto"
            case .notPermitted: "choose a port above 1023"
            case .other: "check the address in the settings (`platform config show --origin`)"
            }
        self.init(.failed, "cannot start", why: error.description, next: next)
    }

    private init(storage error: StorageError) {
        switch error.cause {
        case .locked:
            self.init(
                .failed, "the data directory is in use", why: error.description,
                next: "stop the other platform process (`platform status`), or choose another --data-dir")
        case .noSpace:
            self.init(.failed, "the disk is full", why: error.description, next: "free some space; nothing that was acknowledged is lost")
        case .notPermitted:
            self.init(
                .denied, "no access to the data", why: error.description,
                next: "check the owner and the mode of the path, or choose another --data-dir")
        case .corrupt:
            self.init(
                .corrupt, "the data on disk cannot be used", why: error.description,
                next: "restore it from a backup, or start with another --data-dir")
        case .fromLaterVersion:
            self.init(
                .corrupt, "the data on disk cannot be used", why: error.description,
                next: "start the version that wrote it, or start with another --data-dir")
        case .notFound: self.init(.failed, "a file is missing", why: error.description, next: "check the path")
        default:
            self.init(.failed, "the disk failed", why: error.description, next: "check the disk and the system's log, then start again")
        }
    }

    private static let cannotWrite =
        "free some space on the server's disk; `platform status` and the console's /readyz?verbose say what else stops it from writing"

    private init(kafka error: KafkaFailure, _ doing: String) {
        switch error {
        case .unknownTopic(_, let near):
            let next = near.first.map { "did you mean '\($0)'? " } ?? ""
            self.init(
                .failed, doing, why: error.description,
                next: next + "`platform broker topic list` shows all, `platform broker topic create` makes one")
        case .unknownPartition(_, let topic, _):
            self.init(.failed, doing, why: error.description, next: "`platform broker topic describe \(topic)` shows those that it has")
        case .topicExists: self.init(.failed, doing, why: error.description, next: "`platform broker topic describe` shows it as it is")
        case .unknownGroup: self.init(.failed, doing, why: error.description, next: "`platform broker group list` shows all")
        case .loginRefused:
            self.init(
                .denied, doing, why: error.description, next: "check --user and the password; `platform broker user list` shows the users")
        case .refused(let code, _, _) where code.isDenial:
            self.init(
                .denied, doing, why: error.description,
                next:
                    "ask for a rule (`platform broker acl add`), or act as another user with --user; broker.super-users names those who may do everything"
            )
        case .unknownTransaction: self.init(.failed, doing, why: error.description, next: "`platform broker txn list` shows all")
        case .unknownBroker: self.init(.failed, doing, why: error.description, next: "`platform broker members list` shows the brokers")
        case .cannotConnect:
            self.init(
                .unreachable, doing, why: error.description, next: "start the broker with `platform up`, or name another with --server")
        case .connectionLost, .noLeader:
            self.init(
                .unreachable, doing, why: error.description,
                next:
                    "check that the broker runs (`platform status`); if it asks everybody to log in, name a user with --user and --password-file"
            )
        case .timedOut: self.init(.timeout, doing, why: error.description, next: "try again")
        case .refused(.kafkaStorageError, _, _): self.init(.failed, doing, why: error.description, next: Self.cannotWrite)
        case .refused, .notServed, .damagedAnswer:
            self.init(.failed, doing, why: error.description, next: "the reason above tells what to change")
        }
    }

    private static func lacksSlash(_ path: String) -> Bool { !path.isEmpty && !path.hasPrefix("/") }

    private init(zooKeeper error: ZooKeeperFailure, _ doing: String) {
        switch error.code {
        case .noNode where Self.lacksSlash(error.path), .badArguments where Self.lacksSlash(error.path):
            self.init(
                .usage, doing, why: "'\(error.path)' is no path of a node: paths begin with a slash", next: "did you mean '/\(error.path)'?"
            )
        case .badArguments where error.path == "/zookeeper/config":
            self.init(
                .failed, doing, why: "the server does not accept these members",
                next:
                    "a server is written as server.4=HOST:PORT:PORT;HOST:PORT, an observer as server.4=HOST:PORT:PORT:observer;HOST:PORT; two must vote"
            )
        case .badArguments:
            self.init(
                .failed, doing, why: error.description,
                next: "a path has no empty part and no slash at its end, the root stays, and a time to live is at least 1 ms")
        case .nodeExists: self.init(.failed, doing, why: error.description, next: "`platform coord set` replaces its data")
        case .noAuth:
            self.init(.denied, doing, why: error.description, next: "ask the owner of the node for access, or log in with --auth-file")
        case .authFailed: self.init(.denied, doing, why: error.description, next: "check the scheme, the name and the password")
        case .connectionLoss, .sessionExpired:
            self.init(.unreachable, doing, why: error.description, next: "check that the server runs (`platform status`), then try again")
        case .systemError: self.init(.failed, doing, why: error.description, next: Self.cannotWrite)
        case .newConfigNoQuorum:
            self.init(
                .failed, doing, why: error.description,
                next: "start the servers that join, wait until they follow (`platform coord 4lw mntr` on the leader), and try again")
        case .reconfigInProgress:
            self.init(.failed, doing, why: error.description, next: "try again in a moment; `platform coord members` shows who belongs")
        case .reconfigDisabled:
            self.init(
                .denied, doing, why: error.description, next: "set coord.reconfig=true on every server (reconfigEnabled of a ZooKeeper)")
        case .noNode: self.init(.failed, doing, why: error.description, next: "`platform coord ls` shows what is there")
        default: self.init(.failed, doing, why: error.description, next: "`platform coord stat` shows the node as it is")
        }
    }

    private init(hdfs error: HDFSFailure, _ doing: String) {
        switch error.exception {
        case "AccessControlException":
            self.init(.denied, doing, why: error.message, next: "act as another user with --user, or ask the owner for access")
        case "FileNotFoundException": self.init(.failed, doing, why: error.message, next: "`platform dfs ls` shows what is there")
        case "IOException" where error.message.contains("No space left"):
            self.init(.failed, doing, why: error.message, next: "free some space on the server's disk, then try again")
        case "FileAlreadyExistsException":
            self.init(.failed, doing, why: error.message, next: "choose another name, or replace it with --force")
        case "PathIsNotEmptyDirectoryException":
            self.init(.failed, doing, why: error.message, next: "remove it with everything in it: `platform dfs rm -r`")
        default: self.init(.failed, doing, why: "\(error.exception): \(error.message)", next: "`platform dfs stat` shows the path as it is")
        }
    }

    private init(spark error: SparkClientError, _ doing: String) {
        if error.isUnreachable {
            self.init(.unreachable, doing, why: error.message, next: "start the service with `platform up`, or name another with --server")
        } else {
            self.init(
                .failed, doing, why: error.message,
                next: error.condition.map { "Spark documents the condition \($0)" } ?? "look at the message above")
        }
    }

    private init(general error: any Error, _ doing: String) {
        let text = "\(error)"
        if text.contains("UnknownHost") {
            self.init(.unreachable, doing, why: "the name of the server is unknown", next: "check --server, or give an address")
        } else if text.contains("connection refused") || text.contains("Connection refused") || text.contains("NIOConnectionError")
            || text.contains("connectTimeout")
        {
            self.init(
                .unreachable, doing, why: "nobody answers there",
                next: "start the service with `platform up`, or name another with --server")
        } else {
            self.init(.failed, doing, why: text, next: "if this looks like a defect, run again with --set log.level=debug and report it")
        }
    }
}

extension KafkaListing {
    /// Throws the failure that names the missing brokers, if there are any.
    func mustBeWhole(_ things: String) throws(CommandFailure) {
        guard !missing.isEmpty else { return }
        throw CommandFailure(
            .unreachable, "the list of \(things) is not whole",
            why: missing.map { "broker \($0.node) does not tell its \(things): \($0.why)" }.joined(separator: "; "),
            next: "check these brokers (`platform broker members list`), and ask again")
    }
}
