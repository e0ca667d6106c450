"""One request of every API, and what its answer must look like for a user whom no rule allows anything."""
import time

from kafka.protocol.admin import (
    AlterConfigsRequest, AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, AlterUserScramCredentialsRequest, CreateAclsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteAclsRequest, DeleteGroupsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeAclsRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest, DescribeProducersRequest,
    DescribeQuorumRequest, DescribeTopicPartitionsRequest, DescribeTransactionsRequest, DescribeUserScramCredentialsRequest, ElectLeadersRequest,
    IncrementalAlterConfigsRequest, ListGroupsRequest, ListPartitionReassignmentsRequest, ListTransactionsRequest)
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest, DescribeClientQuotasRequest
from kafka.protocol.consumer import (
    FetchRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ListOffsetsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest,
    SyncGroupRequest)
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import (
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProduceRequest, TxnOffsetCommitRequest)
from kafka.record.default_records import DefaultRecordBatchBuilder

TOPIC, GROUP, CLUSTER, TRANSACTION = 29, 30, 31, 53


def batch():
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20)
    builder.append(0, timestamp=int(time.time() * 1000), key=None, value=b"x", headers=[])
    return bytes(builder.build())


def records(topic):
    Topic = ProduceRequest.TopicProduceData
    request = ProduceRequest(
        transactional_id=None, acks=-1, timeout_ms=1000,
        topic_data=[Topic(name=topic, partition_data=[Topic.PartitionProduceData(index=0, records=batch())])])
    yield "Produce", request, 9, lambda a: a.responses[0].partition_responses[0].error_code == TOPIC
    Topic = FetchRequest.FetchTopic
    part = Topic.FetchPartition(partition=0, current_leader_epoch=-1, fetch_offset=0, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1000)
    request = FetchRequest(
        replica_id=-1, max_wait_ms=5000, min_bytes=1, max_bytes=1000, isolation_level=0, session_id=0, session_epoch=-1, topics=[Topic(topic=topic, partitions=[part])],
        forgotten_topics_data=[], rack_id="")
    yield "Fetch", request, 11, lambda a: a.responses[0].partitions[0].error_code == TOPIC and not a.responses[0].partitions[0].records
    Topic = ListOffsetsRequest.ListOffsetsTopic
    part = Topic.ListOffsetsPartition(partition_index=0, current_leader_epoch=-1, timestamp=-1)
    request = ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=[Topic(name=topic, partitions=[part])])
    yield "ListOffsets", request, 5, lambda a: a.topics[0].partitions[0].error_code == TOPIC
    request = MetadataRequest(topics=None, allow_auto_topic_creation=False)
    yield "Metadata of all", request, 5, lambda a: a.topics == []
    Topic = MetadataRequest.MetadataRequestTopic
    request = MetadataRequest(topics=[Topic(name=topic), Topic(name="no-such-topic")], allow_auto_topic_creation=True)
    yield "Metadata of two", request, 5, lambda a: [one.error_code for one in a.topics] == [TOPIC, TOPIC]
    Topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic
    part = Topic.OffsetForLeaderPartition(partition=0, current_leader_epoch=-1, leader_epoch=0)
    request = OffsetForLeaderEpochRequest(replica_id=-1, topics=[Topic(topic=topic, partitions=[part])])
    yield "OffsetForLeaderEpoch", request, 3, lambda a: a.topics[0].partitions[0].error_code == TOPIC
    request = DescribeTopicPartitionsRequest(topics=[], response_partition_limit=10, cursor=None)
    yield "DescribeTopicPartitions", request, 0, lambda a: a.topics == []
    request = DescribeProducersRequest(topics=[DescribeProducersRequest.TopicRequest(name=topic, partition_indexes=[0])])
    yield "DescribeProducers", request, 0, lambda a: a.topics[0].partitions[0].error_code == TOPIC


