// What clients have words for since 4.0: types of groups, patterns matched by the server, resets by age, share consumers. Left out, with all of this folder, where the
// client is older.
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.AlterPartitionReassignmentsOptions;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidRegularExpression;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.TransactionCoordinatorFencedException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.clients.producer.ProducerRecord;

class Since4 extends Check {
    static void all() {
        Sharing.all();
        check("consumer: offset reset by_duration", Since4::resetByAge);
        check("consumer, consumer: RE2J pattern matched by the server", Since4::serverPattern);
        check("consumer, consumer: a pattern that is none is refused", Since4::wrongPattern);
        check("transactions: forceTerminateTransaction", Since4::terminated);
        check("admin: settings of groups", Since4::groupSettings);
        check("admin: groups listed and described by type", Since4::groupTypes);
        check("admin: what has settings is listed", Since4::configResources);
        check("admin: a reassignment that keeps the number of replicas", Since4::sameCount);
        check("admin: no log directory is cordoned", Since4::notCordoned);
        check("producer: goes on when its topic was deleted and made anew", Since4::madeAnew);
        check("transactions: listed by a pattern of ids", Since4::listedByPattern);
        check("transactions: abortTransaction leaves alone what a coordinator has open", Since4::abortedInVain);
        check("admin: what is not offered is refused by the client", Since4::notOffered);
    }

    private static void resetByAge() throws Exception {
        String topic = topic(1);
        send(topic, 0, 5);
        try (var consumer = consumer("auto.offset.reset", "by_duration:PT1H")) {
            consumer.assign(List.of(first(topic)));
            equal(consumer.position(first(topic)), 0L);
        }
    }

