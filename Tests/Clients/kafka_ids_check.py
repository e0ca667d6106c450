#!/usr/bin/env python3
"""Checks the requests that name topics by id, with single requests: what clients send only by mistake, or long after a topic has gone.

usage: kafka_ids_check.py HOST:PORT
Prints a line per check and 'N passed, N failed'. Topics and groups get names of their own in each run.
"""
import sys
import uuid

from confluent_kafka.admin import AdminClient, NewTopic
from kafka.protocol.consumer import FetchRequest, OffsetCommitRequest, OffsetFetchRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.producer import ProduceRequest

from checks import Checks
from kafka_denials import batch
from kafka_raw import Raw

UNKNOWN_PARTITION, UNKNOWN_ID = 3, 100
NOBODY, ZERO = uuid.UUID(int=0x1234), uuid.UUID(int=0)


class ByID:
    """The four requests in their newest versions, each of one partition of one topic; every method returns the answer's topic and partition."""

    def __init__(self, raw):
        self.raw = raw

    def topic_id(self, name, create=False):
        Topic = MetadataRequest.MetadataRequestTopic
        return self.raw.ask(MetadataRequest(topics=[Topic(topic_id=ZERO, name=name)], allow_auto_topic_creation=create), 13).topics[0].topic_id

    def produce(self, topic_id, partition=0):
        Topic = ProduceRequest.TopicProduceData
        part = Topic.PartitionProduceData(index=partition, records=batch())
        request = ProduceRequest(transactional_id=None, acks=-1, timeout_ms=10000, topic_data=[Topic(topic_id=topic_id, partition_data=[part])])
        answer = self.raw.ask(request, 13).responses[0]
        return answer, answer.partition_responses[0]

    def fetch(self, topic_id, partition=0):
        Topic = FetchRequest.FetchTopic
        part = Topic.FetchPartition(
            partition=partition, current_leader_epoch=-1, fetch_offset=0, last_fetched_epoch=-1, log_start_offset=-1, partition_max_bytes=1000)
        request = FetchRequest(
            max_wait_ms=5000, min_bytes=1, max_bytes=1000, isolation_level=0, session_id=0, session_epoch=-1,
            topics=[Topic(topic_id=topic_id, partitions=[part])], forgotten_topics_data=[], rack_id="")
        answer = self.raw.ask(request, 18).responses[0]
        return answer, answer.partitions[0]

    def commit(self, group, topic_id, offset=5, partition=0):
        Topic = OffsetCommitRequest.OffsetCommitRequestTopic
        part = Topic.OffsetCommitRequestPartition(partition_index=partition, committed_offset=offset, committed_leader_epoch=-1, committed_metadata="m")
        request = OffsetCommitRequest(
            group_id=group, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None, topics=[Topic(topic_id=topic_id, partitions=[part])])
        answer = self.raw.ask(request, 10).topics[0]
        return answer, answer.partitions[0]

    def offsets(self, groups, topic_id, partition=0):
        """The answers of the groups; without an id of all that they have committed."""
        Group = OffsetFetchRequest.OffsetFetchRequestGroup
        topics = None if topic_id is None else [Group.OffsetFetchRequestTopics(topic_id=topic_id, partition_indexes=[partition])]
        asked = [Group(group_id=group, member_id=None, member_epoch=-1, topics=topics) for group in groups]
        return self.raw.ask(OffsetFetchRequest(groups=asked, require_stable=False), 10).groups

    def committed(self, group, topic_id, partition=0):
        [answer] = self.offsets([group], topic_id, partition)
        assert answer.error_code == 0, answer
        return [(one, part) for one in answer.topics for part in one.partitions]


