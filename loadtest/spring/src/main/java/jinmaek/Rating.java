package jinmaek;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

/** What the reviews of a hospital add up to. */
@Entity
@Immutable
@Table(name = "signed_ratings")
class Rating {
    private static final long FEWEST_FOR_AVERAGE = 5;

    @Id
    String hospitalId;
    long treatment, explanation, kindness, facilities, cost, honesty;
    long one, two, three, four, five;

    long count() {
        return one + two + three + four + five;
    }

    Double average() {
        long sum = treatment + explanation + kindness + facilities + cost + honesty;
        return count() < FEWEST_FOR_AVERAGE ? null : mean(sum, count() * 6);
    }

    /** To one decimal, halves up. */
    static double mean(long sum, long count) {
        return (sum * 20 + count) / (count * 2) / 10.0;
    }
}
