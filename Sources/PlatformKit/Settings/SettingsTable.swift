// Every setting of the platform, once. Each needs a restart to change.
import Base
import NetKit

/// The keys.
enum SettingsTable {
    static let dataDirectory = SettingKey.text(
        "data.dir", "", "a path; empty: $STATE_DIRECTORY, $XDG_DATA_HOME/platform or ~/.local/share/platform", "Where the services keep their data.")
    static let logLevel = SettingKey.choice("log.level", "info", ["trace", "debug", "info", "notice", "warning", "error", "critical"], "Least severity that is logged.")
    static let logFormat = SettingKey.choice("log.format", "auto", ["auto", "text", "json"], "Form of the log on stderr; auto: text on a terminal, JSON otherwise.")
    static let insecureExpose = SettingKey.flag("insecure-expose", false, "Allow addresses other than loopback although nobody has to log in.")

    static let coordListen = SettingKey.address("coord.listen", "127.0.0.1:2181", "Where ZooKeeper clients connect.")
    static let coordTick = SettingKey.integer("coord.tick.ms", 2000, 10...60_000, "ms", "Unit of session timeouts: a session lives 2 to 20 ticks without being heard from.")
    static let coordConnectionsPerAddress = SettingKey.integer("coord.connections-per-address.max", 0, 0...100_000, "connections", "Connections from one address; 0 for no limit.")

    static let namenodeListen = SettingKey.address("dfs.namenode.listen", "127.0.0.1:9870", "Where WebHDFS clients connect.")
    static let datanodeListen = SettingKey.address("dfs.datanode.listen", "127.0.0.1:9864", "Where file data is read and written over HTTP.")
    static let dfsBlockSize = SettingKey.integer("dfs.block.bytes", 128 << 20, (1 << 20)...(1 << 40), "bytes", "Size of a block of new files, unless the client asks for another.")
    static let dfsSuperUser = SettingKey.text("dfs.superuser", "", "a user's name; empty: who runs the process", "The account that passes every check of access.")

    static let connectListen = SettingKey.address("compute.connect.listen", "127.0.0.1:15002", "Where Spark Connect clients connect.")
    static let computeDFS = SettingKey.text("compute.dfs", "", "host:port; empty: the dfs of this process", "The WebHDFS address that webhdfs:///path and hdfs:///path mean.")

    static let consoleListen = SettingKey.address("console.listen", "127.0.0.1:7080", "Where the console, /metrics, /livez and /readyz answer.")

    static let all: [AnySetting] = [
        dataDirectory.erased, logLevel.erased, logFormat.erased, insecureExpose.erased,
        coordListen.erased, coordTick.erased, coordConnectionsPerAddress.erased,
        namenodeListen.erased, datanodeListen.erased, dfsBlockSize.erased, dfsSuperUser.erased,
        connectListen.erased, computeDFS.erased,
        consoleListen.erased,
    ]
    static let byName: [String: AnySetting] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The settings whose ports `--port-offset` and `--ports auto` move, as long as nobody chose them.
    static let listeners: [SettingKey<HostPort>] = [coordListen, namenodeListen, datanodeListen, connectListen, consoleListen]
}
