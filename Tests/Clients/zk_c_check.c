/* ZooKeeper's C client against three servers: nodes, a watch, a transaction, and the loss of the server that it is on.
 *
 * Usage: zk_c_check HOST:PORT,HOST:PORT,HOST:PORT. It connects to the first, prints one line a check and ends with 1 at the first that fails. To have its
 * server killed it prints "KILL PORT" and waits for a line on stdin; whoever started it (zk_c_check.py) does that. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { SESSION_TIMEOUT_MS = 10000, WAIT_SECONDS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int connects, expired, events, event_type;
static char event_path[256];

#define MUST(condition, ...) \
    do { \
        if (!(condition)) { \
            printf("FAILED line %d: ", __LINE__); \
            printf(__VA_ARGS__); \
            printf("\n"); \
            exit(1); \
        } \
    } while (0)
#define MUST_OK(call) \
    do { \
        int code_ = (call); \
        MUST(code_ == ZOK, "%s: %s", #call, zerror(code_)); \
    } while (0)

static void passed(const char *what) {
    printf("ok  %s\n", what);
    fflush(stdout);
}

static void session_changed(zhandle_t *zk, int type, int state, const char *path, void *context) {
    if (type != ZOO_SESSION_EVENT) return;
    pthread_mutex_lock(&lock);
    if (state == ZOO_CONNECTED_STATE) connects++;
    if (state == ZOO_EXPIRED_SESSION_STATE) expired++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* A watch hears of the session as well; only what happens to nodes counts. */
static void node_changed(zhandle_t *zk, int type, int state, const char *path, void *context) {
    if (type == ZOO_SESSION_EVENT) return;
    pthread_mutex_lock(&lock);
    events++;
    event_type = type;
    snprintf(event_path, sizeof event_path, "%s", path);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Nobody waits for a sync: what the same session reads next comes after it. */
static void synced(int code, const char *path, const void *context) {}

static int reaches(int *counter, int value) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&lock);
    while (*counter < value && !expired)
        if (pthread_cond_timedwait(&changed, &lock, &end)) break;
    int reached = *counter >= value;
    pthread_mutex_unlock(&lock);
    return reached;
}

static zhandle_t *open_session(const char *hosts) {
    int before = connects;
    zhandle_t *zk = zookeeper_init(hosts, session_changed, SESSION_TIMEOUT_MS, NULL, NULL, 0);
    MUST(zk, "zookeeper_init gave no handle");
    MUST(reaches(&connects, before + 1), "not connected within %d s", WAIT_SECONDS);
    return zk;
}

