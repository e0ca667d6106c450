// Which watcher hears of what, and how often.
import Base
import CoordCore
import Testing

/// A table that can be asked within an expectation.
private final class Watches {
    private var table = WatchTable()
    var count: Int { table.count }
    var pathCount: Int { table.pathCount }
    func add(_ watcher: WatcherID, _ kinds: WatchKinds, _ path: String) -> Bool { table.add(watcher, kinds, path) }
    func remove(_ watcher: WatcherID, _ kinds: WatchKinds, _ path: String) -> Bool { table.remove(watcher, kinds, path) }
    func forget(_ watcher: WatcherID) { while !table.forget(watcher, pathsMax: 2) {} }
    func kinds(_ watcher: WatcherID, _ path: String) -> WatchKinds { table.kinds(watcher, path) }
    func paths(of watcher: WatcherID) -> [String] { table.paths(of: watcher).map(\.text) }
    func fire(_ kind: TreeEvent.Kind, _ path: String) -> [WatcherID] { table.fire(TreeEvent(kind, path, acl: [.open])) }
}

@Suite struct WatchTableTests {
    private let one = WatcherID(1)
    private let two = WatcherID(2)

    @Test func aWatchFiresOnceAndOnlyForItsKind() {
        let table = Watches()
        #expect(table.add(one, .data, "/a") && table.add(two, .child, "/a") && table.add(one, .data, "/a"))
        #expect(table.count == 2 && table.pathCount == 1)
        #expect(table.fire(.dataChanged, "/a") == [one])
        #expect(table.fire(.dataChanged, "/a") == [])
        #expect(table.fire(.childrenChanged, "/a") == [two] && table.count == 0 && table.pathCount == 0)
    }

    @Test func aDeletionTellsEachWatcherOnce() {
        let table = Watches()
        #expect(table.add(one, [.data, .child], "/a"))
        #expect(table.fire(.deleted, "/a") == [one] && table.count == 0)
    }

    @Test func aLostConnectionTakesItsWatches() {
        let table = Watches()
        #expect(table.add(one, .data, "/a") && table.add(two, .data, "/a") && table.add(one, .recursive, "/b"))
        table.forget(one)
        #expect(table.fire(.created, "/a") == [two] && table.fire(.created, "/b/c") == [] && table.count == 0)
    }

    @Test func aPersistentWatchStaysAndHearsOfChildren() {
        let table = Watches()
        #expect(table.add(one, .persistent, "/a"))
        for kind in [TreeEvent.Kind.created, .dataChanged, .childrenChanged, .deleted, .created] {
            #expect(table.fire(kind, "/a") == [one])
        }
        #expect(table.fire(.dataChanged, "/a/b") == [] && table.count == 1)
    }

    @Test func aRecursiveWatchHearsOfEverythingBelowButNotOfChildLists() {
        let table = Watches()
        #expect(table.add(one, .recursive, "/a"))
        for path in ["/a", "/a/b", "/a/b/c"] { #expect(table.fire(.created, path) == [one]) }
        for path in ["/ab", "/", "/b/a"] { #expect(table.fire(.created, path) == [], "\(path)") }
        #expect(table.fire(.childrenChanged, "/a") == [] && table.fire(.childrenChanged, "/a/b") == [])
        #expect(table.add(two, .recursive, "/"))
        #expect(table.fire(.deleted, "/a/b") == [one, two])
    }

    @Test func severalWatchesOfOneWatcherGiveOneEvent() {
        let table = Watches()
        #expect(table.add(one, .all, "/a/b") && table.add(one, .recursive, "/a") && table.add(one, .recursive, "/"))
        #expect(table.fire(.dataChanged, "/a/b") == [one])
        #expect(table.kinds(one, "/a/b") == [.child, .persistent, .recursive])
        #expect(table.fire(.deleted, "/a/b") == [one])
        #expect(table.kinds(one, "/a/b") == [.persistent, .recursive] && table.count == 4)
    }

    @Test func watchesAreRemovedByKind() {
        let table = Watches()
        #expect(table.add(one, [.data, .persistent], "/a"))
        #expect(table.remove(one, .child, "/a") == false && table.remove(two, .all, "/a") == false)
        #expect(table.remove(one, .data, "/a") && table.kinds(one, "/a") == .persistent)
        #expect(table.remove(one, .all, "/a") && table.count == 0 && table.paths(of: one).isEmpty)
    }
}
