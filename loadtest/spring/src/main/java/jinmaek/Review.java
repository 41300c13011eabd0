package jinmaek;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.OneToOne;
import jakarta.persistence.PrimaryKeyJoinColumn;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

@Entity
@Immutable
@Table(name = "signed_reviews")
class Review {
    @Id
    String id;
    String hospitalId;
    String status;
    String month;
    String title;
    String body;
    /** Six digits. */
    String stars;
    long revision;
    String hiddenUntil;
    @OneToOne
    @PrimaryKeyJoinColumn
    Reply reply;

    boolean isPublished() {
        return status.equals("published");
    }

    @Entity
    @Immutable
    @Table(name = "review_replies")
    static class Reply {
        @Id
        String reviewId;
        String body;
        String month;
    }
}
