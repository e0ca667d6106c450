// What every check shares: its name and outcome on a line (`ok NAME`, `FAILED NAME: why`), clients with short waits, and conditions that are waited for.
// The name of a thing a check makes (topic, group, transactional id) is new for each check, so none sees what another left behind.
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

class Check {
    static final Duration TICK = Duration.ofMillis(100);
    static final int WAIT_SECONDS = 40;
    static String servers;
    static short replicas;
    static Admin admin;
    private static int made = 0;

    interface Body { void run() throws Exception; }
    interface Condition { boolean holds() throws Exception; }

    static void check(String name, Body body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable failure) {
            String at = "";
            for (StackTraceElement element : failure.getStackTrace()) if (element.getFileName() != null && element.getClassName().indexOf('.') < 0) at += " at " + element.getFileName() + ":" + element.getLineNumber();
            System.out.println("FAILED " + name + ": " + failure.toString().replace('\n', ' ') + at);
        }
    }

    static void hold(boolean condition, Object otherwise) { if (!condition) throw new AssertionError(otherwise); }

    static void equal(Object found, Object wanted) { hold(wanted.equals(found), "found " + found + ", wanted " + wanted); }

    static void until(Condition condition, String otherwise) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!condition.holds()) {
            hold(System.nanoTime() < end, "not within " + WAIT_SECONDS + " s: " + otherwise);
            Thread.sleep(20);
        }
    }

    /** The body must fail with this kind of error, bare or as the cause of an ExecutionException. */
    static <E extends Throwable> E refused(Class<E> kind, Body body) throws Exception {
        try {
            body.run();
        } catch (Throwable failure) {
            for (Throwable each = failure; each != null; each = each.getCause()) if (kind.isInstance(each)) return kind.cast(each);
            throw new AssertionError("failed with " + failure + ", wanted " + kind.getSimpleName(), failure);
        }
        throw new AssertionError("nothing was refused, wanted " + kind.getSimpleName());
    }

    static String fresh(String what) { return what + "-" + ++made; }

    static String topic(int partitions, String... settings) throws Exception {
        String name = fresh("topic");
        Map<String, String> chosen = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) chosen.put(settings[i], settings[i + 1]);
        admin.createTopics(List.of(new NewTopic(name, partitions, replicas).configs(chosen))).all().get();
        until(() -> admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions().stream().allMatch(p -> p.leader() != null), "a leader of " + name);
        return name;
    }

    static Map<String, Object> settings(Object... pairs) {
        Map<String, Object> found = new HashMap<>(Map.of("bootstrap.servers", servers));
        for (int i = 0; i < pairs.length; i += 2) found.put((String) pairs[i], pairs[i + 1]);
        return found;
    }

    static KafkaProducer<String, String> producer(Object... pairs) {
        Map<String, Object> found = settings("linger.ms", 1);
        found.putAll(settings(pairs));
        return new KafkaProducer<>(found, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Object... pairs) {
        Map<String, Object> found = settings("auto.offset.reset", "earliest", "enable.auto.commit", false, "fetch.max.wait.ms", 100);
        found.putAll(settings(pairs));
        return new KafkaConsumer<>(found, new StringDeserializer(), new StringDeserializer());
    }

    static void send(String topic, int from, int to) throws Exception {
        try (var producer = producer()) {
            for (int i = from; i < to; i++) producer.send(new ProducerRecord<>(topic, "k" + i, "v" + i));
        }
    }

    /** Polls until so many records have come. */
    static List<ConsumerRecord<String, String>> take(Consumer<String, String> consumer, int count) throws Exception {
        List<ConsumerRecord<String, String>> found = new ArrayList<>();
        until(() -> {
            consumer.poll(TICK).forEach(found::add);
            return found.size() >= count;
        }, count + " records");
        equal(found.size(), count);
        return found;
    }

    /** All values of a topic, sorted; read without a group, up to the end that isolation shows. */
    static List<String> values(String topic, String isolation) throws Exception {
        try (var consumer = consumer("isolation.level", isolation)) {
            List<TopicPartition> all = consumer.partitionsFor(topic).stream().map(p -> new TopicPartition(topic, p.partition())).toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            List<String> found = new ArrayList<>();
            until(() -> {
                consumer.poll(TICK).forEach(record -> found.add(record.value()));
                return all.stream().allMatch(p -> consumer.position(p) >= ends.get(p));
            }, "the end of " + topic);
            return found.stream().sorted().collect(Collectors.toList());
        }
    }

    static List<String> numbered(int from, int to) {
        List<String> found = new ArrayList<>();
        for (int i = from; i < to; i++) found.add("v" + i);
        return found.stream().sorted().collect(Collectors.toList());
    }

    static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    static TopicPartition first(String topic) { return new TopicPartition(topic, 0); }
}