    private static void serverPattern() throws Exception {
        String group = fresh("group"), stem = fresh("served");
        for (String end : List.of("a", "b", "c")) admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(stem + "." + end, 1, replicas))).all().get();
        try (var consumer = Consuming.member("consumer", group)) {
            consumer.subscribe(new SubscriptionPattern(stem + "\\.[ab]"));
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 2; }, "two topics");
            consumer.subscribe(new SubscriptionPattern(stem + "\\.(b|c|d)"));
            until(() -> { consumer.poll(TICK); return consumer.assignment().equals(Set.of(first(stem + ".b"), first(stem + ".c"))); }, "another pattern");
            admin.createTopics(List.of(new org.apache.kafka.clients.admin.NewTopic(stem + ".d", 1, replicas))).all().get();
            until(() -> { consumer.poll(TICK); return consumer.assignment().size() == 3; }, "the topic that came");
        }
    }

    private static void wrongPattern() throws Exception {
        try (var consumer = Consuming.member("consumer", fresh("group"))) {
            consumer.subscribe(new SubscriptionPattern("a[b"));
            refused(InvalidRegularExpression.class, () -> { for (int i = 0; i < 100; i++) consumer.poll(TICK); });
        }
    }

    private static void terminated() throws Exception {
        String topic = topic(1), id = fresh("txn");
        var producer = producer("transactional.id", id);
        producer.initTransactions();
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, "w0")).get();
        admin.forceTerminateTransaction(id).result().get();
        producer.close(TICK);
        equal(values(topic, "read_committed"), List.of());
    }

    private static void groupSettings() throws Exception {
        var group = new ConfigResource(ConfigResource.Type.GROUP, fresh("group"));
        Administration.alter(group, "share.auto.offset.reset", "earliest", OpType.SET);
        equal(Administration.setting(group, "share.auto.offset.reset").value(), "earliest");
    }

    private static void groupTypes() throws Exception {
        String name = topic(2);
        for (String protocol : List.of("classic", "consumer")) {
            String group = fresh("group");
            try (var member = consumer("group.id", group, "group.protocol", protocol, "client.id", "member")) {
                member.subscribe(List.of(name));
                until(() -> { member.poll(TICK); return member.assignment().size() == 2; }, "both partitions");
                var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                equal(found.type().toString().toLowerCase(), protocol);
                equal(found.groupState(), org.apache.kafka.common.GroupState.STABLE);
                equal(found.members().iterator().next().assignment().topicPartitions().size(), 2);
                equal(found.members().iterator().next().clientId(), "member");
                equal(found.members().iterator().next().upgraded(), protocol.equals("consumer") ? Optional.of(true) : Optional.empty());
                GroupType kind = GroupType.parse(protocol);
                hold(admin.listGroups(new ListGroupsOptions().withTypes(Set.of(kind))).all().get().stream().anyMatch(g -> g.groupId().equals(group) && g.type().get() == kind), "it is listed");
                if (protocol.equals("classic")) equal(admin.describeClassicGroups(List.of(group)).all().get().get(group).members().size(), 1);
            }
        }
        String none = fresh("group");
        refused(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of(none)).all().get());
        refused(GroupIdNotFoundException.class, () -> admin.describeClassicGroups(List.of(none)).all().get());
    }

    private static void configResources() throws Exception {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, topic(1));
        var group = new ConfigResource(ConfigResource.Type.GROUP, Sharing.group());
        var all = admin.listConfigResources().all().get();
        hold(all.contains(topic) && all.contains(group), all);
        var brokers = admin.listConfigResources(Set.of(ConfigResource.Type.BROKER), new ListConfigResourcesOptions()).all().get();
        equal(brokers.size(), (int) replicas);
        equal(admin.describeConfigs(List.of(topic)).all().get().size(), 1);
    }

    private static void sameCount() throws Exception {
        String name = topic(1);
        var nodes = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().get(0).replicas().stream().map(n -> n.id()).toList();
        var same = new AlterPartitionReassignmentsOptions().allowReplicationFactorChange(false);
        if (replicas > 1) refused(InvalidReplicationFactorException.class, () -> admin.alterPartitionReassignments(Map.of(first(name), Optional.of(new NewPartitionReassignment(nodes.subList(0, 1)))), same).all().get());
        admin.alterPartitionReassignments(Map.of(first(name), Optional.of(new NewPartitionReassignment(nodes))), same).all().get();
        equal(admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().get(0).replicas().size(), (int) replicas);
    }

    private static void notCordoned() throws Exception {
        int broker = admin.describeCluster().nodes().get().iterator().next().id();
        hold(admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker).values().stream().noneMatch(d -> d.isCordoned()), "none is");
    }

    /** The client speaks of the deleted topic's id until it is told that there is none. */
    private static void madeAnew() throws Exception {
        String name = topic(1);
        try (var producer = producer()) {
            producer.send(new ProducerRecord<>(name, "w0")).get();
            admin.deleteTopics(List.of(name)).all().get();
            admin.createTopics(List.of(new NewTopic(name, 1, replicas))).all().get();
            for (int i = 0; i < 3; i++) producer.send(new ProducerRecord<>(name, "v" + i)).get();
        }
        equal(values(name, "read_committed"), numbered(0, 3));
    }

    private static void listedByPattern() throws Exception {
        String stem = fresh("txn");
        for (String end : List.of("a", "b", "bb")) try (var producer = producer("transactional.id", stem + "." + end)) { producer.initTransactions(); }
        var found = admin.listTransactions(new ListTransactionsOptions().filterOnTransactionalIdPattern(stem + "\\.b+")).all().get().stream().map(t -> t.transactionalId()).sorted().toList();
        equal(found, List.of(stem + ".b", stem + ".bb"));
        refused(InvalidRegularExpression.class, () -> admin.listTransactions(new ListTransactionsOptions().filterOnTransactionalIdPattern("a[b")).all().get());
    }

    /** What is committed later must be there whole. */
    private static void abortedInVain() throws Exception {
        String topic = topic(1);
        try (var producer = producer("transactional.id", fresh("txn"))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, "v0")).get();
            var active = admin.describeProducers(List.of(first(topic))).all().get().get(first(topic)).activeProducers().get(0);
            refused(TransactionCoordinatorFencedException.class, () -> admin.abortTransaction(new AbortTransactionSpec(first(topic), active.producerId(), (short) active.producerEpoch(), 0)).all().get());
            refused(InvalidProducerEpochException.class, () -> admin.abortTransaction(new AbortTransactionSpec(first(topic), active.producerId(), (short) -1, 0)).all().get());
            producer.send(new ProducerRecord<>(topic, "v1")).get();
            producer.commitTransaction();
        }
        equal(values(topic, "read_committed"), numbered(0, 2));
        admin.abortTransaction(new AbortTransactionSpec(first(topic), 987654321L, (short) 0, 0)).all().get();
        equal(values(topic, "read_committed"), numbered(0, 2));
    }

    private static void notOffered() throws Exception {
        refused(UnsupportedVersionException.class, () -> admin.describeStreamsGroups(List.of("x")).all().get());
        refused(UnsupportedVersionException.class, () -> admin.updateFeatures(Map.of("share.version", new org.apache.kafka.clients.admin.FeatureUpdate((short) 1, org.apache.kafka.clients.admin.FeatureUpdate.UpgradeType.UPGRADE)), new org.apache.kafka.clients.admin.UpdateFeaturesOptions()).all().get());
    }
}
