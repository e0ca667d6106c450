// KafkaConsumer: reading by hand, and groups of both protocols (`classic`, and `consumer` of KIP-848), each check of a group with both.
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.clients.producer.ProducerRecord;

class Consuming extends Check {
    static void all() {
        check("consumer: assign, seek, position, beginning and end", Consuming::byHand);
        check("consumer: offsetsForTimes", Consuming::byTime);
        check("consumer: pause and resume", Consuming::paused);
        check("consumer: offset resets none, latest and out of range", Consuming::resets);
        check("consumer: listTopics and partitionsFor", Consuming::topics);
        check("consumer: currentLag and max.poll.records", Consuming::lag);
        for (String protocol : List.of("classic", "consumer")) {
            check("consumer, " + protocol + ": subscribes, commits with metadata, goes on there", () -> commits(protocol));
            check("consumer, " + protocol + ": commits asynchronously and by itself", () -> commitsByItself(protocol));
            check("consumer, " + protocol + ": two members share, one leaves", () -> shares(protocol));
            check("consumer, " + protocol + ": subscribes by pattern, topics that come are found", () -> pattern(protocol));
            check("consumer, " + protocol + ": static membership", () -> staticMember(protocol));
            check("consumer, " + protocol + ": partitions that come are assigned", () -> grows(protocol));
        }
        for (String assignor : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) check("consumer, classic: assignor " + assignor, () -> assignor(assignor));
        check("consumer, classic: who was left behind commits nothing", Consuming::leftBehind);
        check("consumer, consumer: assignors range and uniform of the server", Consuming::remoteAssignors);
    }

    private static void byHand() throws Exception {
        String topic = topic(1);
        send(topic, 0, 20);
        try (var consumer = consumer()) {
            TopicPartition only = first(topic);
            consumer.assign(List.of(only));
            equal(consumer.beginningOffsets(List.of(only)), Map.of(only, 0L));
            equal(consumer.endOffsets(List.of(only)), Map.of(only, 20L));
            consumer.seek(only, 15);
            equal(take(consumer, 5).get(0).value(), "v15");
            equal(consumer.position(only), 20L);
            consumer.seekToBeginning(List.of(only));
            equal(take(consumer, 20).get(0).value(), "v0");
            consumer.seek(only, new OffsetAndMetadata(19, java.util.Optional.of(0), ""));
            equal(take(consumer, 1).get(0).value(), "v19");
        }
    }

