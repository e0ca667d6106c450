// KafkaShareConsumer (KIP-932): records of a partition go to whichever consumer of the group asks, and each is acknowledged by itself.
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

class Sharing extends Check {
    static void all() {
        check("share: implicit acknowledgement", Sharing::implicit);
        check("share: explicit accept, release and reject", Sharing::explicit);
        check("share: renew keeps a record", Sharing::renew);
        check("share: two consumers share a partition", Sharing::shared);
        check("share: the callback is told of acknowledgements", Sharing::callback);
        check("share: a closed consumer gives back what it held", Sharing::givenBack);
        check("share: described, listed, offsets listed, altered, deleted", Sharing::administered);
        check("share: offsets of a topic deleted", Sharing::offsetsDeleted);
        check("share: acquisition mode record_limit", Sharing::recordLimit);
    }

    private static ShareConsumer<String, String> shareConsumer(String group, Object... pairs) {
        Map<String, Object> found = settings("group.id", group);
        found.putAll(settings(pairs));
        return new KafkaShareConsumer<>(found, new StringDeserializer(), new StringDeserializer());
    }

    private static List<ConsumerRecord<String, String>> take(ShareConsumer<String, String> consumer, int count) throws Exception {
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        until(() -> {
            consumer.poll(TICK).forEach(found::add);
            return found.size() >= count;
        }, count + " records");
        return found;
    }

