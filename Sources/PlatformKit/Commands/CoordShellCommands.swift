// The commands of the coord shell, under zkCli's names and flags. Each is a few requests of the protocol and their output.
import Base
import Clients
import ZooKeeperWire

/// The flags and words of one line.
private struct ShellArguments {
    private(set) var words: [String] = []
    private var flags: [String: String] = [:]

    /// `valued` are the flags that take the next word.
    init(_ line: ArraySlice<String>, valued: Set<String>) throws(CommandFailure) {
        var rest = line
        while let word = rest.popFirst() {
            guard word.count > 1, word.hasPrefix("-"), Int(word) == nil else {
                words.append(word)
                continue
            }
            guard valued.contains(word) else {
                flags[word] = ""
                continue
            }
            guard let value = rest.popFirst() else { throw ShellCommands.usage("\(word) needs a value") }
            flags[word] = value
        }
    }

    func has(_ flag: String) -> Bool { flags[flag] != nil }
    func value(_ flag: String) -> String? { flags[flag] }

    func number<N: FixedWidthInteger>(_ flag: String, default fallback: N) throws(CommandFailure) -> N {
        guard let text = flags[flag] else { return fallback }
        guard let number = N(text) else { throw ShellCommands.usage("\(flag) \(text) is no number") }
        return number
    }

    func word(_ place: Int, _ name: String) throws(CommandFailure) -> String {
        guard place < words.count else { throw ShellCommands.usage("the \(name) is missing") }
        return words[place]
    }
}

enum ShellCommands {
    static let help = """
        ls [-s] [-R] [-w] PATH              get [-s] [-w] PATH                stat [-w] PATH
        create [-s] [-e] [-c] [-t MS] PATH [DATA] [ACL]                       set [-s] [-v VERSION] PATH DATA
        delete [-v VERSION] PATH            deleteall PATH                    sync PATH
        getAcl [-s] PATH                    setAcl [-R] [-v VERSION] PATH ACL addauth SCHEME CREDENTIALS
        addWatch [-m PERSISTENT|PERSISTENT_RECURSIVE] PATH                    removewatches PATH
        getEphemerals [PREFIX]              getAllChildrenNumber PATH         whoami
        setquota -n|-b|-N|-B VALUE PATH     listquota PATH                    delquota PATH
        config                              reconfig [-v VERSION] -add SERVERS | -remove NUMBERS | -members SERVERS
        quit
        """

    static func usage(_ why: String) -> CommandFailure {
        CommandFailure(.usage, "the command is incomplete", why: why, next: "`help` lists the commands")
    }

    /// Runs one line; false ends the shell.
    static func run(_ words: [String], _ client: ZooKeeperClient) async throws -> Bool {
        guard let name = words.first, !name.hasPrefix("#") else { return true }
        let valued: Set<String> =
            name == "create" ? ["-t"] : name == "setquota" ? ["-n", "-b", "-N", "-B"] : ["-v", "-m", "-add", "-remove", "-members"]
        let arguments = try ShellArguments(words.dropFirst(), valued: valued)
        switch name.lowercased() {
        case "quit", "exit", "close": return false
        case "help", "?": Output.line(help)
        case "create", "set", "delete", "rm", "deleteall", "rmr", "setacl", "setquota", "delquota":
            try await change(name.lowercased(), arguments, client)
        case "addauth": try await client.authenticate(try arguments.word(0, "scheme"), arguments.words.count > 1 ? arguments.words[1] : "")
        case "addwatch":
            let mode = arguments.value("-m") ?? "PERSISTENT_RECURSIVE"
            guard ["PERSISTENT", "PERSISTENT_RECURSIVE"].contains(mode) else { throw usage("-m is PERSISTENT or PERSISTENT_RECURSIVE") }
            try await client.addWatch(try arguments.word(0, "path"), recursive: mode == "PERSISTENT_RECURSIVE")
        case "reconfig": try await reconfigure(arguments, client)
        case "removewatches": try await client.removeWatches(try arguments.word(0, "path"))
        default: try await show(name.lowercased(), arguments, client)
        }
        return true
    }

    private static func reconfigure(_ arguments: ShellArguments, _ client: ZooKeeperClient) async throws {
        var change = ReconfigRequest()
        (change.joining, change.leaving, change.members) = (
            arguments.value("-add"), arguments.value("-remove"), arguments.value("-members")
        )
        if let version = arguments.value("-v") {
            guard let number = Int64(version, radix: 16) else { throw usage("-v \(version) is no hexadecimal number") }
            change.configID = number
        }
        Output.line("Committed new configuration:\n" + (try await client.reconfigure(change)))
    }

    // MARK: looking