    private static void byTime() throws Exception {
        String topic = topic(1);
        TopicPartition only = first(topic);
        try (var producer = producer(); var consumer = consumer()) {
            for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, 0, 1000L * (i + 1), "k", "v" + i)).get();
            equal(consumer.offsetsForTimes(Map.of(only, 4500L)).get(only).offset(), 4L);
            equal(consumer.offsetsForTimes(Map.of(only, 5000L)).get(only).timestamp(), 5000L);
            hold(consumer.offsetsForTimes(Map.of(only, 99_000L)).get(only) == null, "nothing is later");
        }
    }

    private static void paused() throws Exception {
        String topic = topic(2);
        try (var producer = producer(); var consumer = consumer()) {
            TopicPartition zero = first(topic), one = new TopicPartition(topic, 1);
            for (int i = 0; i < 2; i++) producer.send(new ProducerRecord<>(topic, i, "k", "v" + i)).get();
            consumer.assign(List.of(zero, one));
            consumer.pause(List.of(zero));
            equal(take(consumer, 1).get(0).partition(), 1);
            equal(consumer.paused(), Set.of(zero));
            consumer.resume(List.of(zero));
            equal(take(consumer, 1).get(0).partition(), 0);
        }
    }

    private static void resets() throws Exception {
        String topic = topic(1);
        send(topic, 0, 5);
        TopicPartition only = first(topic);
        try (var consumer = consumer("auto.offset.reset", "none", "group.id", fresh("group"))) {
            consumer.assign(List.of(only));
            refused(NoOffsetForPartitionException.class, () -> { while (true) consumer.poll(TICK); });
            consumer.seek(only, 500);
            refused(OffsetOutOfRangeException.class, () -> { while (true) consumer.poll(TICK); });
        }
        try (var consumer = consumer("auto.offset.reset", "latest")) {
            consumer.assign(List.of(only));
            equal(consumer.position(only), 5L);
        }
    }

    private static void topics() throws Exception {
        String topic = topic(3);
        try (var consumer = consumer()) {
            equal(consumer.listTopics().get(topic).size(), 3);
            var found = consumer.partitionsFor(topic).get(0);
            equal(found.replicas().length, (int) replicas);
            hold(found.leader() != null, "a leader");
        }
    }

    private static void lag() throws Exception {
        String topic = topic(1);
        send(topic, 0, 10);
        try (var consumer = consumer("max.poll.records", 3)) {
            consumer.assign(List.of(first(topic)));
            until(() -> consumer.poll(TICK).count() == 3, "three records");
            equal(consumer.currentLag(first(topic)).getAsLong(), 7L);
        }
    }

    static KafkaConsumer<String, String> member(String protocol, String group, Object... pairs) {
        List<Object> all = new ArrayList<>(List.of("group.id", group, "group.protocol", protocol));
        if (protocol.equals("classic")) all.addAll(List.of("session.timeout.ms", 6000, "heartbeat.interval.ms", 200));
        all.addAll(List.of(pairs));
        return consumer(all.toArray());
    }

    private static void commits(String protocol) throws Exception {
        String topic = topic(1), group = fresh("group");
        send(topic, 0, 10);
        TopicPartition only = first(topic);
        try (var consumer = member(protocol, group)) {
            consumer.subscribe(List.of(topic));
            take(consumer, 10);
            consumer.commitSync(Map.of(only, new OffsetAndMetadata(7, java.util.Optional.of(0), "half way")));
            equal(consumer.committed(Set.of(only)).get(only).metadata(), "half way");
            equal(consumer.groupMetadata().groupId(), group);
        }
        try (var consumer = member(protocol, group)) {
            consumer.subscribe(List.of(topic));
            equal(take(consumer, 3).get(0).value(), "v7");
        }
    }

    private static void commitsByItself(String protocol) throws Exception {
        String topic = topic(1), group = fresh("group");
        send(topic, 0, 10);
        TopicPartition only = first(topic);
        try (var consumer = member(protocol, group, "enable.auto.commit", true)) {
            consumer.subscribe(List.of(topic));
            take(consumer, 10);
            var done = new CompletableFuture<Map<TopicPartition, OffsetAndMetadata>>();
            consumer.commitAsync(Map.of(only, new OffsetAndMetadata(4)), (offsets, error) -> { if (error == null) done.complete(offsets); else done.completeExceptionally(error); });
            until(() -> { consumer.poll(TICK); return done.isDone(); }, "the answer to the commit");
            equal(done.get().get(only).offset(), 4L);
        }
        equal(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(only).offset(), 10L);
    }

    private static class Told implements ConsumerRebalanceListener {
        final Set<TopicPartition> held = new ConcurrentSkipListSet<>(java.util.Comparator.comparing(TopicPartition::toString));
        int gained = 0;
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) { held.addAll(partitions); gained++; }
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) { held.removeAll(partitions); }
    }

    private static void shares(String protocol) throws Exception {
        String topic = topic(4), group = fresh("group");
        Told one = new Told(), two = new Told();
        try (var first = member(protocol, group)) {
            first.subscribe(List.of(topic), one);
            until(() -> { first.poll(TICK); return one.held.size() == 4; }, "all four partitions");
            try (var second = member(protocol, group)) {
                second.subscribe(List.of(topic), two);
                until(() -> { first.poll(TICK); second.poll(TICK); return one.held.size() == 2 && two.held.size() == 2; }, "two partitions each");
                Set<TopicPartition> both = new HashSet<>(one.held);
                both.addAll(two.held);
                equal(both.size(), 4);
            }
            until(() -> { first.poll(TICK); return one.held.size() == 4; }, "all four partitions again");
        }
    }

    private static void pattern(String protocol) throws Exception {
        String group = fresh("group"), stem = fresh("pattern"), other = topic(1);
        admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(stem + ".a", 1, replicas))).all().get();
        try (var consumer = member(protocol, group, "metadata.max.age.ms", 500)) {
            consumer.subscribe(Pattern.compile(Pattern.quote(stem) + "\\..*"));
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 1; }, "the first topic");
            admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(stem + ".b", 1, replicas))).all().get();
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 2; }, "the second topic");
            hold(!consumer.assignment().contains(first(other)), "another topic was assigned");
        }
    }

    private static void staticMember(String protocol) throws Exception {
        String topic = topic(2), group = fresh("group");
        String before;
        try (var consumer = member(protocol, group, "group.instance.id", "one")) {
            consumer.subscribe(List.of(topic));
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 2; }, "both partitions");
            before = consumer.groupMetadata().groupInstanceId().get();
        }
        // A static member that closes keeps its place; the next one of the name has the share again, without waiting for the session to end.
        equal(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().iterator().next().groupInstanceId().get(), before);
        try (var consumer = member(protocol, group, "group.instance.id", "one")) {
            consumer.subscribe(List.of(topic));
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 2; }, "both partitions again");
        }
        admin.removeMembersFromConsumerGroup(group, new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions(List.of(new org.apache.kafka.clients.admin.MemberToRemove("one")))).all().get();
        // The group had no offsets, so it may be gone with its last member; clients hear so in their own ways.
        until(() -> admin.listConsumerGroups().all().get().stream().noneMatch(g -> g.groupId().equals(group)) || admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().isEmpty(), "the member was removed");
    }

    private static void grows(String protocol) throws Exception {
        String topic = topic(1), group = fresh("group");
        try (var consumer = member(protocol, group, "metadata.max.age.ms", 500)) {
            consumer.subscribe(List.of(topic));
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 1; }, "the partition");
            admin.createPartitions(Map.of(topic, org.apache.kafka.clients.admin.NewPartitions.increaseTo(3))).all().get();
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 3; }, "the partitions that came");
        }
    }

    private static void assignor(String name) throws Exception {
        String topic = topic(3), group = fresh("group"), path = "org.apache.kafka.clients.consumer." + name + "Assignor";
        try (var one = member("classic", group, "partition.assignment.strategy", path); var two = member("classic", group, "partition.assignment.strategy", path)) {
            one.subscribe(List.of(topic));
            two.subscribe(List.of(topic));
            until(() -> { one.poll(TICK); two.poll(TICK); return one.assignment().size() * two.assignment().size() == 2; }, "one and two partitions");
        }
    }

    private static void leftBehind() throws Exception {
        String topic = topic(1), group = fresh("group");
        send(topic, 0, 2);
        try (var slow = member("classic", group, "max.poll.interval.ms", 1000); var next = member("classic", group)) {
            slow.subscribe(List.of(topic));
            take(slow, 2);
            next.subscribe(List.of(topic));
            until(() -> { next.poll(TICK); return next.assignment().size() == 1; }, "the partition was taken over");
            refused(CommitFailedException.class, () -> slow.commitSync());
        }
    }

    private static void remoteAssignors() throws Exception {
        for (String name : List.of("range", "uniform")) {
            String topic = topic(3), group = fresh("group");
            try (var one = member("consumer", group, "group.remote.assignor", name); var two = member("consumer", group, "group.remote.assignor", name)) {
                one.subscribe(List.of(topic));
                two.subscribe(List.of(topic));
                until(() -> { one.poll(TICK); two.poll(TICK); return one.assignment().size() * two.assignment().size() == 2; }, "one and two partitions by " + name);
                equal(admin.describeConsumerGroups(List.of(group)).all().get().get(group).partitionAssignor(), name);
            }
        }
    }
}