def groups(topic):
    request = FindCoordinatorRequest(key="g", key_type=0)
    yield "FindCoordinator of a group", request, 2, lambda a: a.error_code == GROUP
    request = FindCoordinatorRequest(key="t", key_type=1)
    yield "FindCoordinator of a transaction", request, 2, lambda a: a.error_code == TRANSACTION
    request = JoinGroupRequest(
        group_id="g", session_timeout_ms=10000, rebalance_timeout_ms=10000, member_id="", group_instance_id=None, protocol_type="consumer",
        protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"")])
    yield "JoinGroup", request, 5, lambda a: a.error_code == GROUP
    request = SyncGroupRequest(group_id="g", generation_id=1, member_id="m", group_instance_id=None, assignments=[])
    yield "SyncGroup", request, 3, lambda a: a.error_code == GROUP
    request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m", group_instance_id=None)
    yield "Heartbeat", request, 3, lambda a: a.error_code == GROUP
    yield "LeaveGroup", LeaveGroupRequest(group_id="g", member_id="m"), 1, lambda a: a.error_code == GROUP
    Topic = OffsetCommitRequest.OffsetCommitRequestTopic
    part = Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=5, committed_leader_epoch=-1, committed_metadata="")
    request = OffsetCommitRequest(group_id="g", generation_id_or_member_epoch=-1, member_id="", group_instance_id=None, topics=[Topic(name=topic, partitions=[part])])
    yield "OffsetCommit", request, 7, lambda a: a.topics[0].partitions[0].error_code == GROUP
    yield "OffsetFetch", OffsetFetchRequest(group_id="g", topics=None, require_stable=False), 7, lambda a: a.error_code == GROUP
    request = DescribeGroupsRequest(groups=["g"], include_authorized_operations=False)
    yield "DescribeGroups", request, 4, lambda a: a.groups[0].error_code == GROUP
    yield "ListGroups", ListGroupsRequest(states_filter=[], types_filter=[]), 4, lambda a: a.groups == []
    yield "DeleteGroups", DeleteGroupsRequest(groups_names=["g"]), 1, lambda a: a.results[0].error_code == GROUP
    Topic = OffsetDeleteRequest.OffsetDeleteRequestTopic
    request = OffsetDeleteRequest(group_id="g", topics=[Topic(name=topic, partitions=[Topic.OffsetDeleteRequestPartition(partition_index=0)])])
    yield "OffsetDelete", request, 0, lambda a: a.error_code == GROUP


def transactions(topic):
    request = InitProducerIdRequest(transactional_id="t", transaction_timeout_ms=1000, producer_id=-1, producer_epoch=-1)
    yield "InitProducerId of a transaction", request, 4, lambda a: a.error_code == TRANSACTION
    request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000, producer_id=-1, producer_epoch=-1)
    yield "InitProducerId", request, 4, lambda a: a.error_code == CLUSTER
    Topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
    request = AddPartitionsToTxnRequest(
        v3_and_below_transactional_id="t", v3_and_below_producer_id=1, v3_and_below_producer_epoch=0, v3_and_below_topics=[Topic(name=topic, partitions=[0])])
    yield "AddPartitionsToTxn", request, 3, lambda a: a.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code == TRANSACTION
    request = AddOffsetsToTxnRequest(transactional_id="t", producer_id=1, producer_epoch=0, group_id="g")
    yield "AddOffsetsToTxn", request, 3, lambda a: a.error_code == TRANSACTION
    request = EndTxnRequest(transactional_id="t", producer_id=1, producer_epoch=0, committed=True)
    yield "EndTxn", request, 3, lambda a: a.error_code == TRANSACTION
    Topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
    part = Topic.TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=1, committed_leader_epoch=-1, committed_metadata="")
    request = TxnOffsetCommitRequest(
        transactional_id="t", group_id="g", producer_id=1, producer_epoch=0, generation_id=-1, member_id="", group_instance_id=None,
        topics=[Topic(name=topic, partitions=[part])])
    yield "TxnOffsetCommit", request, 3, lambda a: a.topics[0].partitions[0].error_code == TRANSACTION
    yield "DescribeTransactions", DescribeTransactionsRequest(transactional_ids=["t"]), 0, lambda a: a.transaction_states[0].error_code == TRANSACTION
    request = ListTransactionsRequest(state_filters=[], producer_id_filters=[], duration_filter=-1)
    yield "ListTransactions", request, 1, lambda a: a.transaction_states == []


