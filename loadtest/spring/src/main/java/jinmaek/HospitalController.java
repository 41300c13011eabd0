package jinmaek;

import jinmaek.Page.Cursor;
import org.springframework.data.domain.Limit;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

import static org.springframework.http.HttpStatus.BAD_REQUEST;
import static org.springframework.http.HttpStatus.NOT_FOUND;

@RestController
@RequestMapping("/api/review/hospitals")
@Transactional(readOnly = true)
public class HospitalController {
    private final HospitalRepository hospitals;
    private final ReviewRepository reviews;

    HospitalController(HospitalRepository hospitals, ReviewRepository reviews) {
        this.hospitals = hospitals;
        this.reviews = reviews;
    }

    @GetMapping
    public Page<Summary> hospitals(
            @RequestParam(defaultValue = "20") int limit, @RequestParam(required = false) Cursor cursor) {
        Limit rows = rows(limit);
        var found = cursor == null ? hospitals.first(rows) : hospitals.after(cursor.key(), cursor.id(), rows);
        return Page.of(found, limit, Summary::of, hospital -> new Cursor(hospital.name, hospital.id));
    }

    @GetMapping("/{id}/reviews")
    public Page<Shown> reviews(
            @PathVariable String id,
            @RequestParam(defaultValue = "20") int limit,
            @RequestParam(required = false) Cursor cursor) {
        Limit rows = rows(limit);
        if (!hospitals.existsById(id)) {
            throw new ResponseStatusException(NOT_FOUND);
        }
        var found = cursor == null ? reviews.first(id, rows) : reviews.after(id, cursor.key(), cursor.id(), rows);
        return Page.of(found, limit, Shown::of, review -> new Cursor(review.month, review.id));
    }

    /** One more than are shown, which tells whether a next page exists. */
    private static Limit rows(int limit) {
        if (limit < 1 || limit > 100) {
            throw new ResponseStatusException(BAD_REQUEST);
        }
        return Limit.of(limit + 1);
    }

    record Summary(
            String id, String name, String kind, String region, String district, String address,
            boolean open, long reviewCount, Double average) {
        static Summary of(Hospital hospital) {
            var facts = hospital.facts;
            var rating = hospital.rating == null ? new Rating() : hospital.rating;
            return new Summary(
                    hospital.id, facts.name(), facts.kind(), facts.region(), facts.district(), facts.address(),
                    hospital.closedAt == null, rating.count(), rating.average());
        }
    }

    record Shown(
            String id, String status, String title, String body, Stars stars, Double average, String month,
            long revision, boolean edited, String hiddenUntil, ShownReply reply) {
        static Shown of(Review review) {
            var readable = review.isPublished();
            var stars = readable ? Stars.of(review.stars) : null;
            var reply = readable && review.reply != null ? new ShownReply(review.reply.body, review.reply.month) : null;
            return new Shown(
                    review.id, review.status, readable ? review.title : null, readable ? review.body : null,
                    stars, readable ? Rating.mean(stars.total(), 6) : null, review.month,
                    review.revision, review.revision > 1, review.hiddenUntil, reply);
        }
    }

    record ShownReply(String body, String month) {}

    record Stars(int treatment, int explanation, int kindness, int facilities, int cost, int honesty) {
        static Stars of(String digits) {
            int[] of = digits.chars().map(digit -> digit - '0').toArray();
            return new Stars(of[0], of[1], of[2], of[3], of[4], of[5]);
        }

        int total() {
            return treatment + explanation + kindness + facilities + cost + honesty;
        }
    }
}
