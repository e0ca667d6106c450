// The leader of a partition is killed (-9) while an idempotent producer writes and a group reads. It prints KILL and the leader's number and goes on when a
// line comes back: by then the broker was killed and is being started again. Nothing may be lost, or be there twice.
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

class Faults extends Check {
    private static final Scanner answers = new Scanner(System.in);

    static void all() {
        for (String protocol : List.of("classic", "consumer")) check("faults: a leader is killed under an idempotent producer and a group, " + protocol, () -> leaderLost(protocol));
    }

    private static void leaderLost(String protocol) throws Exception {
        String topic = topic(3, "min.insync.replicas", "2");
        AtomicBoolean halt = new AtomicBoolean();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        Thread writer = new Thread(() -> {
            try (var producer = producer("delivery.timeout.ms", 60_000, "request.timeout.ms", 5000)) {
                while (!halt.get()) {
                    sent.add(producer.send(new ProducerRecord<>(topic, sent.size() % 3, null, "v" + sent.size())));
                    if (sent.size() % 10 == 0) Thread.sleep(2);
                }
                producer.flush();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        });
        Map<String, Integer> seen = new HashMap<>();
        try (var consumer = consumer("group.id", fresh("group"), "group.protocol", protocol)) {
            consumer.subscribe(List.of(topic));
            writer.start();
            until(() -> { consumer.poll(TICK).forEach(r -> seen.merge(r.value(), 1, Integer::sum)); return seen.size() > 100; }, "records before the loss");
            System.out.println("KILL " + admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0).leader().id());
            answers.nextLine();
            int before = seen.size();
            until(() -> { consumer.poll(TICK).forEach(r -> seen.merge(r.value(), 1, Integer::sum)); return seen.size() > before + 500; }, "records after the loss");
            halt.set(true);
            writer.join();
            for (var each : sent) each.get();
            until(() -> { consumer.poll(TICK).forEach(r -> seen.merge(r.value(), 1, Integer::sum)); return seen.size() == sent.size(); }, "all " + sent.size() + " records, there are " + seen.size());
        }
        equal(values(topic, "read_uncommitted"), numbered(0, sent.size()));
        until(() -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream().allMatch(p -> p.isr().size() == 3), "all replicas in sync again");
    }
}