def topics(topic):
    Topic = CreateTopicsRequest.CreatableTopic
    request = CreateTopicsRequest(
        topics=[Topic(name="made", num_partitions=1, replication_factor=1, assignments=[], configs=[])], timeout_ms=1000, validate_only=False)
    yield "CreateTopics", request, 4, lambda a: a.topics[0].error_code == TOPIC
    yield "DeleteTopics", DeleteTopicsRequest(topic_names=[topic], timeout_ms=1000), 3, lambda a: a.responses[0].error_code == TOPIC
    request = CreatePartitionsRequest(
        topics=[CreatePartitionsRequest.CreatePartitionsTopic(name=topic, count=5, assignments=None)], timeout_ms=1000, validate_only=False)
    yield "CreatePartitions", request, 1, lambda a: a.results[0].error_code == TOPIC
    Topic = DeleteRecordsRequest.DeleteRecordsTopic
    request = DeleteRecordsRequest(topics=[Topic(name=topic, partitions=[Topic.DeleteRecordsPartition(partition_index=0, offset=-1)])], timeout_ms=1000)
    yield "DeleteRecords", request, 1, lambda a: a.topics[0].partitions[0].error_code == TOPIC
    for kind, name, code in ((2, topic, TOPIC), (4, "1", CLUSTER)):
        Resource = DescribeConfigsRequest.DescribeConfigsResource
        request = DescribeConfigsRequest(resources=[Resource(resource_type=kind, resource_name=name, configuration_keys=None)], include_synonyms=False)
        yield "DescribeConfigs", request, 1, lambda a, code=code: a.results[0].error_code == code and not a.results[0].configs
        Resource = AlterConfigsRequest.AlterConfigsResource
        request = AlterConfigsRequest(
            resources=[Resource(resource_type=kind, resource_name=name, configs=[Resource.AlterableConfig(name="retention.ms", value="1")])], validate_only=False)
        yield "AlterConfigs", request, 1, lambda a, code=code: a.responses[0].error_code == code
        Resource = IncrementalAlterConfigsRequest.AlterConfigsResource
        request = IncrementalAlterConfigsRequest(
            resources=[Resource(resource_type=kind, resource_name=name, configs=[Resource.AlterableConfig(name="retention.ms", config_operation=0, value="1")])],
            validate_only=False)
        yield "IncrementalAlterConfigs", request, 1, lambda a, code=code: a.responses[0].error_code == code


