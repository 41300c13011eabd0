package jinmaek;

import java.util.List;
import org.springframework.data.domain.Limit;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.Query;

interface HospitalRepository extends JpaRepository<Hospital, String> {
    @Query("select h from Hospital h left join fetch h.rating order by h.name, h.id")
    List<Hospital> first(Limit limit);

    @Query("""
            select h from Hospital h left join fetch h.rating
            where (h.name, h.id) > (:name, :id) order by h.name, h.id""")
    List<Hospital> after(String name, String id, Limit limit);
}