def main(server):
    run = uuid.uuid4().hex[:8]
    checks = Checks()
    admin = AdminClient({"bootstrap.servers": server})
    raw = Raw(server)
    ask = ByID(raw)

    def topic(name):
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(10)
        return ask.topic_id(name)

    @checks.check("records, fetches and offsets go by a topic's id")
    def _():
        group, topic_id = "known-" + run, topic("known-" + run)
        for number in range(2):
            answer, part = ask.produce(topic_id)
            assert (answer.topic_id, part.index, part.error_code, part.base_offset) == (topic_id, 0, 0, number), answer
        answer, part = ask.fetch(topic_id)
        assert (answer.topic_id, part.error_code, part.high_watermark) == (topic_id, 0, 2) and part.records, answer
        answer, part = ask.commit(group, topic_id)
        assert (answer.topic_id, part.error_code) == (topic_id, 0), answer
        for asked in (topic_id, None):
            [(answer, part)] = ask.committed(group, asked)
            assert (answer.topic_id, part.error_code, part.committed_offset, part.metadata) == (topic_id, 0, 5, "m"), answer

    @checks.check("a partition that a topic does not have is UNKNOWN_TOPIC_OR_PARTITION")
    def _():
        group, topic_id = "partition-" + run, topic("partition-" + run)
        for answer, part in (ask.produce(topic_id, 7), ask.fetch(topic_id, 7), ask.commit(group, topic_id, partition=7)):
            assert (answer.topic_id, part.error_code) == (topic_id, UNKNOWN_PARTITION), answer
        [(answer, part)] = ask.committed(group, topic_id, 7)
        assert (answer.topic_id, part.error_code, part.committed_offset) == (topic_id, 0, -1), answer

    @checks.check("an id of no topic is UNKNOWN_TOPIC_ID")
    def _():
        group = "nobody-" + run
        for topic_id in (NOBODY, ZERO):
            for answer, part in (ask.produce(topic_id), ask.fetch(topic_id), ask.commit(group, topic_id), *ask.committed(group, topic_id)):
                assert (answer.topic_id or ZERO, part.error_code) == (topic_id, UNKNOWN_ID), answer
        assert ask.committed(group, None) == []

    @checks.check("the id of a deleted topic does not lead to a new one of its name")
    def _():
        name, group = "again-" + run, "again-" + run
        old = topic(name)
        assert ask.produce(old)[1].error_code == 0 and ask.commit(group, old)[1].error_code == 0
        admin.delete_topics([name])[name].result(10)
        new = topic(name)
        assert new != old
        for answer, part in (ask.produce(old), ask.fetch(old), ask.commit(group, old), *ask.committed(group, old)):
            assert (answer.topic_id, part.error_code) == (old, UNKNOWN_ID), answer
        assert ask.committed(group, None) == [], "the offset of the deleted topic is still there"
        assert ask.produce(new)[1].base_offset == 0
        assert ask.commit(group, new, offset=1)[1].error_code == 0
        assert ask.committed(group, None)[0][1].committed_offset == 1

    @checks.check("one unknown id does not keep the others from being served")
    def _():
        group, topic_id = "mixed-" + run, topic("mixed-" + run)
        Topic = ProduceRequest.TopicProduceData
        data = [Topic(topic_id=one, partition_data=[Topic.PartitionProduceData(index=0, records=batch())]) for one in (NOBODY, topic_id)]
        answer = raw.ask(ProduceRequest(transactional_id=None, acks=1, timeout_ms=10000, topic_data=data), 13)
        assert {one.topic_id: one.partition_responses[0].error_code for one in answer.responses} == {NOBODY: UNKNOWN_ID, topic_id: 0}, answer
        Topic = OffsetCommitRequest.OffsetCommitRequestTopic
        part = Topic.OffsetCommitRequestPartition(partition_index=0, committed_offset=9, committed_leader_epoch=-1, committed_metadata=None)
        request = OffsetCommitRequest(
            group_id=group, generation_id_or_member_epoch=-1, member_id="", group_instance_id=None,
            topics=[Topic(topic_id=one, partitions=[part]) for one in (topic_id, NOBODY)])
        answer = raw.ask(request, 10)
        assert {one.topic_id: one.partitions[0].error_code for one in answer.topics} == {NOBODY: UNKNOWN_ID, topic_id: 0}, answer
        assert [(one.topic_id, part.committed_offset) for one, part in ask.committed(group, None)] == [(topic_id, 9)]

    @checks.check("without acknowledgement an unknown id ends the connection")
    def _():
        mute = Raw(server, timeout=10)
        Topic = ProduceRequest.TopicProduceData
        data = [Topic(topic_id=NOBODY, partition_data=[Topic.PartitionProduceData(index=0, records=batch())])]
        request = ProduceRequest(transactional_id=None, acks=0, timeout_ms=1000, topic_data=data)
        try:
            mute.ask(request, 13)
        except ConnectionError:
            return
        raise AssertionError("it was answered")

    return checks.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
