// Admin: topics, settings, groups, the cluster, and what needs no login; in the words that clients of 3.x and 4.x share.
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListConsumerGroupsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

class Administration extends Check {
    static void all() {
        check("admin: topics created, described by name and id, listed, deleted", Administration::topics);
        check("admin: topics that cannot be are refused", Administration::refusedTopics);
        check("admin: partitions added", Administration::partitions);
        check("admin: settings of topics and brokers", Administration::settings);
        check("admin: records deleted", Administration::records);
        check("admin: listOffsets earliest, latest, by time and of the greatest time", Administration::offsets);
        check("admin: groups listed and described, both protocols", Administration::groups);
        check("admin: offsets of groups altered, listed, deleted; the group deleted", Administration::groupOffsets);
        check("admin: cluster, features and quorum described", Administration::cluster);
        check("admin: log directories", Administration::logDirs);
        check("admin: preferred leaders and reassignments", Administration::elections);
        check("admin: rules created, described, deleted", Administration::rules);
        check("admin: SCRAM users", Administration::users);
        check("admin: limits of users and clients", Administration::limits);
    }

    private static void topics() throws Exception {
        String name = fresh("topic");
        var made = admin.createTopics(List.of(new NewTopic(name, Optional.of(3), Optional.empty()).configs(Map.of("retention.ms", "12345"))));
        made.all().get();
        equal(made.numPartitions(name).get(), 3);
        equal(made.config(name).get().get("retention.ms").value(), "12345");
        var id = made.topicId(name).get();
        equal(admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size(), 3);
        equal(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name(), name);
        hold(admin.listTopics().names().get().contains(name), "it is listed");
        admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        refused(UnknownTopicOrPartitionException.class, () -> admin.describeTopics(List.of(name)).allTopicNames().get());
    }