    static String group(String... more) throws Exception {
        String group = fresh("share");
        var all = new ArrayList<AlterConfigOp>(List.of(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET)));
        for (int i = 0; i < more.length; i += 2) all.add(new AlterConfigOp(new ConfigEntry(more[i], more[i + 1]), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), all)).all().get();
        return group;
    }

    static void done(String group, String topic, long offset) throws Exception {
        until(() -> {
            var found = admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group).get().get(first(topic));
            return found != null && found.startOffset() == offset;
        }, "the group came to " + offset);
    }

    private static void implicit() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 20);
        try (var consumer = shareConsumer(group)) {
            consumer.subscribe(List.of(topic));
            equal(take(consumer, 20).get(0).deliveryCount().get(), (short) 1);
            consumer.commitSync().values().forEach(error -> hold(error.isEmpty(), error));
        }
        done(group, topic, 20);
    }

    private static void explicit() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 3);
        try (var consumer = shareConsumer(group, "share.acknowledgement.mode", "explicit")) {
            consumer.subscribe(List.of(topic));
            var found = take(consumer, 3);
            equal(consumer.acquisitionLockTimeoutMs().get(), 30000);
            consumer.acknowledge(found.get(0), AcknowledgeType.ACCEPT);
            consumer.acknowledge(found.get(1), AcknowledgeType.RELEASE);
            consumer.acknowledge(found.get(2), AcknowledgeType.REJECT);
            consumer.commitSync().values().forEach(error -> hold(error.isEmpty(), error));
            var again = take(consumer, 1).get(0);
            equal(again.value(), "v1");
            equal(again.deliveryCount().get(), (short) 2);
            consumer.acknowledge(again);
            consumer.commitSync();
        }
        done(group, topic, 3);
    }

    private static void renew() throws Exception {
        String topic = topic(1), group = group("share.record.lock.duration.ms", "15000");
        send(topic, 0, 1);
        try (var consumer = shareConsumer(group, "share.acknowledgement.mode", "explicit")) {
            consumer.subscribe(List.of(topic));
            var found = take(consumer, 1).get(0);
            consumer.acknowledge(found, AcknowledgeType.RENEW);
            consumer.commitSync().values().forEach(error -> hold(error.isEmpty(), error));
            consumer.poll(TICK);
            consumer.acknowledge(found, AcknowledgeType.ACCEPT);
            consumer.commitSync().values().forEach(error -> hold(error.isEmpty(), error));
        }
        done(group, topic, 1);
    }

    private static void shared() throws Exception {
        String topic = topic(1), group = group();
        Set<String> found = new HashSet<>();
        try (var one = shareConsumer(group, "max.poll.records", 5, "share.acquire.mode", "record_limit"); var two = shareConsumer(group, "max.poll.records", 5, "share.acquire.mode", "record_limit")) {
            one.subscribe(List.of(topic));
            two.subscribe(List.of(topic));
            send(topic, 0, 100);
            int[] each = {0, 0};
            until(() -> {
                one.poll(TICK).forEach(record -> { found.add(record.value()); each[0]++; });
                two.poll(TICK).forEach(record -> { found.add(record.value()); each[1]++; });
                return found.size() == 100;
            }, "all records");
            equal(each[0] + each[1], 100);
            hold(each[0] > 0 && each[1] > 0, "both have some: " + each[0] + ", " + each[1]);
        }
    }

    private static void callback() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 5);
        try (var consumer = shareConsumer(group)) {
            var told = new CompletableFuture<Integer>();
            consumer.setAcknowledgementCommitCallback((offsets, error) -> { if (error == null) told.complete(offsets.values().iterator().next().size()); else told.completeExceptionally(error); });
            consumer.subscribe(List.of(topic));
            take(consumer, 5);
            consumer.commitAsync();
            until(() -> { consumer.poll(TICK); return told.isDone(); }, "the callback");
            equal(told.get(), 5);
        }
    }

    private static void givenBack() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 5);
        try (var consumer = shareConsumer(group, "share.acknowledgement.mode", "explicit")) {
            consumer.subscribe(List.of(topic));
            take(consumer, 5);
        }
        try (var consumer = shareConsumer(group)) {
            consumer.subscribe(List.of(topic));
            equal(take(consumer, 5).size(), 5);
        }
    }

    private static void administered() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 5);
        try (var consumer = shareConsumer(group)) {
            consumer.subscribe(List.of(topic));
            take(consumer, 5);
            var found = admin.describeShareGroups(List.of(group)).all().get().get(group);
            equal(found.members().size(), 1);
            equal(found.members().iterator().next().assignment().topicPartitions(), Set.of(first(topic)));
            hold(admin.listGroups(org.apache.kafka.clients.admin.ListGroupsOptions.forShareGroups()).all().get().stream().anyMatch(g -> g.groupId().equals(group) && g.type().get() == GroupType.SHARE), "it is listed");
            consumer.commitSync();
        }
        done(group, topic, 5);
        until(() -> admin.describeShareGroups(List.of(group)).all().get().get(group).members().isEmpty(), "no members");
        admin.alterShareGroupOffsets(group, Map.of(first(topic), 2L)).all().get();
        done(group, topic, 2);
        equal(admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group).get().get(first(topic)).lag().get(), 3L);
        admin.deleteShareGroups(List.of(group)).all().get();
        hold(admin.listGroups().all().get().stream().noneMatch(g -> g.groupId().equals(group)), "it is gone");
    }

    private static void offsetsDeleted() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 5);
        try (var consumer = shareConsumer(group)) {
            consumer.subscribe(List.of(topic));
            take(consumer, 5);
            consumer.commitSync();
        }
        done(group, topic, 5);
        until(() -> admin.describeShareGroups(List.of(group)).all().get().get(group).members().isEmpty(), "no members");
        admin.deleteShareGroupOffsets(group, Set.of(topic)).all().get();
        try (var consumer = shareConsumer(group)) {
            consumer.subscribe(List.of(topic));
            equal(take(consumer, 5).get(0).value(), "v0");
        }
    }

    private static void recordLimit() throws Exception {
        String topic = topic(1), group = group();
        send(topic, 0, 20);
        try (var consumer = shareConsumer(group, "max.poll.records", 4, "share.acquire.mode", "record_limit")) {
            consumer.subscribe(List.of(topic));
            until(() -> { int count = consumer.poll(TICK).count(); hold(count <= 4, "more than asked for: " + count); return count > 0; }, "records");
        }
    }
}
