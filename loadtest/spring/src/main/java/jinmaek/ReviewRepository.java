package jinmaek;

import java.util.List;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

interface ReviewRepository extends JpaRepository<Review, String> {
    @Query("""
            select r from Review r left join fetch r.reply
            where r.hospitalId = :hospitalId and r.month > ''
            order by r.month desc, r.id desc""")
    List<Review> first(String hospitalId, Limit limit);

    @Query("""
            select r from Review r left join fetch r.reply
            where r.hospitalId = :hospitalId and r.month > '' and (r.month, r.id) < (:month, :id)
            order by r.month desc, r.id desc""")
    List<Review> after(String hospitalId, String month, String id, Limit limit);
}