    private static void refusedTopics() throws Exception {
        String name = topic(1);
        refused(TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic(name, 1, replicas))).all().get());
        refused(InvalidConfigurationException.class, () -> admin.createTopics(List.of(new NewTopic(fresh("topic"), 1, replicas).configs(Map.of("retention.ms", "x")))).all().get());
        refused(InvalidPartitionsException.class, () -> admin.createTopics(List.of(new NewTopic(fresh("topic"), 0, replicas))).all().get());
        refused(UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(fresh("topic"))).all().get());
        String tried = fresh("topic");
        admin.createTopics(List.of(new NewTopic(tried, 1, replicas)), new CreateTopicsOptions().validateOnly(true)).all().get();
        hold(!admin.listTopics().names().get().contains(tried), "what was only tried is there");
    }

    private static void partitions() throws Exception {
        String name = topic(1);
        admin.createPartitions(Map.of(name, NewPartitions.increaseTo(4))).all().get();
        until(() -> admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().size() == 4, "four partitions");
        refused(InvalidPartitionsException.class, () -> admin.createPartitions(Map.of(name, NewPartitions.increaseTo(2))).all().get());
    }

    static void alter(ConfigResource resource, String name, String value, OpType kind) throws Exception {
        admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), kind)))).all().get();
    }

    static ConfigEntry setting(ConfigResource resource, String name) throws Exception { return admin.describeConfigs(List.of(resource)).all().get().get(resource).get(name); }

    private static void settings() throws Exception {
        var topic = new ConfigResource(ConfigResource.Type.TOPIC, topic(1));
        alter(topic, "retention.ms", "777", OpType.SET);
        equal(setting(topic, "retention.ms").value(), "777");
        equal(setting(topic, "retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        alter(topic, "cleanup.policy", "compact", OpType.APPEND);
        equal(Set.of(setting(topic, "cleanup.policy").value().split(",")), Set.of("delete", "compact"));
        alter(topic, "cleanup.policy", "delete", OpType.SUBTRACT);
        equal(setting(topic, "cleanup.policy").value(), "compact");
        alter(topic, "retention.ms", "", OpType.DELETE);
        hold(setting(topic, "retention.ms").isDefault(), "the default is back");
        refused(InvalidConfigurationException.class, () -> alter(topic, "no.such.setting", "1", OpType.SET));
        var broker = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(admin.describeCluster().controller().get().id()));
        hold(admin.describeConfigs(List.of(broker)).all().get().get(broker).entries().size() > 5, "settings of a broker");
    }

    private static void records() throws Exception {
        String name = topic(1);
        send(name, 0, 10);
        equal(admin.deleteRecords(Map.of(first(name), RecordsToDelete.beforeOffset(6))).lowWatermarks().get(first(name)).get().lowWatermark(), 6L);
        equal(values(name, "read_uncommitted"), numbered(6, 10));
    }

    private static long offset(String name, OffsetSpec spec) throws Exception { return admin.listOffsets(Map.of(first(name), spec)).partitionResult(first(name)).get().offset(); }

    private static void offsets() throws Exception {
        String name = topic(1);
        try (var producer = producer()) {
            for (long time : new long[] {1000, 3000, 2000}) producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(name, 0, time, "k", "v")).get();
        }
        equal(offset(name, OffsetSpec.earliest()), 0L);
        equal(offset(name, OffsetSpec.latest()), 3L);
        equal(offset(name, OffsetSpec.forTimestamp(1500)), 1L);
        equal(offset(name, OffsetSpec.maxTimestamp()), 1L);
        equal(offset(name, OffsetSpec.earliestLocal()), 0L);
        equal(offset(name, OffsetSpec.latestTiered()), -1L);
    }

    private static void groups() throws Exception {
        String name = topic(2);
        for (String protocol : List.of("classic", "consumer")) {
            String group = fresh("group");
            try (var member = consumer("group.id", group, "group.protocol", protocol, "client.id", "member")) {
                member.subscribe(List.of(name));
                until(() -> { member.poll(TICK); return member.assignment().size() == 2; }, "both partitions");
                var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                equal(found.type().toString().toLowerCase(), protocol);
                equal(found.state(), org.apache.kafka.common.ConsumerGroupState.STABLE);
                equal(found.members().iterator().next().assignment().topicPartitions().size(), 2);
                equal(found.members().iterator().next().clientId(), "member");
                GroupType kind = GroupType.parse(protocol);
                hold(admin.listConsumerGroups(new ListConsumerGroupsOptions().withTypes(Set.of(kind))).all().get().stream().anyMatch(g -> g.groupId().equals(group) && g.type().get() == kind), "it is listed");
            }
        }
    }

    private static void groupOffsets() throws Exception {
        String name = topic(1), group = fresh("group");
        admin.alterConsumerGroupOffsets(group, Map.of(first(name), new OffsetAndMetadata(3, "noted"))).all().get();
        equal(admin.listConsumerGroupOffsets(Map.of(group, new ListConsumerGroupOffsetsSpec())).all().get().get(group).get(first(name)).metadata(), "noted");
        admin.deleteConsumerGroupOffsets(group, Set.of(first(name))).all().get();
        hold(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(first(name)) == null, "the offset is gone");
        admin.alterConsumerGroupOffsets(group, Map.of(first(name), new OffsetAndMetadata(3))).all().get();
        admin.deleteConsumerGroups(List.of(group)).all().get();
        refused(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of(group)).all().get());
    }

    private static void cluster() throws Exception {
        var found = admin.describeCluster();
        equal(found.nodes().get().size(), (int) replicas);
        hold(found.clusterId().get() != null && found.controller().get() != null, "an id and a controller");
        var features = admin.describeFeatures().featureMetadata().get();
        equal((int) features.finalizedFeatures().get("transaction.version").maxVersionLevel(), 2);
        equal((int) features.finalizedFeatures().get("share.version").maxVersionLevel(), 1);
        equal(admin.describeMetadataQuorum().quorumInfo().get().voters().size(), (int) replicas);
    }

    private static void logDirs() throws Exception {
        String name = topic(1);
        send(name, 0, 10);
        int leader = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().get(0).leader().id();
        Collection<org.apache.kafka.clients.admin.LogDirDescription> found = admin.describeLogDirs(List.of(leader)).allDescriptions().get().get(leader).values();
        hold(found.stream().anyMatch(d -> d.replicaInfos().containsKey(first(name)) && d.replicaInfos().get(first(name)).size() > 0 && d.totalBytes().isPresent()), found);
    }

    private static void elections() throws Exception {
        String name = topic(1);
        refused(ElectionNotNeededException.class, () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(first(name))).partitions().get().get(first(name)).ifPresent(e -> { throw new RuntimeException(e); }));
        var nodes = admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().get(0).replicas().stream().map(n -> n.id()).toList();
        if (replicas == 1) return;
        var turned = new java.util.ArrayList<>(nodes);
        java.util.Collections.reverse(turned);
        admin.alterPartitionReassignments(Map.of(first(name), Optional.of(new NewPartitionReassignment(turned)))).all().get();
        until(() -> admin.listPartitionReassignments().reassignments().get().isEmpty(), "the reassignment ended");
        until(() -> admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().get(0).replicas().stream().map(n -> n.id()).toList().equals(turned), "the new order");
    }

    private static void rules() throws Exception {
        var rule = new AclBinding(new ResourcePattern(ResourceType.TOPIC, fresh("topic"), PatternType.PREFIXED), new AccessControlEntry("User:ann", "*", AclOperation.READ, AclPermissionType.ALLOW));
        admin.createAcls(List.of(rule)).all().get();
        hold(admin.describeAcls(AclBindingFilter.ANY).values().get().contains(rule), "it is described");
        equal(admin.deleteAcls(List.of(rule.toFilter())).all().get().size(), 1);
        hold(!admin.describeAcls(AclBindingFilter.ANY).values().get().contains(rule), "it is gone");
    }

    private static void users() throws Exception {
        String name = fresh("user");
        admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), "secret"))).all().get();
        equal(admin.describeUserScramCredentials(List.of(name)).all().get().get(name).credentialInfos().get(0).iterations(), 8192);
        admin.alterUserScramCredentials(List.of(new UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512))).all().get();
        hold(!admin.describeUserScramCredentials().users().get().contains(name), "it is gone");
    }

    private static void limits() throws Exception {
        var entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, "ann", ClientQuotaEntity.CLIENT_ID, fresh("client")));
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e6))))).all().get();
        equal(admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().get(entity).get("producer_byte_rate"), 1e6);
        admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", null))))).all().get();
        hold(!admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().containsKey(entity), "it is gone");
    }

}
