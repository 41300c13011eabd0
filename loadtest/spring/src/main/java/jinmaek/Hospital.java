package jinmaek;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.persistence.AttributeConverter;
import jakarta.persistence.Convert;
import jakarta.persistence.Converter;
import jakarta.persistence.Entity;
import jakarta.persistence.Id;
import jakarta.persistence.OneToOne;
import jakarta.persistence.PrimaryKeyJoinColumn;
import jakarta.persistence.Table;
import org.hibernate.annotations.Immutable;

@Entity
@Immutable
@Table(name = "hospitals")
class Hospital {
    @Id
    String id;
    String name;
    @Convert(converter = FactsConverter.class)
    Facts facts;
    Long closedAt;
    @OneToOne
    @PrimaryKeyJoinColumn
    Rating rating;

    /** Of what the open data says, that which a list shows. */
    record Facts(String name, String kind, String region, String district, String address) {}

    @Converter
    static class FactsConverter implements AttributeConverter<Facts, String> {
        private final ObjectMapper json;

        FactsConverter(ObjectMapper json) {
            this.json = json;
        }

        @Override
        public Facts convertToEntityAttribute(String column) {
            try {
                return json.readValue(column, Facts.class);
            } catch (JsonProcessingException cause) {
                throw new IllegalStateException(cause);
            }
        }

        @Override
        public String convertToDatabaseColumn(Facts facts) {
            throw new UnsupportedOperationException("hospitals are only read");
        }
    }
}