    private static func show(_ name: String, _ arguments: ShellArguments, _ client: ZooKeeperClient) async throws {
        let path = arguments.words.first ?? "/"
        switch name {
        case "ls":
            if arguments.has("-R") {
                for node in try await CoordTree.paths(path, client) { Output.line(node) }
            } else {
                Output.line("[" + (try await client.children(path, watch: arguments.has("-w"))).joined(separator: ", ") + "]")
            }
            if arguments.has("-s") { print(try await stat(path, client)) }
        case "get":
            let (data, stat) = try await client.get(try arguments.word(0, "path"), watch: arguments.has("-w"))
            Output.line(data?.text ?? "null")
            if arguments.has("-s") { print(stat) }
        case "stat": print(try await stat(try arguments.word(0, "path"), client, watch: arguments.has("-w")))
        case "getacl":
            let (list, stat) = try await client.acl(try arguments.word(0, "path"))
            for right in list { Output.line(AccessText.text(right)) }
            if arguments.has("-s") { print(stat) }
        case "sync": try await client.sync(path)
        case "getephemerals": for node in try await client.ephemerals(path) { Output.line(node) }
        case "getallchildrennumber": Output.line("\(try await client.descendantCount(path))")
        case "whoami": for name in try await client.whoAmI() { Output.line("\(name.scheme): \(name.user)") }
        case "config": Output.line(try await client.get("/zookeeper/config").data?.text ?? "")
        case "listquota":
            for node in ["zookeeper_limits", "zookeeper_stats"] {
                Output.line("\(node): " + (try await client.get("/zookeeper/quota\(path)/\(node)").data?.text ?? ""))
            }
        default:
            throw CommandFailure(
                .usage, "there is no command '\(name)'", why: "the shell does not know it", next: "`help` lists the commands")
        }
    }

    private static func stat(_ path: String, _ client: ZooKeeperClient, watch: Bool = false) async throws -> StatRecord {
        guard let stat = try await client.exists(path, watch: watch) else { throw ZooKeeperFailure(.noNode, path) }
        return stat
    }

    private static func print(_ stat: StatRecord) {
        func hex(_ number: Int64) -> String { "0x" + String(number, radix: 16) }
        Output.line(
            """
            cZxid = \(hex(stat.czxid))
            ctime = \(stat.ctime)
            mZxid = \(hex(stat.mzxid))
            mtime = \(stat.mtime)
            pZxid = \(hex(stat.pzxid))
            cversion = \(stat.cversion)
            dataVersion = \(stat.version)
            aclVersion = \(stat.aversion)
            ephemeralOwner = \(hex(stat.ephemeralOwner))
            dataLength = \(stat.dataLength)
            numChildren = \(stat.numChildren)
            """)
    }

    // MARK: changing

    private static func change(_ name: String, _ arguments: ShellArguments, _ client: ZooKeeperClient) async throws {
        let path = try arguments.word(0, "path")
        switch name {
        case "create": try await create(path, arguments, client)
        case "set":
            let stat = try await client.set(
                path, Bytes(string: try arguments.word(1, "data")), version: try arguments.number("-v", default: -1))
            if arguments.has("-s") { print(stat) }
        case "delete", "rm": try await client.delete(path, version: try arguments.number("-v", default: -1))
        case "deleteall", "rmr": try await CoordTree.remove(path, client)
        case "setacl":
            let list = try AccessText.list(try arguments.word(1, "list"))
            let paths = arguments.has("-R") ? try await CoordTree.paths(path, client) : [path]
            for node in paths.reversed() { _ = try await client.setACL(node, list, version: try arguments.number("-v", default: -1)) }
        case "setquota": try await setQuota(path, arguments, client)
        default: for node in ["zookeeper_limits", "zookeeper_stats"] { try await client.delete("/zookeeper/quota\(path)/\(node)") }
        }
    }

    private static func create(_ path: String, _ arguments: ShellArguments, _ client: ZooKeeperClient) async throws {
        let data = arguments.words.count > 1 ? Bytes(string: arguments.words[1]) : nil
        let acl = arguments.words.count > 2 ? try AccessText.list(arguments.words[2]) : ZooKeeperClient.openACL
        let created: String
        if arguments.has("-c") {
            created = try await client.createContainer(path, data, acl: acl)
        } else if arguments.has("-t") {
            created = try await client.createTTL(
                path, data, milliseconds: try arguments.number("-t", default: 0), sequential: arguments.has("-s"), acl: acl)
        } else {
            var mode: ZooKeeperClient.CreateMode = []
            if arguments.has("-e") { mode.insert(.ephemeral) }
            if arguments.has("-s") { mode.insert(.sequential) }
            created = try await client.create(path, data, mode: mode, acl: acl)
        }
        Output.line("Created \(created)")
    }

    /// Limits in zkCli's form: `-n` and `-b` for soft limits of nodes and bytes, `-N` and `-B` for hard ones.
    private static func setQuota(_ path: String, _ arguments: ShellArguments, _ client: ZooKeeperClient) async throws {
        func limit(_ flag: String) throws -> Int64 { try arguments.number(flag, default: -1) }
        let text = "count=\(try limit("-n")),bytes=\(try limit("-b"))=;byteHardLimit=\(try limit("-B"));countHardLimit=\(try limit("-N"))"
        var parent = "/zookeeper/quota"
        for part in path.split(separator: "/") {
            parent += "/" + part
            if try await client.exists(parent) == nil { _ = try await client.create(parent, nil) }
        }
        if try await client.exists(parent + "/zookeeper_limits") == nil {
            _ = try await client.create(parent + "/zookeeper_limits", Bytes(string: text))
            _ = try await client.create(parent + "/zookeeper_stats", Bytes(string: "count=0,bytes=0"))
        } else {
            _ = try await client.set(parent + "/zookeeper_limits", Bytes(string: text))
        }
    }
}