def cluster(topic):
    Directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir
    request = AlterReplicaLogDirsRequest(dirs=[Directory(path="/elsewhere", topics=[Directory.AlterReplicaLogDirTopic(name="secret", partitions=[0])])])
    yield "AlterReplicaLogDirs", request, 2, lambda a: a.results[0].partitions[0].error_code == CLUSTER
    yield "DescribeLogDirs", DescribeLogDirsRequest(topics=None), 3, lambda a: a.error_code == CLUSTER and a.results == []
    yield "ElectLeaders", ElectLeadersRequest(election_type=0, topic_partitions=None, timeout_ms=1000), 1, lambda a: a.error_code == CLUSTER
    part = AlterPartitionReassignmentsRequest.ReassignableTopic.ReassignablePartition(partition_index=0, replicas=[1])
    moved = [AlterPartitionReassignmentsRequest.ReassignableTopic(name="secret", partitions=[part])]
    yield "AlterPartitionReassignments", AlterPartitionReassignmentsRequest(timeout_ms=1000, topics=moved), 0, lambda a: a.error_code == CLUSTER
    yield "ListPartitionReassignments", ListPartitionReassignmentsRequest(timeout_ms=1000, topics=None), 0, lambda a: a.error_code == CLUSTER
    Topic = DescribeQuorumRequest.TopicData
    request = DescribeQuorumRequest(topics=[Topic(topic_name="__cluster_metadata", partitions=[Topic.PartitionData(partition_index=0)])])
    yield "DescribeQuorum", request, 0, lambda a: a.error_code == CLUSTER
    request = DescribeAclsRequest(
        resource_type_filter=1, resource_name_filter=None, pattern_type_filter=1, principal_filter=None, host_filter=None, operation=1, permission_type=1)
    yield "DescribeAcls", request, 2, lambda a: a.error_code == CLUSTER and not a.resources
    Rule = CreateAclsRequest.AclCreation
    request = CreateAclsRequest(
        creations=[Rule(resource_type=2, resource_name=topic, resource_pattern_type=3, principal="User:mallory", host="*", operation=2, permission_type=3)])
    yield "CreateAcls", request, 2, lambda a: a.results[0].error_code == CLUSTER
    Filter = DeleteAclsRequest.DeleteAclsFilter
    request = DeleteAclsRequest(
        filters=[
            Filter(resource_type_filter=1, resource_name_filter=None, pattern_type_filter=1, principal_filter=None, host_filter=None, operation=1, permission_type=1)])
    yield "DeleteAcls", request, 2, lambda a: a.filter_results[0].error_code == CLUSTER and not a.filter_results[0].matching_acls
    request = DescribeClientQuotasRequest(components=[], strict=False)
    yield "DescribeClientQuotas", request, 1, lambda a: a.error_code == CLUSTER and not a.entries
    Entry = AlterClientQuotasRequest.EntryData
    entry = Entry(
        entity=[Entry.EntityData(entity_type="user", entity_name="mallory")], ops=[Entry.OpData(key="producer_byte_rate", value=1.0, remove=False)])
    yield "AlterClientQuotas", AlterClientQuotasRequest(entries=[entry], validate_only=False), 1, lambda a: a.entries[0].error_code == CLUSTER
    yield "DescribeUserScramCredentials", DescribeUserScramCredentialsRequest(users=None), 0, lambda a: a.error_code == CLUSTER and not a.results
    Deletion = AlterUserScramCredentialsRequest.ScramCredentialDeletion
    request = AlterUserScramCredentialsRequest(deletions=[Deletion(name="admin", mechanism=1)], upsertions=[])
    yield "AlterUserScramCredentials", request, 0, lambda a: a.results[0].error_code == CLUSTER


def without_messages():
    """(API, version, body, how the answer begins) of requests that kafka-python has no messages for."""
    one, group = (1).to_bytes(4, "big"), b"\2g"

    def error(code, before=b""):
        return bytes(4) + before + code.to_bytes(2, "big")

    # A marker of one partition, and what has settings.
    marked = b"\2" + bytes(8)
    yield 27, 1, marked + b"\0\0\0\2" + group + b"\2" + bytes(4) + b"\0" + bytes(4) + b"\0\0", marked + b"\2" + group + b"\2" + bytes(4) + CLUSTER.to_bytes(2, "big")
    yield 74, 1, b"\1\0", error(CLUSTER)
    yield 64, 0, one + b"\0", error(CLUSTER)
    yield 80, 0, b"\0" + one + one + bytes(16) + b"\1\0", error(CLUSTER)
    yield 81, 0, b"\0" + one + bytes(16) + b"\0", error(CLUSTER)
    # Share groups: a heartbeat, a description, a fetch, an acknowledgement, offsets described, altered and deleted.
    yield 76, 1, group + group + bytes(4) + b"\0\1\0", error(GROUP)
    yield 77, 1, b"\2" + group + b"\0\0", error(GROUP, b"\2")
    yield 78, 1, group + group + bytes(24) + b"\1\1\0", error(GROUP)
    yield 79, 1, group + group + one + b"\1\0", error(GROUP)
    yield 90, 0, b"\2" + group + b"\0\0\0", error(GROUP, b"\2" + group + b"\1")
    yield 91, 0, group + b"\1\0", error(GROUP)
    yield 92, 0, group + b"\1\0", error(GROUP)


def attempts(topic):
    """(name, request, version, whether an answer is right) for every API that needs a rule."""
    for part in (records, groups, transactions, topics, cluster):
        yield from part(topic)
