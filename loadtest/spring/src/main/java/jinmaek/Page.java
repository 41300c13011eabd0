package jinmaek;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Keyset pagination: a page starts after the last row of the one before it. */
record Page<T>(List<T> items, Cursor nextCursor) {
    /** Of `rows`, one more than `limit` where there is a next page. */
    static <R, T> Page<T> of(List<R> rows, int limit, Function<R, T> shown, Function<R, Cursor> place) {
        boolean more = rows.size() > limit;
        List<R> page = more ? rows.subList(0, limit) : rows;
        return new Page<>(page.stream().map(shown).toList(), more ? place.apply(page.get(limit - 1)) : null);
    }

    /** The place of a row: what the list is ordered by, and its id. */
    record Cursor(String key, String id) {
        public static Cursor from(String text) {
            String[] parts = new String(Base64.getUrlDecoder().decode(text), UTF_8).split("\n", 2);
            return new Cursor(parts[0], parts[1]);
        }

        @JsonValue
        String text() {
            return Base64.getUrlEncoder().withoutPadding().encodeToString((key + "\n" + id).getBytes(UTF_8));
        }
    }
}
