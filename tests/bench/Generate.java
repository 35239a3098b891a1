import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.metadata.placement.UsableBroker;

/** What `kafka-reassign-partitions --generate` proposes, by the tool's own planner, which is private: lines in, lines out, no cluster. */
class Generate {
    public static void main(String[] arguments) throws Exception {
        List<UsableBroker> brokers = new ArrayList<>();
        Map<TopicPartition, List<Integer>> now = new HashMap<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("broker")) {
                brokers.add(new UsableBroker(Integer.parseInt(words[1]), Optional.ofNullable(words.length > 2 ? words[2] : null), false));
            } else {
                List<Integer> replicas = Arrays.stream(words[3].split(",")).map(Integer::valueOf).collect(Collectors.toList());
                now.put(new TopicPartition(words[1], Integer.parseInt(words[2])), replicas);
            }
        }
        Method planner = Class.forName("org.apache.kafka.tools.reassign.ReassignPartitionsCommand")
            .getDeclaredMethod("calculateAssignment", Map.class, List.class);
        planner.setAccessible(true);
        @SuppressWarnings("unchecked")
        Map<TopicPartition, List<Integer>> proposed = (Map<TopicPartition, List<Integer>>) planner.invoke(null, now, brokers);
        StringBuilder output = new StringBuilder();
        proposed.forEach((partition, replicas) -> output
            .append(partition.topic()).append(' ').append(partition.partition()).append(' ')
            .append(replicas.stream().map(String::valueOf).collect(Collectors.joining(","))).append('\n'));
        System.out.print(output);
    }
}
