// Curator's recipes over ZooKeeper's Java client, against whatever server is named: `java -cp JARS CuratorCheck.java CONNECT-STRING`. It prints `ok NAME` or
// `FAILED NAME: why`, a line a check. Where a server is to be lost it prints KILL and goes on when a line comes back: by then the server that led was
// killed (-9) and is being started again. Sessions last 10 s, so that none may expire by the loss.
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.Stat;

public class CuratorCheck {
    private static final int CLIENTS = 3;
    private static final int SESSION_MILLISECONDS = 10_000;
    private static final int WAIT_SECONDS = 60;
    private static List<CuratorFramework> clients = new ArrayList<>();
    private static ExecutorService threads = Executors.newCachedThreadPool();
    private static int failed = 0;

    interface Body { void run() throws Exception; }
    interface Work { void run(CuratorFramework client, int number) throws Exception; }
    interface Condition { boolean holds() throws Exception; }

    private static void check(String name, Body body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable failure) {
            failed++;
            StackTraceElement[] trace = failure.getStackTrace();
            String at = "";
            for (StackTraceElement element : trace) if (element.getClassName().startsWith("CuratorCheck")) { at += " at line " + element.getLineNumber(); }
            System.out.println("FAILED " + name + ": " + failure + at);
        }
    }

    private static void hold(boolean condition, String otherwise) { if (!condition) throw new AssertionError(otherwise); }

    private static void until(Condition condition, String otherwise) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!condition.holds()) {
            hold(System.nanoTime() < end, otherwise);
            Thread.sleep(20);
        }
    }

    private static CuratorFramework connect(String hosts) {
        CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, SESSION_MILLISECONDS, 5_000, new RetryForever(100));
        client.start();
        return client;
    }

    /// The work in a thread for each client, all at once; with `loss` the leading server is killed while they are at it.
    private static void everywhere(boolean loss, Work work) throws Exception {
        List<Future<?>> running = new ArrayList<>();
        for (int number = 0; number < CLIENTS; number++) {
            final int mine = number;
            running.add(threads.submit((Callable<Void>) () -> { work.run(clients.get(mine), mine); return null; }));
        }
        if (loss) {
            Thread.sleep(300);
            loseLeader();
        }
        for (Future<?> each : running) each.get(WAIT_SECONDS, TimeUnit.SECONDS);
    }

    private static void loseLeader() throws Exception {
        System.out.println("KILL");
        System.out.flush();
        hold(System.in.read() >= 0, "nobody answered KILL");
    }

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }
    private static String text(byte[] bytes) { return new String(bytes, StandardCharsets.UTF_8); }

    // MARK: locks

    private static void contend(String path, boolean loss) throws Exception {
        CuratorFramework first = clients.get(0);
        first.create().creatingParentsIfNeeded().forPath(path + "-count", bytes("0"));
        AtomicInteger inside = new AtomicInteger(), crowded = new AtomicInteger();
        int turns = loss ? 40 : 20;
        everywhere(loss, (client, number) -> {
            InterProcessMutex mutex = new InterProcessMutex(client, path);
            for (int turn = 0; turn < turns; turn++) {
                hold(mutex.acquire(WAIT_SECONDS, TimeUnit.SECONDS), "the lock never came");
                try {
                    if (inside.incrementAndGet() > 1) crowded.incrementAndGet();
                    Stat stat = new Stat();
                    int count = Integer.parseInt(text(client.getData().storingStatIn(stat).forPath(path + "-count")));
                    try {
                        client.setData().withVersion(stat.getVersion()).forPath(path + "-count", bytes("" + (count + 1)));
                    } catch (KeeperException.BadVersionException again) {
                        // The write that lost its connection had been executed; nobody else can have changed the node.
                        int now = Integer.parseInt(text(client.getData().forPath(path + "-count")));
                        hold(now == count + 1, "somebody else counted under the lock");
                    }
                    inside.decrementAndGet();
                } finally { mutex.release(); }
            }
        });
        first.sync().forPath(path + "-count");
        hold(crowded.get() == 0, crowded + " times two were inside");
        int count = Integer.parseInt(text(first.getData().forPath(path + "-count")));
        hold(count == CLIENTS * turns, count + " of " + CLIENTS * turns + " increments are there");
    }

    private static void locks() {
        check("InterProcessMutex: three clients count under it", () -> contend("/mutex", false));
        check("InterProcessSemaphoreV2: two leases, never three inside", () -> {
            AtomicInteger inside = new AtomicInteger(), most = new AtomicInteger();
            everywhere(false, (client, number) -> {
                InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, "/semaphore", 2);
                for (int turn = 0; turn < 10; turn++) {
                    Lease lease = semaphore.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    inside.decrementAndGet();
                    semaphore.returnLease(lease);
                }
            });
            hold(most.get() <= 2, most + " were inside");
        });
        check("InterProcessReadWriteLock: readers share, a writer is alone", () -> {
            InterProcessReadWriteLock one = new InterProcessReadWriteLock(clients.get(0), "/readwrite");
            InterProcessReadWriteLock two = new InterProcessReadWriteLock(clients.get(1), "/readwrite");
            hold(one.readLock().acquire(5, TimeUnit.SECONDS) && two.readLock().acquire(5, TimeUnit.SECONDS), "two readers did not share");
            InterProcessReadWriteLock three = new InterProcessReadWriteLock(clients.get(2), "/readwrite");
            hold(!three.writeLock().acquire(300, TimeUnit.MILLISECONDS), "a writer came in beside readers");
            one.readLock().release();
            two.readLock().release();
            hold(three.writeLock().acquire(5, TimeUnit.SECONDS), "the writer never came in");
            three.writeLock().release();
        });
    }

    // MARK: elections

    private static LeaderLatch single(List<LeaderLatch> latches) {
        LeaderLatch found = null;
        for (LeaderLatch latch : latches) if (latch.getState() == LeaderLatch.State.STARTED && latch.hasLeadership()) { hold(found == null, "two lead"); found = latch; }
        return found;
    }

    private static void elections() {
        check("LeaderLatch: one leads, and another one when it closes", () -> {
            List<LeaderLatch> latches = new ArrayList<>();
            for (int number = 0; number < CLIENTS; number++) {
                latches.add(new LeaderLatch(clients.get(number), "/latch", "" + number));
                latches.get(number).start();
            }
            until(() -> single(latches) != null, "nobody leads");
            LeaderLatch first = single(latches);
            hold(latches.get(0).getParticipants().size() == CLIENTS, "not all take part");
            first.close();
            until(() -> single(latches) != null, "nobody follows the leader");
            for (LeaderLatch latch : latches) if (latch != first) latch.close();
        });
        check("LeaderSelector: each leads in its turn", () -> {
            Set<Integer> led = Collections.synchronizedSet(new HashSet<>());
            AtomicInteger leading = new AtomicInteger(), crowded = new AtomicInteger();
            List<LeaderSelector> selectors = new ArrayList<>();
            for (int number = 0; number < CLIENTS; number++) {
                final int mine = number;
                selectors.add(new LeaderSelector(clients.get(number), "/selector", new LeaderSelectorListenerAdapter() {
                    public void takeLeadership(CuratorFramework client) throws Exception {
                        if (leading.incrementAndGet() > 1) crowded.incrementAndGet();
                        led.add(mine);
                        Thread.sleep(20);
                        leading.decrementAndGet();
                    }
                }));
                selectors.get(number).start();
            }
            until(() -> led.size() == CLIENTS, "only " + led + " led");
            hold(crowded.get() == 0, "two led at once");
            for (LeaderSelector selector : selectors) selector.close();
        });
    }

    // MARK: caches and watches

    private static void caches() {
        check("CuratorCache: a mirror of creations, changes and deletions below a path", () -> {
            CuratorFramework writer = clients.get(0);
            ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
            writer.create().forPath("/cache", bytes("root"));
            try (CuratorCache cache = CuratorCache.build(clients.get(1), "/cache")) {
                cache.listenable().addListener((type, before, after) -> seen.add(type + " " + (after == null ? before : after).getPath()));
                cache.start();
                until(() -> cache.size() == 1, "the root was not seen");
                writer.create().creatingParentsIfNeeded().forPath("/cache/a/b", bytes("1"));
                writer.setData().forPath("/cache/a/b", bytes("2"));
                until(() -> cache.get("/cache/a/b").map(data -> text(data.getData()).equals("2")).orElse(false), "the change was not seen: " + seen);
                writer.delete().deletingChildrenIfNeeded().forPath("/cache/a");
                until(() -> cache.size() == 1, "the deletion was not seen: " + seen);
                hold(seen.contains("NODE_CREATED /cache/a") && seen.contains("NODE_CREATED /cache/a/b"), "creations: " + seen);
                hold(seen.contains("NODE_DELETED /cache/a/b"), "deletions: " + seen);
            }
        });
        check("PathChildrenCache: children come, change and go", () -> {
            CuratorFramework writer = clients.get(0);
            writer.create().forPath("/children");
            ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
            try (PathChildrenCache cache = new PathChildrenCache(clients.get(2), "/children", true)) {
                cache.getListenable().addListener((client, event) -> { if (event.getData() != null) seen.add(event.getType() + " " + event.getData().getPath()); });
                cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
                writer.create().forPath("/children/x", bytes("1"));
                until(() -> seen.contains("CHILD_ADDED /children/x"), "the child was not seen");
                writer.setData().forPath("/children/x", bytes("2"));
                until(() -> seen.contains("CHILD_UPDATED /children/x"), "the change was not seen");
                writer.delete().forPath("/children/x");
                until(() -> seen.contains("CHILD_REMOVED /children/x"), "the end was not seen");
            }
        });
        check("PersistentWatcher: recursive, every event and in order", () -> {
            ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
            try (PersistentWatcher watcher = new PersistentWatcher(clients.get(1), "/persistent", true)) {
                watcher.getListenable().addListener(event -> seen.add(event.getType() + " " + event.getPath()));
                AtomicInteger resets = new AtomicInteger();
                watcher.getResetListenable().addListener(resets::incrementAndGet);
                watcher.start();
                until(() -> resets.get() == 1, "the watch was not set");
                CuratorFramework writer = clients.get(0);
                writer.create().forPath("/persistent");
                writer.create().forPath("/persistent/a");
                writer.setData().forPath("/persistent/a", bytes("1"));
                writer.delete().forPath("/persistent/a");
                until(() -> seen.size() == 4, "the events were " + seen);
                hold(seen.toString().equals("[NodeCreated /persistent, NodeCreated /persistent/a, NodeDataChanged /persistent/a, NodeDeleted /persistent/a]"), "" + seen);
            }
        });
    }

    // MARK: counters, barriers, queues

    private static void numbers() {
        check("SharedCount: set on one client, seen by another's listener", () -> {
            try (SharedCount one = new SharedCount(clients.get(0), "/shared", 1); SharedCount two = new SharedCount(clients.get(1), "/shared", 1)) {
                one.start();
                two.start();
                one.setCount(5);
                until(() -> two.getCount() == 5, "the count did not arrive");
                hold(two.trySetCount(two.getVersionedValue(), 6), "a set with the newest version was refused");
                until(() -> one.getCount() == 6, "the count did not come back");
            }
        });
        check("DistributedAtomicLong: no increment is lost", () -> {
            everywhere(false, (client, number) -> {
                DistributedAtomicLong counter = new DistributedAtomicLong(client, "/atomic", new RetryNTimes(1000, 1));
                for (int turn = 0; turn < 20; turn++) hold(counter.increment().succeeded(), "an increment failed");
            });
            clients.get(0).sync().forPath("/atomic");
            long total = new DistributedAtomicLong(clients.get(0), "/atomic", new RetryNTimes(1, 1)).get().postValue();
            hold(total == CLIENTS * 20, "it is " + total);
        });
        check("DistributedBarrier: nobody passes before it is taken away", () -> {
            DistributedBarrier keeper = new DistributedBarrier(clients.get(0), "/barrier");
            keeper.setBarrier();
            clients.get(1).sync().forPath("/barrier");
            hold(!new DistributedBarrier(clients.get(1), "/barrier").waitOnBarrier(300, TimeUnit.MILLISECONDS), "it was open");
            Future<Boolean> waiting = threads.submit(() -> new DistributedBarrier(clients.get(1), "/barrier").waitOnBarrier(WAIT_SECONDS, TimeUnit.SECONDS));
            keeper.removeBarrier();
            hold(waiting.get(WAIT_SECONDS, TimeUnit.SECONDS), "nobody came through");
        });
        check("DistributedDoubleBarrier: all enter together and leave together", () -> {
            AtomicInteger arrived = new AtomicInteger(), left = new AtomicInteger(), early = new AtomicInteger();
            everywhere(false, (client, number) -> {
                DistributedDoubleBarrier barrier = new DistributedDoubleBarrier(client, "/double", CLIENTS);
                Thread.sleep(100 * number);
                arrived.incrementAndGet();
                hold(barrier.enter(WAIT_SECONDS, TimeUnit.SECONDS), "it was never entered");
                if (arrived.get() < CLIENTS) early.incrementAndGet();
                Thread.sleep(100 * number);
                left.incrementAndGet();
                hold(barrier.leave(WAIT_SECONDS, TimeUnit.SECONDS), "it was never left");
                if (left.get() < CLIENTS) early.incrementAndGet();
            });
            hold(early.get() == 0, early + " went ahead");
        });
        check("SimpleDistributedQueue: what is offered is taken once, in order", () -> {
            SimpleDistributedQueue in = new SimpleDistributedQueue(clients.get(0), "/queue"), out = new SimpleDistributedQueue(clients.get(1), "/queue");
            for (int number = 0; number < 20; number++) in.offer(bytes("" + number));
            clients.get(1).sync().forPath("/queue");
            for (int number = 0; number < 20; number++) hold(text(out.take()).equals("" + number), "not in order");
            hold(out.poll() == null, "there is more");
        });
    }

    // MARK: nodes

    private static void nodes() {
        check("transactions: all of it, or nothing and the reasons", () -> {
            CuratorFramework client = clients.get(0);
            List<CuratorTransactionResult> done = client.transaction().forOperations(
                client.transactionOp().create().forPath("/txn", bytes("1")), client.transactionOp().setData().forPath("/txn", bytes("2")),
                client.transactionOp().check().withVersion(1).forPath("/txn"), client.transactionOp().create().forPath("/txn/child"));
            hold(done.size() == 4 && done.get(1).getResultStat().getVersion() == 1, "the results are " + done);
            List<CuratorOp> wrong = new ArrayList<>();
            wrong.add(client.transactionOp().delete().forPath("/txn/child"));
            wrong.add(client.transactionOp().setData().withVersion(7).forPath("/txn", bytes("3")));
            try {
                client.transaction().forOperations(wrong);
                throw new AssertionError("it was executed");
            } catch (KeeperException.BadVersionException expected) {
                hold(expected.getResults().size() == 2, "the reasons are " + expected.getResults());
            }
            hold(client.checkExists().forPath("/txn/child") != null && text(client.getData().forPath("/txn")).equals("2"), "half of it was executed");
        });
        check("containers and nodes with a time to live go by themselves", () -> {
            CuratorFramework client = clients.get(0);
            client.createContainers("/containers");
            client.create().forPath("/containers/child");
            client.delete().forPath("/containers/child");
            client.create().withTtl(200).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/brief");
            String sequential = client.create().withTtl(200).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath("/brief-");
            until(() -> client.checkExists().forPath("/containers") == null, "the container stays");
            until(() -> client.checkExists().forPath("/brief") == null && client.checkExists().forPath(sequential) == null, "the nodes stay");
        });
        check("access lists: what a digest closes, others cannot read", () -> {
            CuratorFramework owner = CuratorFrameworkFactory.builder().connectString(hosts).retryPolicy(new RetryNTimes(3, 100)).authorization("digest", bytes("ann:secret")).build();
            owner.start();
            owner.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/closed", bytes("mine"));
            hold(text(owner.getData().forPath("/closed")).equals("mine"), "its owner cannot read it");
            clients.get(1).sync().forPath("/closed");
            try {
                clients.get(1).getData().forPath("/closed");
                throw new AssertionError("anybody reads it");
            } catch (KeeperException.NoAuthException expected) { }
            owner.close();
        });
        check("a protected sequential node is found again and not made twice", () -> {
            CuratorFramework client = clients.get(0);
            client.create().forPath("/protected");
            String path = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/protected/n-");
            hold(client.getChildren().forPath("/protected").size() == 1 && path.contains("_c_"), path);
        });
        check("PersistentNode: an ephemeral that comes back when somebody deletes it", () -> {
            PersistentNode node = new PersistentNode(clients.get(0), CreateMode.EPHEMERAL, false, "/persistent-node", bytes("here"));
            node.start();
            hold(node.waitForInitialCreate(WAIT_SECONDS, TimeUnit.SECONDS), "it was never made");
            long first = clients.get(0).checkExists().forPath("/persistent-node").getCzxid();
            clients.get(0).delete().forPath("/persistent-node");
            until(() -> {
                Stat stat = clients.get(0).checkExists().forPath("/persistent-node");
                return stat != null && stat.getCzxid() > first;
            }, "it did not come back");
            node.close();
        });
    }

    // MARK: the loss of a server

    private static void losses() {
        check("sessions, ephemerals and watches outlive the loss of the leader", () -> {
            List<Long> sessions = new ArrayList<>();
            ConcurrentLinkedQueue<ConnectionState> states = new ConcurrentLinkedQueue<>();
            ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
            for (CuratorFramework client : clients) {
                client.getConnectionStateListenable().addListener((which, state) -> states.add(state));
                sessions.add(client.getZookeeperClient().getZooKeeper().getSessionId());
                client.create().withMode(CreateMode.EPHEMERAL).forPath("/alive-" + sessions.size());
            }
            clients.get(2).create().forPath("/watched");
            for (CuratorFramework client : clients) {
                client.sync().forPath("/watched");
                client.getData().usingWatcher((org.apache.zookeeper.Watcher) event -> { if (event.getPath() != null) seen.add(event.getType() + " " + event.getPath()); }).forPath("/watched");
            }
            loseLeader();
            clients.get(0).setData().forPath("/watched", bytes("1"));
            until(() -> seen.size() == CLIENTS, "watches that fired: " + seen);
            for (int number = 0; number < CLIENTS; number++) {
                CuratorFramework client = clients.get(number);
                until(() -> client.getZookeeperClient().isConnected(), "a client stays away");
                hold(client.getZookeeperClient().getZooKeeper().getSessionId() == sessions.get(number), "a session is another one");
                hold(client.checkExists().forPath("/alive-" + (number + 1)) != null, "an ephemeral is gone");
            }
            hold(!states.contains(ConnectionState.LOST), "the states were " + states);
        });
        check("InterProcessMutex: no increment is lost with the leader", () -> contend("/mutex-loss", true));
        check("LeaderLatch: one leads after the loss, and never two", () -> {
            List<LeaderLatch> latches = new ArrayList<>();
            for (int number = 0; number < CLIENTS; number++) {
                latches.add(new LeaderLatch(clients.get(number), "/latch-loss", "" + number));
                latches.get(number).start();
            }
            until(() -> single(latches) != null, "nobody leads");
            loseLeader();
            until(() -> single(latches) != null, "nobody leads any more");
            for (LeaderLatch latch : latches) latch.close();
        });
        check("CuratorCache: the mirror is right again after the loss", () -> {
            CuratorFramework writer = clients.get(0);
            writer.create().forPath("/cache-loss");
            try (CuratorCache cache = CuratorCache.build(clients.get(1), "/cache-loss")) {
                cache.start();
                writer.create().forPath("/cache-loss/before");
                until(() -> cache.size() == 2, "the first child was not seen");
                loseLeader();
                for (int number = 0; number < 10; number++) writer.create().orSetData().forPath("/cache-loss/after-" + number, bytes("x"));
                writer.delete().quietly().forPath("/cache-loss/before");
                until(() -> cache.size() == 11 && !cache.get("/cache-loss/before").isPresent(), "the mirror holds " + cache.size() + " nodes");
            }
        });
        check("DistributedAtomicLong: the count is right after the loss", () -> {
            AtomicInteger sure = new AtomicInteger(), unsure = new AtomicInteger();
            everywhere(true, (client, number) -> {
                DistributedAtomicLong counter = new DistributedAtomicLong(client, "/atomic-loss", new RetryNTimes(1000, 1));
                for (int turn = 0; turn < 60; turn++) {
                    try {
                        if (counter.increment().succeeded()) sure.incrementAndGet();
                    } catch (KeeperException.ConnectionLossException | KeeperException.OperationTimeoutException unknown) { unsure.incrementAndGet(); }
                }
            });
            clients.get(0).sync().forPath("/atomic-loss");
            long total = new DistributedAtomicLong(clients.get(0), "/atomic-loss", new RetryNTimes(1, 1)).get().postValue();
            // Each client may have one write executed and not answered, which it then tries again as a new one.
            hold(total >= sure.get() && total <= CLIENTS * 60 + CLIENTS, "it is " + total + " after " + sure + " sure and " + unsure + " unsure");
        });
    }

    private static String hosts;

    public static void main(String[] arguments) throws Exception {
        hosts = arguments[0];
        for (int number = 0; number < CLIENTS; number++) clients.add(connect(hosts));
        for (CuratorFramework client : clients) hold(client.blockUntilConnected(WAIT_SECONDS, TimeUnit.SECONDS), "no connection");
        locks();
        elections();
        caches();
        numbers();
        nodes();
        losses();
        for (CuratorFramework client : clients) client.close();
        System.out.println("END");
        System.exit(failed == 0 ? 0 : 1);
    }
}