static int port_of(zhandle_t *zk) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    MUST(zookeeper_get_connected_host(zk, (struct sockaddr *)&address, &length), "no connected host");
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void create(zhandle_t *zk, const char *path, const char *value, int mode, char *created, int size) {
    MUST_OK(zoo_create(zk, path, value, (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, mode, created, size));
}

static void expect_value(zhandle_t *zk, const char *path, const char *value, watcher_fn watcher) {
    char bytes[256];
    int length = sizeof bytes;
    struct Stat stat;
    MUST_OK(zoo_wget(zk, path, watcher, NULL, bytes, &length, &stat));
    MUST(length == (int)strlen(value) && !memcmp(bytes, value, length), "%s holds %.*s", path, length, bytes);
}

static void check_nodes(zhandle_t *zk) {
    char first[256], second[256], ephemeral[256];
    create(zk, "/c", "root", ZOO_PERSISTENT, NULL, 0);
    create(zk, "/c/n-", "1", ZOO_SEQUENCE, first, sizeof first);
    create(zk, "/c/n-", "2", ZOO_SEQUENCE, second, sizeof second);
    MUST(!strcmp(first, "/c/n-0000000000") && !strcmp(second, "/c/n-0000000001"), "%s, %s", first, second);
    create(zk, "/c/alive", "here", ZOO_EPHEMERAL, NULL, 0);
    create(zk, "/c/e-", "both", ZOO_EPHEMERAL | ZOO_SEQUENCE, ephemeral, sizeof ephemeral);
    struct Stat stat;
    MUST_OK(zoo_exists(zk, ephemeral, 0, &stat));
    MUST(stat.ephemeralOwner == zoo_client_id(zk)->client_id, "%s is not of this session", ephemeral);
    MUST(zoo_create(zk, "/c/alive/child", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZNOCHILDRENFOREPHEMERALS, "an ephemeral got a child");
    MUST(zoo_create(zk, "/c", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZNODEEXISTS, "a node was created twice");
    MUST(zoo_set(zk, "/c", "no", 2, 7) == ZBADVERSION, "a wrong version was taken");
    struct String_vector names;
    MUST_OK(zoo_get_children(zk, "/c", 0, &names));
    MUST(names.count == 4, "%d children", names.count);
    deallocate_String_vector(&names);
    passed("sequential and ephemeral nodes, versions, children");
}

static void check_watch(zhandle_t *zk, zhandle_t *other) {
    expect_value(zk, "/c/n-0000000000", "1", node_changed);
    MUST_OK(zoo_set(other, "/c/n-0000000000", "changed", 7, 0));
    MUST(reaches(&events, 1), "the watch did not fire");
    MUST(event_type == ZOO_CHANGED_EVENT && !strcmp(event_path, "/c/n-0000000000"), "event %d of %s", event_type, event_path);
    expect_value(zk, "/c/n-0000000000", "changed", NULL);
    passed("a watch fires for what another session wrote");
}

static void check_transactions(zhandle_t *zk) {
    char created[256];
    struct Stat stat;
    zoo_op_t operations[4];
    zoo_op_result_t results[4];
    zoo_create_op_init(&operations[0], "/c/m-", "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, created, sizeof created);
    zoo_set_op_init(&operations[1], "/c", "multi", 5, 0, &stat);
    zoo_check_op_init(&operations[2], "/c/n-0000000000", 1);
    zoo_delete_op_init(&operations[3], "/c/n-0000000001", 0);
    MUST_OK(zoo_multi(zk, 4, operations, results));
    MUST(!strcmp(created, "/c/m-0000000004") && stat.version == 1, "%s, version %d", created, stat.version);
    MUST(zoo_exists(zk, "/c/n-0000000001", 0, &stat) == ZNONODE, "the node is still there");

    zoo_create_op_init(&operations[0], "/c/never", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, created, sizeof created);
    zoo_check_op_init(&operations[1], "/c", 7);
    zoo_delete_op_init(&operations[2], "/c/n-0000000000", -1);
    MUST(zoo_multi(zk, 3, operations, results) == ZBADVERSION, "a transaction with a wrong version was taken");
    MUST(results[0].err == ZOK && results[1].err == ZBADVERSION && results[2].err == ZRUNTIMEINCONSISTENCY, "results %d, %d, %d", results[0].err, results[1].err, results[2].err);
    MUST(zoo_exists(zk, "/c/never", 0, &stat) == ZNONODE, "half of a transaction was executed");
    passed("a transaction happens as a whole or not at all");
}

static void check_lost_server(zhandle_t *zk, const char *hosts) {
    int64_t session = zoo_client_id(zk)->client_id;
    int port = port_of(zk), connected = connects, fired = events;
    expect_value(zk, "/c/n-0000000000", "changed", node_changed);
    printf("KILL %d\n", port);
    fflush(stdout);
    MUST(getchar() == '\n', "nobody killed the server");
    MUST(reaches(&connects, connected + 1), "no connection after the loss of a server");
    MUST(!expired && zoo_client_id(zk)->client_id == session, "the session did not survive");
    MUST(port_of(zk) != port, "still on the server that was killed");
    struct Stat stat;
    MUST_OK(zoo_exists(zk, "/c/alive", 0, &stat));
    MUST(stat.ephemeralOwner == session, "the ephemeral node is another session's");
    create(zk, "/c/after", "the loss", ZOO_PERSISTENT, NULL, 0);
    passed("the session moves to another server with its ephemeral nodes");

    zhandle_t *other = open_session(hosts);
    MUST(events == fired, "the watch fired for nothing");
    MUST_OK(zoo_set(other, "/c/n-0000000000", "again", 5, 1));
    MUST(reaches(&events, fired + 1), "the watch did not fire after the move (%d sessions expired, state %d, %d connects)", expired, zoo_state(zk), connects);
    MUST_OK(zookeeper_close(zk));
    MUST_OK(zoo_async(other, "/", synced, NULL));
    MUST(zoo_exists(other, "/c/alive", 0, &stat) == ZNONODE, "an ephemeral node outlived its session");
    MUST_OK(zookeeper_close(other));
    passed("so does the watch; ephemeral nodes go with the session");
}

int main(int count, char **arguments) {
    MUST(count == 2, "usage: zk_c_check HOST:PORT,HOST:PORT,HOST:PORT");
    zoo_set_debug_level(0);
    zoo_deterministic_conn_order(1);
    zhandle_t *zk = open_session(arguments[1]), *other = open_session(arguments[1]);
    check_nodes(zk);
    check_watch(zk, other);
    check_transactions(zk);
    MUST_OK(zookeeper_close(other));
    check_lost_server(zk, arguments[1]);
    return 0;
}
